package draw

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// decode reads the QR codes of a picture with zbarimg.
func decode(t *testing.T, picture string) []string {
	t.Helper()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Skip("install zbar-tools to read the codes back")
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture).Output()
	if err != nil {
		t.Fatalf("zbarimg finds nothing in %s: %v", picture, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("install %s to read the codes back", name)
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func TestAScannerReadsTheCodeOfEachKind(t *testing.T) {
	for _, text := range []string{"rw:rack:r1", "rw:machine:r1-u10", "rw:cable:leaf-1:Ethernet1/14", "rw:slot:r1:10:rear:left", "rw:machine:" + strings.Repeat("n", 63)} {
		m, err := encode(text)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "code.png")
		if err := os.WriteFile(path, picture(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := decode(t, path); len(got) != 1 || got[0] != text {
			t.Errorf("%q reads as %q", text, got)
		}
	}
}

// picture is a matrix as PNG, 6 pixels a module, with its quiet zone.
func picture(t *testing.T, m matrix) []byte {
	t.Helper()
	const scale = 6
	img := image.NewGray(image.Rect(0, 0, (m.n+2*quiet)*scale, (m.n+2*quiet)*scale))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	m.runs(func(x, y, length int) {
		for px := (x + quiet) * scale; px < (x+length+quiet)*scale; px++ {
			for py := (y + quiet) * scale; py < (y+1+quiet)*scale; py++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	})
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Readers take bytes beyond ASCII for Big5 or Shift-JIS as they please.
func TestACableWhoseLabelNoScannerReadsIsKnownByItsEnd(t *testing.T) {
	end := inventory.End{Owner: "n1", Port: "nic1"}
	if l := flag(end, inventory.End{Owner: "leaf", Port: "1"}, end, &inventory.Cable{Label: "Zürich-7"}); l.Code.String() != "rw:cable:n1:nic1" || l.Lines[2] != "Zürich-7" {
		t.Errorf("label %+v", l)
	}
	if _, err := encode("rw:rack:Zürich"); !fault.Is(err, fault.Invalid) {
		t.Errorf("encode: %v", err)
	}
}

func TestTheRunsAreTheModules(t *testing.T) {
	m, err := encode("rw:machine:r1-u10")
	if err != nil {
		t.Fatal(err)
	}
	again := matrix{n: m.n, dark: make([]bool, m.n*m.n)}
	m.runs(func(x, y, length int) {
		for i := range length {
			again.dark[y*m.n+x+i] = true
		}
	})
	finder := []bool{true, true, true, true, true, true, true, false} // its upper edge and separator
	for i, dark := range m.dark {
		if again.dark[i] != dark {
			t.Fatalf("module %d,%d is %t, drawn %t", i%m.n, i/m.n, dark, again.dark[i])
		}
		if i < len(finder) && dark != finder[i] {
			t.Fatalf("no finder pattern in the corner: module %d is %t", i, dark)
		}
	}
}

func labelsForScanning() []Label {
	return []Label{
		MachineLabel(&inventory.Machine{Name: "r1-u10", Serial: "ABC1234", Model: "dell-r660", Slot: &inventory.Slot{Rack: "r1", U: 10, Height: 1, Face: inventory.Both}}),
		RackLabel(&inventory.Rack{Name: "r1", Site: "lab"}),
	}
}

func TestAScannerReadsThePDF(t *testing.T) {
	dir := t.TempDir()
	text, err := LabelsPDF(labelsForScanning(), A4(3, 8), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/l.pdf", text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "pdftoppm", "-png", "-r", "300", dir+"/l.pdf", dir+"/l")
	pages, _ := filepath.Glob(dir + "/l-*.png")
	if len(pages) != 1 {
		t.Fatalf("%d pages", len(pages))
	}
	scanned(t, decode(t, pages[0]))
}

func TestAScannerReadsTheSVG(t *testing.T) {
	dir := t.TempDir()
	text, err := LabelsSVG(labelsForScanning(), DefaultLabel())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/l.svg", text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "rsvg-convert", "--dpi-x", "300", "--dpi-y", "300", "-o", dir+"/l.png", dir+"/l.svg")
	scanned(t, decode(t, dir+"/l.png"))
}

func scanned(t *testing.T, got []string) {
	t.Helper()
	all := strings.Join(got, " ")
	if len(got) != 2 || !strings.Contains(all, "rw:machine:r1-u10") || !strings.Contains(all, "rw:rack:r1") {
		t.Errorf("read %q", got)
	}
}

func TestWordsThatTheFontLacksAreTransliterated(t *testing.T) {
	if n := len(plainLetters); n != 128 {
		t.Fatalf("%d plain letters", n)
	}
	for in, want := range map[string]string{"a→b": "a->b", "Łódź": "L\xf3dz", "Zürich": "Z\xfcrich", "5 €": "5 \x80", "ž": "\x9e", "机架": "??", "a\x00b\nc": "a b c", "…": "\x85", "Ÿ": "\x9f", "ŵ": "w", "ſ": "s"} {
		if got := western(in); got != want {
			t.Errorf("%q is written %q, want %q", in, got, want)
		}
	}
}

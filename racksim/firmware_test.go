package racksim

import (
	"bytes"
	"strings"
	"testing"

	"rackwright/fault"
)

func TestAFirmwareFileReadsBackAsItWasWritten(t *testing.T) {
	for _, size := range []Size{0, 1, 64 << 10, 64<<10 + 7} {
		var file, again bytes.Buffer
		want := Firmware{Component: "NIC.1", Version: "22.5-b", Model: "racksim qemu"}
		if err := WriteFirmware(&file, want, size); err != nil {
			t.Fatal(err)
		}
		if err := WriteFirmware(&again, want, size); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
			t.Errorf("%d bytes: a second file differs (%v)", size, err)
		}
		if _, payload, _ := bytes.Cut(file.Bytes(), []byte("\n")); Size(len(payload)) != size {
			t.Errorf("%d bytes behind the line, want %d", len(payload), size)
		}
		got, err := ReadFirmware(&file)
		want.SHA256 = got.SHA256
		if err != nil || got != want {
			t.Errorf("read back %+v, %v", got, err)
		}
	}
}

func TestAFileThatIsNoGoodFirmwareIsRefused(t *testing.T) {
	var file bytes.Buffer
	if err := WriteFirmware(&file, Firmware{Component: "bios", Version: "2.1"}, 100); err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(file.String(), "\n")
	for what, text := range map[string]string{
		"empty":             "",
		"another file":      "PK\x03\x04" + strings.Repeat("x", 2000),
		"cut short":         file.String()[:file.Len()-1],
		"longer":            file.String() + "x",
		"no line":           line,
		"no version":        strings.Replace(file.String(), "version=2.1 ", "", 1),
		"two versions":      strings.Replace(file.String(), "version=2.1", "version=2.1 version=2.2", 1),
		"a path for an id":  strings.Replace(file.String(), "component=bios", "component=../bios", 1),
		"an unknown word":   strings.Replace(file.String(), "version", "verison", 1),
		"not a digest":      strings.Replace(file.String(), "sha256=", "sha256=x", 1),
		"a line that never": firmwareWord + strings.Repeat(" ", 5000) + "\n",
	} {
		if f, err := ReadFirmware(strings.NewReader(text)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", what, f, err)
		}
	}
}

func FuzzReadFirmware(f *testing.F) {
	f.Add("racksim-firmware component=bios version=2.1 sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n")
	f.Add("racksim-firmware component=bmc version=1 model=a_b sha256=00\nxyz")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadFirmware(strings.NewReader(text))
		if err == nil && got.check() != nil {
			t.Errorf("%+v was taken", got)
		}
	})
}

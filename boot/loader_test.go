package boot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ipxe "github.com/tinkerbell/ipxedust/binary"

	"rackwright/fault"
	"rackwright/inventory"
)

func TestEachKindOfClientLoadsItsOwnNextThing(t *testing.T) {
	mac := inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}
	base := BaseURL(netip.MustParseAddr("10.0.0.1"), 8080)
	for _, c := range []struct {
		name   string
		client Client
		want   string
	}{
		{"BIOS firmware", Client{Class: PXE, Arch: ArchBIOS}, "undionly.kpxe"},
		{"UEFI x64 firmware", Client{Class: PXE, Arch: ArchX64}, "ipxe.efi"},
		{"UEFI x64 firmware that says 9", Client{Class: PXE, Arch: ArchX64Other}, "ipxe.efi"},
		{"UEFI arm64 firmware", Client{Class: PXE, Arch: ArchARM64}, "snp.efi"},
		{"UEFI HTTP client", Client{Class: HTTP, Arch: ArchX64HTTP}, "http://10.0.0.1:8080/boot/ipxe.efi"},
		{"UEFI arm64 HTTP client", Client{Class: HTTP, Arch: ArchARM64HTTP}, "http://10.0.0.1:8080/boot/snp.efi"},
		{"IA32 UEFI is left alone", Client{Class: PXE, Arch: 6}, ""},
		{"unknown architecture is left alone", Client{Class: PXE, Arch: ArchUnknown}, ""},
		{"installed system", Client{Class: NotNetboot, Arch: ArchX64}, ""},
		{"iPXE in a BIOS ROM", Client{Class: IPXE, Arch: ArchBIOS, MAC: mac},
			"http://10.0.0.1:8080/boot/script?mac=52:54:00:77:00:01&platform=pcbios"},
		{"iPXE on UEFI with a UUID", Client{Class: IPXE, Arch: ArchX64, MAC: mac, UUID: "01234567-89ab-cdef-0123-456789abcdef"},
			"http://10.0.0.1:8080/boot/script?mac=52:54:00:77:00:01&platform=efi&uuid=01234567-89ab-cdef-0123-456789abcdef"},
		{"iPXE that names no architecture", Client{Class: IPXE, Arch: ArchUnknown, MAC: mac},
			"http://10.0.0.1:8080/boot/script?mac=52:54:00:77:00:01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.client.Next(base, BuiltIn, nil); got != c.want {
				t.Errorf("next is %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheLongestScriptURLFitsTheHeaderField(t *testing.T) {
	base := BaseURL(netip.MustParseAddr("192.168.100.100"), 8080)
	c := Client{Class: IPXE, Arch: ArchX64, UUID: "01234567-89ab-cdef-0123-456789abcdef", MAC: inventory.MAC{2}}
	if n := len(c.Next(base, BuiltIn, nil)); n > 127 {
		t.Errorf("%d bytes, the BOOTP file field has 127", n)
	}
}

func TestTheUserClassWinsOverTheVendorClass(t *testing.T) {
	for _, c := range []struct {
		vendor string
		user   []string
		want   Class
	}{
		{"PXEClient:Arch:00000:UNDI:002001", []string{"iPXE"}, IPXE},
		{"PXEClient:Arch:00007:UNDI:003010", []string{"Tinkerbell"}, IPXE},
		{"PXEClient:Arch:00007:UNDI:003001", nil, PXE},
		{"HTTPClient:Arch:00016:UNDI:003001", nil, HTTP},
		{"", []string{"gPXE"}, NotNetboot},
		{"MSFT 5.0", nil, NotNetboot},
		{"", nil, NotNetboot},
	} {
		if got := ClassOf(c.vendor, c.user); got != c.want {
			t.Errorf("option 60 %q, option 77 %q: %s, want %s", c.vendor, c.user, got, c.want)
		}
	}
}

func TestEveryLoaderNamedForAnArchitectureIsOnTheShelf(t *testing.T) {
	shelf := NewLoaders()
	for _, f := range firmware {
		if name := f.loaders[BuiltIn]; name != "" && shelf.Get(name) == nil {
			t.Errorf("%s needs %s, which is not on the shelf", f.name, name)
		}
	}
}

func TestThePageHasTheTableOfLoaders(t *testing.T) {
	page, err := os.ReadFile("../docs/boot.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), LoaderTable()) {
		t.Errorf("docs/boot.md lacks this table:\n%s", LoaderTable())
	}
}

func TestALoaderThatIsNotOnTheShelfIsNotOffered(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"shimx64.efi", "grubx64.efi"} {
		write(t, filepath.Join(dir, "shim", name), efi(amd64, 10, true))
	}
	signed, err := NewLoaders().With(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		client Client
		wish   Kind
		shelf  *Loaders
		want   string
	}{
		{"shim where it is", Client{Class: PXE, Arch: ArchX64}, Shim, signed, "shim/shimx64.efi"},
		{"shim by HTTP", Client{Class: HTTP, Arch: ArchX64HTTP}, Shim, signed, "http://s/boot/shim/shimx64.efi"},
		{"shim that nobody brought", Client{Class: PXE, Arch: ArchX64}, Shim, NewLoaders(), "ipxe.efi"},
		{"of another processor", Client{Class: PXE, Arch: ArchARM64}, Shim, signed, "snp.efi"},
		{"signed iPXE that nobody brought", Client{Class: PXE, Arch: ArchX64}, SignedIPXE, signed, "ipxe.efi"},
		{"a BIOS knows no signatures", Client{Class: PXE, Arch: ArchBIOS}, Shim, signed, "undionly.kpxe"},
		{"a kind there is none of", Client{Class: PXE, Arch: ArchX64}, "lilo", signed, "ipxe.efi"},
		{"nothing for U-Boot", Client{Class: PXE, Arch: ArchARM64UBoot}, Shim, signed, ""},
	} {
		if got := c.client.Next("http://s", c.wish, c.shelf); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheFolderOfLoadersIsReadWithinBounds(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shim", "shimx64.efi"), efi(amd64, 10, true))
	write(t, filepath.Join(dir, "shim", "README"), "not a loader")
	write(t, filepath.Join(dir, "other", "x.efi"), "of a kind that is none")
	write(t, filepath.Join(dir, "ipxe.efi"), "beside the folders")
	shelf, err := NewLoaders().With(dir)
	if err != nil || len(shelf.List()) != len(NewLoaders().List())+1 || shelf.Get("/shim/shimx64.efi") == nil || shelf.Get("shim//shimx64.efi") == nil {
		t.Errorf("%v: %d loaders", err, len(shelf.List()))
	}
	if _, err := NewLoaders().With(filepath.Join(dir, "missing")); err != nil {
		t.Errorf("no folder is no fault: %v", err)
	}
	write(t, filepath.Join(dir, "snponly", "snponlyx64.efi"), "#!/bin/sh")
	if _, err := NewLoaders().With(dir); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a file that is no EFI program: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadersAreFoundUnderTheNamesFirmwareUses(t *testing.T) {
	shelf := NewLoaders()
	for _, name := range []string{"ipxe.efi", "/ipxe.efi", "boot/ipxe.efi", "/boot/ipxe.efi"} {
		if shelf.Get(name) == nil {
			t.Errorf("%q not found", name)
		}
	}
	for _, name := range []string{"", "/", "boot/", "../ipxe.efi", "//ipxe.efi", "ipxe.efi\x00", "IPXE.EFI"} {
		if shelf.Get(name) != nil {
			t.Errorf("%q found", name)
		}
	}
}

func TestTheDigestIsOfTheBytesServed(t *testing.T) {
	for _, l := range NewLoaders().List() {
		sum := sha256.Sum256(l.Bytes())
		if l.Digest != "sha256:"+hex.EncodeToString(sum[:]) || l.Size != len(l.Bytes()) || l.Size == 0 {
			t.Errorf("%s: digest or size is wrong", l.Name)
		}
	}
}

func TestTheUEFILoadersCarryOurScriptAndAreOtherwiseUntouched(t *testing.T) {
	for name, original := range map[string][]byte{"ipxe.efi": ipxe.IpxeEFI, "snp.efi": ipxe.SNP} {
		got := NewLoaders().Get(name).Bytes()
		at := bytes.Index(got, []byte(embedded))
		if at < 0 || len(got) != len(original) || bytes.Contains(got, []byte("Tinkerbell")) {
			t.Fatalf("%s: script at %d, %d bytes of %d", name, at, len(got), len(original))
		}
		six := NewLoaders().Get(name).Over(netip.MustParseAddr("fd77::10"))
		if bytes.Index(six.Bytes(), []byte(embeddedSix)) != at || six.Size != len(got) {
			t.Errorf("%s: not the script of who loads over IPv6", name)
		}
		if four := NewLoaders().Get(name).Over(netip.MustParseAddr("::ffff:10.0.0.1")); !bytes.Equal(four.Bytes(), got) {
			t.Errorf("%s: not the script of who loads over IPv4", name)
		}
		for _, b := range [][]byte{got, six.Bytes()} {
			if !bytes.Equal(b[:at], original[:at]) || !bytes.Equal(b[at+4096:], original[at+4096:]) {
				t.Errorf("%s: bytes outside the script differ", name)
			}
		}
	}
	if _, ok := withScript(ipxe.Undionly, embedded); ok {
		t.Error("the BIOS loader is compressed, no script can be found in it")
	}
}

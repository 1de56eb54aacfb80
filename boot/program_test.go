package boot

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/fault"
)

const amd64, arm64, i386 = 0x8664, 0xaa64, 0x14c

// efi is the head of an EFI program and nothing else.
func efi(machine, subsystem uint16, signed bool) string {
	le := binary.LittleEndian
	b := make([]byte, 512, 528)
	copy(b, "MZ")
	b[0x3c] = 128
	copy(b[128:], "PE\x00\x00")
	le.PutUint16(b[132:], machine)
	head, tables := b[152:], 112
	if le.PutUint16(head, pe32plus); machine == i386 {
		le.PutUint16(head, pe32)
		tables = 96
	}
	le.PutUint16(head[68:], subsystem)
	le.PutUint32(head[tables-4:], 16)
	if signed {
		le.PutUint32(head[tables+32:], 512)
		le.PutUint32(head[tables+36:], 16)
		b = append(b, 16, 0, 0, 0, 0, 2, pkcs7, 0, 's', 'i', 'g', 'n', 'a', 't', 'u', 'r')
	}
	return string(b)
}

func TestALoaderIsForTheProcessorThatItsNameSays(t *testing.T) {
	whole := efi(amd64, application, true)
	for _, c := range []struct {
		what  string
		files map[string]string
		wrong string // of the error; "": there is none
		plain int    // that carry no signature
	}{
		{"shim and GRUB", map[string]string{"shim/shimx64.efi": whole, "shim/grubx64.efi": whole, "shim/shimaa64.efi": efi(arm64, application, true)}, "", 0},
		{"unsigned ones", map[string]string{"shim/shimx64.efi": whole, "shim/grubx64.efi": efi(amd64, application, false), "snponly/snponlyx64.efi": efi(amd64, application, false)}, "", 1},
		{"32-bit UEFI", map[string]string{"shim/shimia32.efi": efi(i386, application, true)}, "", 0},
		{"another processor's", map[string]string{"shim/shimx64.efi": efi(arm64, application, true)}, "shim/shimx64.efi cannot be used: it is for arm64, and its name is that of one for amd64", 0},
		{"its name in capitals", map[string]string{"shim/GRUBAA64.efi": whole}, "it is for amd64", 0},
		{"a driver", map[string]string{"ipxe-signed/ipxe.efi": efi(amd64, 11, true)}, "none that firmware starts", 0},
		{"a script", map[string]string{"ipxe-signed/ipxe.efi": "#!ipxe"}, "is no EFI program", 0},
		{"a program of DOS", map[string]string{"ipxe-signed/ipxe.efi": "MZ" + strings.Repeat("\x00", 100)}, "is no EFI program", 0},
		{"one that is cut", map[string]string{"ipxe-signed/ipxe-shimx64.efi": whole[:520]}, "ipxe-signed/ipxe-shimx64.efi cannot be used: it is cut short", 0},
		{"one whose head is cut", map[string]string{"ipxe-signed/ipxe-shimx64.efi": whole[:200]}, "is no EFI program", 0},
		{"another sort of signature", map[string]string{"shim/shimx64.efi": strings.Replace(whole, "\x00\x02\x02", "\x00\x02\x01", 1)}, "", 1},
		{"signed iPXE", map[string]string{"ipxe-signed/ipxe-shimx64.efi": whole, "ipxe-signed/ipxe.efi": whole}, "", 0},
		{"signed iPXE for two processors", map[string]string{"ipxe-signed/ipxe-shimx64.efi": whole, "ipxe-signed/ipxe.efi": whole, "ipxe-signed/ipxe-shimaa64.efi": efi(arm64, application, true)}, "ipxe-shimaa64.efi cannot be used: it starts ipxe.efi beside it, which is for amd64", 0},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			write(t, filepath.Join(dir, name), text)
		}
		shelf, err := NewLoaders().With(dir)
		switch {
		case c.wrong == "" && err != nil, c.wrong != "" && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.wrong) || fault.HintOf(err) == ""):
			t.Errorf("%s: %v, want %q", c.what, err, c.wrong)
		case err == nil && len(shelf.Unsigned()) != c.plain:
			t.Errorf("%s: %d without a signature, want %d", c.what, len(shelf.Unsigned()), c.plain)
		}
	}
}

func TestTheLoadersOfADistributionAreTaken(t *testing.T) {
	dir := t.TempDir()
	for name, from := range map[string]string{"shimx64.efi": "/usr/lib/shim/shimx64.efi.signed", "mmx64.efi": "/usr/lib/shim/mmx64.efi.signed", "grubx64.efi": "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Skip("needs " + from + ": apt-get install shim-signed grub-efi-amd64-signed")
		}
		write(t, filepath.Join(dir, "shim", name), string(content))
	}
	shelf, err := NewLoaders().With(dir)
	if err != nil || len(shelf.Unsigned()) > 0 || !shelf.Get("shim/grubx64.efi").Signed {
		t.Errorf("%v", err)
	}
	write(t, filepath.Join(dir, "shim", "grubx64.efi"), string(NewLoaders().Get("ipxe.efi").Bytes()))
	if shelf, err = NewLoaders().With(dir); err != nil || len(shelf.Unsigned()) != 1 {
		t.Errorf("an iPXE that nobody signed: %v", err)
	}
}

func FuzzAProgramIsRead(f *testing.F) {
	f.Add([]byte(efi(amd64, application, true)))
	f.Add([]byte(efi(i386, application, false)))
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, wrong := readProgram(b); wrong == "" && p.machine == "" {
			t.Errorf("%x is for no processor", b)
		}
	})
}

package v6

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"rackwright/boot"
)

// TestRealFirmwareIsUnderstoodAndAnswered replays what testdata/README.md tells of.
func TestRealFirmwareIsUnderstoodAndAnswered(t *testing.T) {
	for _, c := range []struct {
		sender string
		client boot.Client
		file   string
	}{
		{"ovmf-address", boot.Client{Arch: boot.ArchUnknown}, ""},
		{"ovmf-pxe", boot.Client{Class: boot.PXE, Arch: boot.ArchX64}, "tftp://[fd86::1]/ipxe.efi"},
		{"ipxe-efi", boot.Client{Class: boot.IPXE, Arch: boot.ArchX64}, "http://[fd86::1]:8080/boot/script?mac=52:54:00:77:00:01&platform=efi&uuid=" + uuid},
	} {
		files, err := filepath.Glob(filepath.Join("testdata", c.sender+"-*.bin"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no captures of %s", c.sender)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				w := newWorld(nil)
				m, reason := Parse(b)
				if reason != "" {
					t.Fatalf("refused: %s", reason)
				}
				for i, o := range m.opts { // it named the server that it talked to
					if o.code == optServerID {
						m.opts[i].value = ServerID(w.view)
					}
				}
				in := w.in
				in.Message, in.From = m, netip.AddrPortFrom(Question{MAC: knownMAC}.source(), clientPort)
				ans := Decide(w.view, in, Settings{HTTPPort: 8080})
				c.client.MAC, c.client.UUID = knownMAC, uuid
				if ans.Client != c.client {
					t.Errorf("understood as %+v, want %+v", ans.Client, c.client)
				}
				if ans.Reply == nil || ans.Address.String() != known || ans.File != c.file {
					t.Errorf("rule %s, %s, %q", ans.Rule, ans.Address, ans.File)
				}
			})
		}
	}
}

package dhcp

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"rackwright/boot"
	"rackwright/inventory"
)

// capturedView is the network testdata was captured on (see testdata/README.md).
func capturedView() *boot.View {
	n := &inventory.Network{ID: "1", Name: "lab", Prefix: netip.MustParsePrefix("10.77.0.0/24"), DHCP: inventory.DHCPAuthoritative, LeaseSeconds: 3600}
	return boot.NewView(1, []*inventory.Network{n}, []*boot.Host{{Machine: "m1", Name: "n1", MAC: knownMAC, Network: n.Name, Address: netip.MustParseAddr("10.77.0.11")}})
}

func TestRealFirmwareIsUnderstoodAndAnswered(t *testing.T) {
	const uuid = "01234567-89ab-cdef-0123-456789abcdef"
	script := "http://10.77.0.1/boot/script?mac=52:54:00:77:00:01&platform="
	us := []netip.Addr{netip.MustParseAddr("10.77.0.1")}
	for _, c := range []struct {
		sender string
		client boot.Client
		file   string
	}{
		{"seabios-ipxe-rom", boot.Client{Class: boot.IPXE, Arch: boot.ArchBIOS, UUID: uuid}, script + "pcbios&uuid=" + uuid},
		{"ovmf-ipxe-rom", boot.Client{Class: boot.IPXE, Arch: boot.ArchX64, UUID: uuid}, script + "efi&uuid=" + uuid},
		{"ovmf-pxe", boot.Client{Class: boot.PXE, Arch: boot.ArchX64, UUID: uuid}, "ipxe.efi"},
		{"ovmf-http", boot.Client{Class: boot.HTTP, Arch: boot.ArchX64HTTP, UUID: uuid}, "http://10.77.0.1/boot/ipxe.efi"},
		{"ipxe-efi", boot.Client{Class: boot.IPXE, Arch: boot.ArchX64, UUID: uuid}, script + "efi&uuid=" + uuid},
		{"dhclient", boot.Client{Class: boot.NotNetboot, Arch: boot.ArchUnknown}, ""},
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
				m, reason := Parse(b)
				if m == nil {
					t.Fatalf("refused: %s", reason)
				}
				ans := Decide(capturedView(), Inbound{Message: m, Addresses: us, Own: us, To: broadcast(), At: testTime}, Settings{HTTPPort: 80})
				c.client.MAC = knownMAC
				if ans.Client != c.client {
					t.Errorf("understood as %+v, want %+v", ans.Client, c.client)
				}
				if ans.Reply == nil || ans.Address.String() != "10.77.0.11" || ans.Reply.BootFileNameOption() != c.file || ans.Reply.BootFileName != c.file {
					t.Errorf("rule %s, reply\n%v", ans.Rule, ans.Reply)
				}
			})
		}
	}
}

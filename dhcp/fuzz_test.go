package dhcp

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
)

// FuzzDecide: whatever arrives, nothing panics, an answer fits a frame, can be read
// back, and gives nobody an address that is another machine's.
func FuzzDecide(f *testing.F) {
	for _, m := range []*dhcpv4.DHCPv4{message(discover, knownMAC), message(request, strange, has("10.0.0.201")),
		message(discover, farMAC, via("10.9.0.1"), dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, []byte{5, 4, 10, 9, 0, 0}))} {
		f.Add(m.ToBytes())
	}
	captured, _ := filepath.Glob("testdata/*.bin")
	for _, name := range captured {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(func(prov, far *inventory.Network) { authoritative(prov, far); discovering(prov, far) })
		m, reason := Parse(b)
		if m == nil {
			if reason == "" {
				t.Fatal("refused without a reason")
			}
			return
		}
		ans := w.ask(m)
		if ans.Rule == "" || ans.Event.Summary == "" {
			t.Fatal("no rule or no event")
		}
		if ans.Reply == nil {
			return
		}
		out := ans.Bytes()
		back, err := read(out)
		if err != nil || len(out) > MaxMessage {
			t.Fatalf("reply of %d bytes: %v", len(out), err)
		}
		given, _ := netip.AddrFromSlice(back.YourIPAddr.To4())
		if h := w.view.HostAt(given); h != nil && h.MAC != ans.Client.MAC {
			t.Fatalf("%s was given the address of %s", ans.Client.MAC, h.Name)
		}
	})
}

package dhcp

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
	"rackwright/journal"
)

func TestAMACAtTwoPlacesIsToldOnceAndRedundantRelaysAreOnePlace(t *testing.T) {
	type hop struct {
		xid   byte
		relay string
		after time.Duration // the first
	}
	for name, c := range map[string]struct {
		hops []hop
		told int
	}{
		"stays":                          {[]hop{{1, "10.9.0.1", 0}, {2, "10.9.0.1", time.Second}}, 0},
		"moves":                          {[]hop{{1, "10.9.0.1", 0}, {2, "10.9.0.2", time.Second}}, 1},
		"moves to our own wire":          {[]hop{{1, "10.9.0.1", 0}, {2, "0.0.0.0", time.Second}}, 1},
		"two relays pass one message on": {[]hop{{1, "10.9.0.1", 0}, {1, "10.9.0.2", 0}, {2, "10.9.0.2", time.Second}, {2, "10.9.0.1", time.Second}}, 0},
		"comes back much later":          {[]hop{{1, "10.9.0.1", 0}, {2, "10.9.0.2", time.Hour}}, 0},
		"is at both for a while":         {[]hop{{1, "10.9.0.1", 0}, {2, "10.9.0.2", 1}, {3, "10.9.0.1", 2}, {4, "10.9.0.2", 3}}, 1},
	} {
		var at Whereabouts
		told := 0
		for _, h := range c.hops {
			m := message(discover, farMAC, via(h.relay), dhcpv4.WithTransactionID(dhcpv4.TransactionID{h.xid}))
			in := Inbound{Message: m, Interface: "eth0", At: testTime.Add(h.after)}
			ans := newWorld(nil).ask(m)
			if e, ok := at.Notice(in, ans); ok {
				told++
				if e.Kind != journal.DHCPMoved || e.Summary == "" || e.MAC != farMAC {
					t.Errorf("%s: event is %+v", name, e)
				}
			}
		}
		if told != c.told {
			t.Errorf("%s: told %d times, want %d", name, told, c.told)
		}
	}
}

func TestAFloodOfMACsIsNotRemembered(t *testing.T) {
	var at Whereabouts
	m := message(discover, strange)
	ans := newWorld(nil).ask(m)
	for i := range maxWhereabouts + 1000 {
		ans.Client.MAC = inventory.MAC{2, 0, byte(i >> 16), byte(i >> 8), byte(i)}
		at.Notice(Inbound{Message: m, At: testTime}, ans)
	}
	if len(at.seen) > maxWhereabouts {
		t.Errorf("%d are remembered", len(at.seen))
	}
}

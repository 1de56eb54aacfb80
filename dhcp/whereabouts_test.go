package dhcp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
	"rackwright/inventory/macs"
	"rackwright/journal"
)

func TestAMACAtTwoPlacesIsToldOnceAndRedundantRelaysAreOnePlace(t *testing.T) {
	type hop struct {
		xid   byte
		relay string        // "": it has its address, and asks us alone
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
		"renews past its relay":          {[]hop{{1, "10.9.0.1", 0}, {2, "", time.Minute}, {3, "10.9.0.1", 2 * time.Minute}}, 0},
		"comes back much later":          {[]hop{{1, "10.9.0.1", 0}, {2, "10.9.0.2", time.Hour}}, 0},
		"is at both for a while":         {[]hop{{1, "10.9.0.1", 0}, {2, "10.9.0.2", 1}, {3, "10.9.0.1", 2}, {4, "10.9.0.2", 3}}, 1},
	} {
		var at Whereabouts
		told := 0
		for _, h := range c.hops {
			m := message(discover, farMAC, via(h.relay), dhcpv4.WithTransactionID(dhcpv4.TransactionID{h.xid}))
			in := Inbound{Message: m, Interface: "eth0", Own: []netip.Addr{ourAddr}, At: testTime.Add(h.after)}
			if h.relay == "" {
				has("10.9.0.7")(m)
				in.To = ourAddr
			}
			ans := newWorld(nil).ask(m)
			here, xid := PlaceOf(in)
			if moved := at.Notice(farMAC, xid, here, in.At); moved != nil {
				told++
				e := moved.Event(ans.Event)
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
	for i := range maxWhereabouts + 1000 {
		at.Notice(inventory.MAC{2, 0, byte(i >> 16), byte(i >> 8), byte(i)}, 1, Place("ieth0"), testTime)
	}
	if n := at.seen.Len(); n != maxWhereabouts {
		t.Errorf("%d are remembered", n)
	}
	for i, known := range map[int]bool{999: false, 1000: true, maxWhereabouts + 999: true} {
		if at.seen.Find(inventory.MAC{2, 0, byte(i >> 16), byte(i >> 8), byte(i)}) != macs.None != known {
			t.Errorf("client %d: want known %v", i, known)
		}
	}
}

func TestAPlaceIsNamedAsTheRelaySaysItAndAQuickAnswerSeesTheSame(t *testing.T) {
	for want, c := range map[string]struct {
		relay string
		info  []byte // option 82
	}{
		"interface eth0":            {"0.0.0.0", nil},
		"relay 10.9.0.1":            {"10.9.0.1", nil},
		"port leaf-1/3":             {"10.9.0.1", []byte("\x01\x08leaf-1/3")},
		"port leaf-1/3 of rack 7":   {"10.9.0.1", []byte("\x01\x08leaf-1/3\x02\x06rack 7")},
		"port 0x0004 of 0xff":       {"10.9.0.1", []byte("\x01\x02\x00\x04\x02\x01\xff")},
		"relay 10.9.0.1 ":           {"10.9.0.1", []byte("\x02\x06rack 7")},
		"port leaf-1/3 of rack 7\t": {"10.9.0.1", []byte("\x02\x06rack 7\x01\x08leaf-1/3")},
	} {
		mods := []dhcpv4.Modifier{via(c.relay), dhcpv4.WithTransactionID(dhcpv4.TransactionID{1, 2, 3, 4})}
		if c.info != nil {
			mods = append(mods, dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionRelayAgentInformation, c.info)))
		}
		m := message(discover, farMAC, mods...)
		here, xid := PlaceOf(Inbound{Message: m, Interface: "eth0"})
		if here.String() != strings.TrimSpace(want) || xid != 0x01020304 {
			t.Errorf("%q: %s, transaction %x", want, here, xid)
		}
		var q Quick
		if !q.asked.scan(m.ToBytes()) || !q.readRelay(q.asked.value(82)) {
			t.Fatalf("%q is not usual", want)
		}
		if quick, id := q.Place(nil, Inbound{Interface: "eth0"}); string(quick) != string(here) || id != xid {
			t.Errorf("%q: quickly %s", want, quick)
		}
	}
}

func TestAClientThatStaysMakesNoGarbage(t *testing.T) {
	var at Whereabouts
	here := Place("ieth0")
	if n := testing.AllocsPerRun(100, func() { at.Notice(farMAC, 1, here, testTime) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

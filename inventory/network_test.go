package inventory_test

import (
	"net/netip"
	"testing"

	"rackwright/inventory"
)

func TestAPoolCountsItsAddresses(t *testing.T) {
	p := inventory.Pool{First: netip.MustParseAddr("10.0.0.250"), Last: netip.MustParseAddr("10.0.1.5")}
	if p.Size() != 12 || p.Nth(0) != p.First || p.Nth(11) != p.Last || p.Nth(6) != netip.MustParseAddr("10.0.1.0") {
		t.Errorf("size %d, 6th %s", p.Size(), p.Nth(6))
	}
	for s, in := range map[string]bool{"10.0.0.250": true, "10.0.1.5": true, "10.0.1.6": false, "10.0.0.249": false, "2001:db8::1": false} {
		if p.Contains(netip.MustParseAddr(s)) != in {
			t.Errorf("%s in the pool: %v", s, !in)
		}
	}
	none := inventory.Pool{}
	if !none.IsZero() || none.Size() != 0 || none.Contains(netip.Addr{}) || none.Contains(p.First) {
		t.Error("no pool holds something")
	}
	if all := (inventory.Pool{First: netip.MustParseAddr("0.0.0.0"), Last: netip.MustParseAddr("255.255.255.255")}); all.Size() != 1<<32 {
		t.Errorf("all of them are %d", all.Size())
	}
}

func TestTheFirstAndLastAddressOfANetworkAreNoHosts(t *testing.T) {
	n := inventory.Network{Prefix: netip.MustParsePrefix("10.0.0.0/30")}
	for s, want := range map[string]bool{"10.0.0.0": false, "10.0.0.1": true, "10.0.0.2": true, "10.0.0.3": false, "10.0.0.4": false, "9.255.255.255": false} {
		if n.Usable(netip.MustParseAddr(s)) != want {
			t.Errorf("%s usable: %v", s, !want)
		}
	}
	if n.Usable(netip.Addr{}) {
		t.Error("no address is usable")
	}
}

func TestAMachineBootsFromTheMarkedPortElseTheFirstWithAnAddress(t *testing.T) {
	with, without, marked := inventory.NIC{Name: "with", Address: netip.MustParseAddr("10.0.0.1")}, inventory.NIC{Name: "without"}, inventory.NIC{Name: "marked", Boot: true}
	for want, nics := range map[string][]inventory.NIC{"marked": {with, without, marked}, "with": {without, with}, "without": {without}, "": nil} {
		m := inventory.Machine{NICs: nics}
		got := ""
		if n := m.BootNIC(); n != nil {
			got = n.Name
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

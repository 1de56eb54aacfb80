package boot

import (
	"net/netip"
	"testing"

	"rackwright/inventory"
)

// neighbours are machines on networks of all sorts.
func neighbours() *View {
	prefix := netip.MustParsePrefix
	networks := []*inventory.Network{
		{Name: "prov", Prefix: prefix("10.0.0.0/24"), Prefix6: prefix("2001:db8:0:1::/64"), DHCP: inventory.DHCPAuthoritative, DHCP6: inventory.DHCP6Reservations},
		{Name: "beside", Prefix: prefix("10.1.0.0/24"), DHCP: inventory.DHCPProxy},
		{Name: "office", Prefix: prefix("10.2.0.0/24"), Prefix6: prefix("2001:db8:0:2::/64"), DHCP: inventory.DHCPOff},
		{Name: "oob", Prefix: prefix("10.3.0.0/24"), DHCP: inventory.DHCPReservations},
	}
	at := netip.MustParseAddr
	return NewView(1, networks, []*Host{
		{Machine: "m1", Name: "one", MAC: inventory.MAC{2, 0, 0, 0, 0, 1}, Network: "prov", Address: at("10.0.0.11"), Address6: at("2001:db8:0:1::11")},
		{Machine: "m1", Name: "one", MAC: inventory.MAC{2, 0, 0, 0, 1, 1}},
		{Machine: "m1", Name: "one", MAC: inventory.MAC{2, 0, 0, 0, 2, 1}, Network: "beside"},
		{Machine: "m1", Name: "one", MAC: inventory.MAC{2, 0, 0, 0, 3, 1}, Address: at("10.3.0.11"), BMC: true},
		{Machine: "m2", Name: "two", MAC: inventory.MAC{2, 0, 0, 0, 0, 2}, Network: "prov", Address: at("10.0.0.12")},
		{Machine: "m3", Name: "three", MAC: inventory.MAC{2, 0, 0, 0, 0, 3}},
	})
}

func TestAnAddressSaysWhetherAClientIsTheMachineItAsksAs(t *testing.T) {
	v := neighbours()
	first, second, beside, loose := inventory.MAC{2, 0, 0, 0, 0, 1}, inventory.MAC{2, 0, 0, 0, 1, 1}, inventory.MAC{2, 0, 0, 0, 2, 1}, inventory.MAC{2, 0, 0, 0, 0, 3}
	for _, c := range []struct {
		what string
		from string
		as   inventory.MAC
		want Claim
	}{
		{"its reserved address", "10.0.0.11", first, Own},
		{"that of another port", "10.0.0.11", second, Own},
		{"its reserved IPv6 address", "2001:db8:0:1::11", first, Own},
		{"one made of its MAC on its network", "2001:db8:0:1::ff:fe00:1", first, Own},
		{"one made of its MAC on another network", "2001:db8:0:2::ff:fe00:1", first, OffNetwork},
		{"one made of its MAC on no network", "2001:db8:9:9::ff:fe00:1", first, OffNetwork},
		{"one made of its MAC on some link", "fe80::ff:fe00:1%eth0", first, OffNetwork},
		{"another machine's", "10.0.0.12", first, Others},
		{"its BMC's", "10.3.0.11", first, Others},
		{"an address of the network that we gave to nobody in the plan", "10.0.0.99", first, Lent},
		{"likewise by IPv6", "2001:db8:0:1::99", first, Lent},
		{"where another gives the addresses", "10.2.0.99", first, OffNetwork},
		{"outside every network", "192.0.2.7", first, OffNetwork},
		{"a port without a network, outside every network", "192.0.2.7", second, OffNetwork},
		{"a port where another gives the addresses", "10.1.0.99", beside, Unsaid},
		{"such a port where we do", "10.0.0.99", beside, Lent},
		{"a machine of no network, where another gives the addresses", "10.2.0.99", loose, Unsaid},
		{"a machine of no network, where we do", "10.0.0.99", loose, Lent},
		{"no address at all", "", first, OffNetwork},
	} {
		from, _ := netip.ParseAddr(c.from)
		if got := v.ClaimOf(from, v.Host(c.as)); got != c.want {
			t.Errorf("%s (%s): %d, want %d", c.what, c.from, got, c.want)
		}
	}
}

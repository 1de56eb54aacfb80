package main

import (
	"testing"

	"rackwright/inventory"
)

func TestANetworkOfIPv6AloneIsServed(t *testing.T) {
	off := func(n inventory.Network) *inventory.Network { n.DHCP = inventory.DHCPOff; return &n }
	for _, c := range []struct {
		network *inventory.Network
		want    bool
	}{
		{off(inventory.Network{}), false},
		{off(inventory.Network{DHCP6: inventory.DHCP6Off}), false},
		{off(inventory.Network{DHCP6: inventory.DHCP6Stateless}), true},
		{off(inventory.Network{DHCP6: inventory.DHCP6Reservations}), true},
		{off(inventory.Network{RouterAdverts: true}), true},
		{&inventory.Network{DHCP: inventory.DHCPProxy}, true},
	} {
		if got := toServe(c.network); got != c.want {
			t.Errorf("%+v: %v", c.network, got)
		}
	}
}

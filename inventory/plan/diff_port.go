package plan

import (
	"cmp"
	"fmt"
	"net/netip"

	"rackwright/inventory"
)

// carried checks the networks and addresses of a machine's ports against the networks
// that there are.
func (c *comparer) carried(m *inventory.Machine) {
	for i := range m.NICs {
		n := &m.NICs[i]
		c.attached(m, "nic "+n.Name, n.Network, n.Address, n.Address6)
		c.vlans(m, "nic "+n.Name, n.Network, n.VLANs)
	}
	for i := range m.Bonds {
		b := &m.Bonds[i]
		own := b.Network
		for _, n := range membersOf(m, b.Name) {
			own = cmp.Or(own, n.Network)
		}
		c.attached(m, "bond "+b.Name, b.Network, b.Address, b.Address6)
		c.vlans(m, "bond "+b.Name, own, b.VLANs)
	}
}

func (c *comparer) vlans(m *inventory.Machine, port, own string, list []inventory.Tagged) {
	ids := map[int]string{}
	if net := c.after.networks[own]; net != nil && net.VLAN != 0 {
		ids[net.VLAN] = own
	}
	for _, t := range list {
		net := c.after.networks[t.Network]
		switch {
		case t.Network == own:
			c.fail("machine "+m.Name, "%s: network %s is there twice on one port", port, own)
		case net == nil:
		case net.VLAN == 0:
			c.fail("machine "+m.Name, "%s: network %s has no vlan, so it cannot be carried with a tag", port, net.Name)
		case ids[net.VLAN] != "":
			c.fail("machine "+m.Name, "%s: networks %s and %s have both VLAN %d", port, ids[net.VLAN], net.Name, net.VLAN)
		default:
			ids[net.VLAN] = net.Name
		}
		c.attached(m, port, t.Network, t.Address, t.Address6)
	}
}

// attached checks the addresses of a port in a network.
func (c *comparer) attached(m *inventory.Machine, port, network string, list ...netip.Addr) {
	if network == "" {
		return
	}
	net, ok := c.after.networks[network]
	if !ok {
		c.fail("machine "+m.Name, "%s: there is no network %q", port, network)
		return
	}
	for _, a := range list {
		if a.IsValid() {
			if why := unfit(net, a); why != "" {
				c.fail("machine "+m.Name, "%s: %s", port, why)
			}
		}
	}
}

// unfit is why a host in a network cannot have the address, "" when it can.
func unfit(net *inventory.Network, a netip.Addr) string {
	prefix := net.Prefix
	if a.Is6() {
		prefix = net.Prefix6
	}
	switch {
	case !prefix.IsValid():
		return fmt.Sprintf("network %s has no cidr6, so %s is not in it", net.Name, a)
	case !prefix.Contains(a):
		return fmt.Sprintf("%s is outside network %s (%s)", a, net.Name, prefix)
	case !net.Usable(a) && a.Is6():
		return fmt.Sprintf("%s is the routers' anycast address of %s", a, net.Name)
	case !net.Usable(a):
		return fmt.Sprintf("%s is the network or broadcast address of %s", a, net.Name)
	case a == net.Gateway || a == net.Gateway6:
		return fmt.Sprintf("%s is the gateway of %s", a, net.Name)
	}
	return ""
}

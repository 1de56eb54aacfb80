package plan

import (
	"cmp"
	"net/netip"
	"slices"

	"rackwright/inventory"
)

// Bounds of what one machine's ports carry.
const (
	maxTagged  = 64 // networks with VLAN tags on one port
	maxIfName  = 15 // characters of an interface's name (IFNAMSIZ is 16 with the final NUL)
	minMIIMon  = 10 // milliseconds
	mostMIIMon = 10_000
)

// tagged resolves the networks that a port carries with VLAN tags. own is the one it
// carries without.
func (r *resolver) tagged(p place, own string, list []Tagged) (out []inventory.Tagged) {
	if len(list) > maxTagged {
		r.fail(p.of(".vlans"), "%d networks are more than %d", len(list), maxTagged)
		return nil
	}
	seen := map[string]bool{own: true}
	for i, t := range list {
		at := p.item(".vlans", i)
		if t.Network == "" {
			r.fail(at.of(".network"), "say which network: the VLAN id is the network's")
			continue
		}
		r.refer(at.of(".network"), t.Network)
		if seen[t.Network] {
			r.fail(at.of(".network"), "network %s is there twice on one port", t.Network)
		}
		seen[t.Network] = true
		v4, v6 := r.pair(at, t.Address, t.Address6)
		out = append(out, inventory.Tagged{Network: t.Network, Address: v4, Address6: v6})
	}
	return out
}

// pair resolves the two addresses of a port in one network.
func (r *resolver) pair(p place, v4, v6 string) (netip.Addr, netip.Addr) {
	a, b := r.addr(p.of(".address"), v4), r.addr(p.of(".address6"), v6)
	if a.IsValid() && !a.Is4() {
		r.fail(p.of(".address"), "%s is an IPv6 address: write it as address6", a)
		a = netip.Addr{}
	}
	if b.IsValid() && (!b.Is6() || b.Is4In6() || b.IsLinkLocalUnicast() || b.IsMulticast()) {
		r.fail(p.of(".address6"), "%s is no IPv6 address that can be reserved", b)
		b = netip.Addr{}
	}
	return a, b
}

// bonds resolves what is said of bonds, and checks it with the ports that are in them.
func (r *resolver) bonds(p place, m *inventory.Machine, list []Bond) {
	if len(list) > maxNICs {
		r.fail(p.of(".bonds"), "%d bonds are more than %d", len(list), maxNICs)
		return
	}
	for i, in := range list {
		at := p.item(".bonds", i)
		if slices.ContainsFunc(m.Bonds, func(b inventory.Bond) bool { return b.Name == in.Name }) {
			r.fail(at.of(".name"), "bond %.70s is there twice", in.Name)
		}
		b := r.bond(at, in)
		if slices.ContainsFunc(m.NICs, func(n inventory.NIC) bool { return n.Name == b.Name }) {
			r.fail(at.of(".name"), "a nic is called %.70s too", b.Name)
		}
		members := membersOf(m, b.Name)
		switch {
		case len(members) == 0:
			r.fail(at.of(".name"), "no nic is in %.70s: write bond: %.70s at those that are", b.Name, b.Name)
		case b.Primary != "" && !slices.ContainsFunc(members, func(n *inventory.NIC) bool { return n.Name == b.Primary }):
			r.fail(at.of(".primary"), "nic %.70s is not in %s", b.Primary, b.Name)
		}
		m.Bonds = append(m.Bonds, b)
	}
	r.members(p, m)
}

func membersOf(m *inventory.Machine, bond string) (out []*inventory.NIC) {
	for i := range m.NICs {
		if bond != "" && m.NICs[i].Bond == bond {
			out = append(out, &m.NICs[i])
		}
	}
	return out
}

func (r *resolver) bond(p place, in Bond) inventory.Bond {
	out := inventory.Bond{Name: in.Name, Mode: cmp.Or(in.Mode, inventory.ActiveBackup), LACPRate: in.LACPRate, Hash: in.Hash, MIIMon: cmp.Or(in.MIIMon, inventory.MIIMon),
		MTU: in.MTU, Primary: in.Primary, Network: in.Network}
	r.name(p.of(".name"), in.Name)
	if len(in.Name) > maxIfName {
		r.fail(p.of(".name"), "%.70q is longer than %d characters, which no interface's name may be", in.Name, maxIfName)
	}
	r.bondMode(p, out)
	r.refer(p.of(".network"), in.Network)
	r.between(p.of(".miimon_ms"), float64(in.MIIMon), minMIIMon, mostMIIMon)
	r.between(p.of(".mtu"), float64(in.MTU), 576, 9216)
	out.Address, out.Address6 = r.pair(p, in.Address, in.Address6)
	if in.Network == "" && (out.Address.IsValid() || out.Address6.IsValid()) {
		r.fail(p.of(".network"), "its address needs the network it is in")
	}
	out.VLANs = r.tagged(p, in.Network, in.VLANs)
	return out
}

// bondMode checks what is of some modes only.
func (r *resolver) bondMode(p place, b inventory.Bond) {
	if modes := inventory.BondModes(); !slices.Contains(modes, b.Mode) {
		r.fail(p.of(".mode"), "%.60q is none of %s", b.Mode, joined(modes, func(m inventory.BondMode) string { return string(m) }))
		return
	}
	of := func(field, value string, modes ...inventory.BondMode) bool {
		if value != "" && !slices.Contains(modes, b.Mode) {
			r.fail(p.of(field), "is not of mode %s", b.Mode)
		}
		return value != ""
	}
	if of(".lacp_rate", b.LACPRate, inventory.LACP) {
		r.oneOf(p.of(".lacp_rate"), b.LACPRate, "slow", "fast")
	}
	if of(".hash", b.Hash, inventory.LACP, inventory.BalanceXOR, inventory.BalanceTLB) {
		r.oneOf(p.of(".hash"), b.Hash, "layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4")
	}
	of(".primary", b.Primary, inventory.ActiveBackup, inventory.BalanceTLB, inventory.BalanceALB)
}

// members checks that what is said of a bond and of its ports makes one interface: one
// network without a tag, one address of each family, VLANs at the bond.
func (r *resolver) members(p place, m *inventory.Machine) {
	type carries struct{ network, v4, v6 string } // who said so
	of, nets := map[string]carries{}, map[string]string{}
	for i := range m.Bonds {
		b := &m.Bonds[i]
		of[b.Name], nets[b.Name] = carries{said(b.Network != "", "the bond"), said(b.Address.IsValid(), "the bond"), said(b.Address6.IsValid(), "the bond")}, b.Network
	}
	for i := range m.NICs {
		n := &m.NICs[i]
		if n.Bond == "" {
			continue
		}
		at, c := p.item(".nics", i), of[n.Bond]
		if len(n.VLANs) > 0 {
			r.fail(at.of(".vlans"), "%s is in %s: give the VLANs to the bond, under bonds", n.Name, n.Bond)
		}
		if n.Network != "" && c.network != "" && n.Network != nets[n.Bond] {
			r.fail(at.of(".network"), "%s names network %s, and %s network %s: a bond carries one without a tag", n.Name, n.Network, c.network, nets[n.Bond])
		} else if n.Network != "" {
			c.network, nets[n.Bond] = cmp.Or(c.network, n.Name), n.Network
		}
		c.v4 = r.oneAddress(at.of(".address"), n, n.Address, c.v4)
		c.v6 = r.oneAddress(at.of(".address6"), n, n.Address6, c.v6)
		of[n.Bond] = c
	}
}

// oneAddress reports a second address of one family in a bond.
func (r *resolver) oneAddress(p place, n *inventory.NIC, a netip.Addr, before string) string {
	if !a.IsValid() {
		return before
	}
	if before != "" {
		r.fail(p, "%s is in %s, and %s has an address already: ports of a bond are one interface", n.Name, n.Bond, before)
	}
	return n.Name
}

func said(yes bool, by string) string {
	if yes {
		return by
	}
	return ""
}

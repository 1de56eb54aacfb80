package plan

import (
	"cmp"
	"net/netip"
	"slices"

	"rackwright/inventory"
)

func (r *resolver) network(p place, n Network) {
	r.name(p.of(".name"), n.Name)
	r.once(p.of(".name"), claim{what: "network", text: n.Name}, p.base)
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil || prefix != prefix.Masked() || !prefix.Addr().Is4() || prefix.Bits() > 30 {
		r.fail(p.of(".cidr"), "%.60q is not an IPv4 network address, e.g. 10.0.0.0/24", n.CIDR)
		return
	}
	out := inventory.Network{Name: n.Name, Prefix: prefix, Gateway: r.addr(p.of(".gateway"), n.Gateway), Gateway6: r.addr(p.of(".gateway6"), n.Gateway6), DNS: r.addrs(p, ".dns", n.DNS),
		NTP: r.addrs(p, ".ntp", n.NTP), Domain: n.Domain, MTU: n.MTU, VLAN: n.VLAN, RoutingDomain: n.RoutingDomain,
		Purpose: cmp.Or(n.Purpose, "provision"), DHCP: cmp.Or(n.DHCP, inventory.DHCPOff), Strangers: cmp.Or(n.Strangers, inventory.StrangerIgnore),
		LeaseSeconds: cmp.Or(n.LeaseSeconds, 3600), RouterAdverts: n.RouterAdverts,
		DHCP6: cmp.Or(n.DHCP6, inventory.DHCP6Off), SLAAC: n.SLAAC, Options: r.options(p, n.Options)}
	r.network6(p, n.CIDR6, &out)
	r.networkValues(p, &out)
	if n.Pool != nil {
		out.Pool = r.pool(p.of(".pool"), *n.Pool, &out)
	}
	if out.Strangers == inventory.StrangerDiscover && out.Pool.IsZero() && out.DHCP != inventory.DHCPProxy {
		r.fail(p.of(".pool"), "strangers: discover needs a pool to lend addresses from")
	}
	r.out.Networks = append(r.out.Networks, out)
}

// options checks the DHCP options of a network or model.
func (r *resolver) options(p place, list []inventory.Option) []inventory.Option {
	each, all := inventory.CheckOptions(list)
	if all != nil {
		r.fail(p.of(".options"), "%s", all)
	}
	for i := range list {
		if err := each[i]; err != nil {
			r.fail(p.item(".options", i), "%s", err)
		}
	}
	return slices.Clone(list)
}

// network6 resolves the IPv6 side of a network. A router there is mostly known by its
// link-local address.
func (r *resolver) network6(p place, cidr string, n *inventory.Network) {
	if cidr == "" {
		if n.Gateway6.IsValid() {
			r.fail(p.of(".cidr6"), "gateway6 needs the subnet it is of")
		}
		if n.DHCP6.Serves() || n.SLAAC {
			r.fail(p.of(".cidr6"), "dhcp6 and slaac need an IPv6 subnet, e.g. 2001:db8:0:20::/64")
		}
		return
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil || prefix != prefix.Masked() || !prefix.Addr().Is6() || prefix.Addr().Is4In6() || prefix.Bits() < 16 || prefix.Bits() > 127 ||
		prefix.Addr().IsLinkLocalUnicast() || prefix.Addr().IsMulticast() {
		r.fail(p.of(".cidr6"), "%.60q is not an IPv6 network address, e.g. 2001:db8:0:20::/64", cidr)
		return
	}
	n.Prefix6 = prefix
	if g := n.Gateway6; g.IsValid() && !prefix.Contains(g) && !(g.Is6() && g.IsLinkLocalUnicast()) {
		r.fail(p.of(".gateway6"), "%s is outside %s, and not link-local", g, prefix)
	}
	switch {
	case n.SLAAC && prefix.Bits() != 64:
		r.fail(p.of(".slaac"), "%s is no /64: machines make addresses by themselves in no other (RFC 4862)", prefix)
	case n.SLAAC && !n.RouterAdverts:
		r.fail(p.of(".slaac"), "machines make addresses by themselves when router advertisements say so: set router_adverts: true")
	}
	if (n.DHCP6.Serves() || n.SLAAC) && n.MTU != 0 && n.MTU < inventory.MinMTU6 {
		r.fail(p.of(".mtu"), "%d is below %d, which IPv6 needs (RFC 8200 section 5)", n.MTU, inventory.MinMTU6)
	}
}

func (r *resolver) networkValues(p place, n *inventory.Network) {
	r.oneOf(p.of(".purpose"), n.Purpose, "provision", "oob", "production")
	r.oneOf(p.of(".dhcp"), string(n.DHCP), string(inventory.DHCPOff), string(inventory.DHCPReservations), string(inventory.DHCPAuthoritative), string(inventory.DHCPProxy))
	r.oneOf(p.of(".dhcp6"), string(n.DHCP6), string(inventory.DHCP6Off), string(inventory.DHCP6Stateless), string(inventory.DHCP6Reservations))
	r.oneOf(p.of(".strangers"), string(n.Strangers), string(inventory.StrangerIgnore), string(inventory.StrangerDiscover), string(inventory.StrangerHold))
	r.refer(p.of(".routing_domain"), n.RoutingDomain)
	if n.Gateway.IsValid() && !n.Prefix.Contains(n.Gateway) {
		r.fail(p.of(".gateway"), "%s is outside %s", n.Gateway, n.Prefix)
	}
	if n.LeaseSeconds < 60 || n.LeaseSeconds > 30*86400 {
		r.fail(p.of(".lease_seconds"), "%d is not between 60 and 2592000", n.LeaseSeconds)
	}
	r.between(p.of(".mtu"), float64(n.MTU), 576, 9216)
	r.between(p.of(".vlan"), float64(n.VLAN), 1, 4094)
	if n.Domain != "" && (len(n.Domain) > 253 || !domainForm.MatchString(n.Domain)) {
		r.fail(p.of(".domain"), "%.60q is not a domain name", n.Domain)
	}
}

func (r *resolver) pool(p place, pool Pool, in *inventory.Network) inventory.Pool {
	first, last := r.addr(p.of(".first"), pool.First), r.addr(p.of(".last"), pool.Last)
	if !in.Usable(first) || !in.Usable(last) || last.Less(first) {
		r.fail(p, "%.60s to %.60s is not a range of host addresses inside %s", pool.First, pool.Last, in.Prefix)
		return inventory.Pool{}
	}
	return inventory.Pool{First: first, Last: last}
}

// overlaps refuses two networks that share addresses.
func (r *resolver) overlaps() {
	nets := make([]*inventory.Network, len(r.out.Networks))
	for i := range nets {
		nets[i] = &r.out.Networks[i]
	}
	overlapping(nets, func(a, b *inventory.Network, why string) {
		r.fail(at("networks"), "%s (%s) overlaps %s (%s)%s", b.Name, b.Prefix, a.Name, a.Prefix, why)
	})
	overlapping6(nets, func(a, b *inventory.Network, why string) {
		r.fail(at("networks"), "%s (%s) overlaps %s (%s)%s", b.Name, b.Prefix6, a.Name, a.Prefix6, why)
	})
}

// overlapping calls f for networks of one routing domain that share addresses, and for
// networks with DHCP that do so whatever their domains: a client's message does not say
// which domain it comes from. b is the later of the two in the list, or the inner one.
func overlapping(nets []*inventory.Network, f func(a, b *inventory.Network, why string)) {
	sweep(nets, func(n *inventory.Network) (int64, int64) { return n.Span() }, func(a, b *inventory.Network) { f(a, b, "") })
	var dhcp []*inventory.Network
	for _, n := range nets {
		if n.DHCP != inventory.DHCPOff {
			dhcp = append(dhcp, n)
		}
	}
	bare := func(n *inventory.Network) (int64, int64) {
		first, last := n.Span()
		return first & 0xffffffff, last & 0xffffffff
	}
	sweep(dhcp, bare, func(a, b *inventory.Network) {
		if a.RoutingDomain != b.RoutingDomain {
			f(a, b, ": DHCP cannot tell their routing domains apart")
		}
	})
}

// overlapping6 calls f for networks of one routing domain whose IPv6 subnets share
// addresses, and for networks with DHCPv6 that do so whatever their domains; b is the inner
// one.
func overlapping6(nets []*inventory.Network, f func(a, b *inventory.Network, why string)) {
	nets = slices.DeleteFunc(slices.Clone(nets), func(n *inventory.Network) bool { return !n.Prefix6.IsValid() })
	inside(nets, func(n *inventory.Network) string { return n.RoutingDomain }, func(a, b *inventory.Network) { f(a, b, "") })
	dhcp := slices.DeleteFunc(nets, func(n *inventory.Network) bool { return !n.DHCP6.Serves() })
	inside(dhcp, func(*inventory.Network) string { return "" }, func(a, b *inventory.Network) {
		if a.RoutingDomain != b.RoutingDomain {
			f(a, b, ": DHCPv6 cannot tell their routing domains apart")
		}
	})
}

// inside calls f for IPv6 subnets of one domain where one is inside the other. Of subnets in
// order, each is inside one before it or beside all.
func inside(nets []*inventory.Network, domain func(*inventory.Network) string, f func(a, b *inventory.Network)) {
	sorted := slices.Clone(nets)
	slices.SortStableFunc(sorted, func(a, b *inventory.Network) int {
		return cmp.Or(cmp.Compare(domain(a), domain(b)), a.Prefix6.Addr().Compare(b.Prefix6.Addr()), a.Prefix6.Bits()-b.Prefix6.Bits())
	})
	var around *inventory.Network
	for _, n := range sorted {
		if around != nil && domain(around) == domain(n) && around.Prefix6.Overlaps(n.Prefix6) {
			f(around, n)
		} else {
			around = n
		}
	}
}

// sweep walks the spans from the lowest on beside the one that reaches furthest so far.
func sweep(nets []*inventory.Network, span func(*inventory.Network) (first, last int64), f func(a, b *inventory.Network)) {
	sorted := slices.Clone(nets)
	slices.SortStableFunc(sorted, func(a, b *inventory.Network) int {
		x, _ := span(a)
		y, _ := span(b)
		return cmp.Compare(x, y)
	})
	var widest *inventory.Network
	var reach int64 = -1
	for _, n := range sorted {
		first, last := span(n)
		if first <= reach {
			f(widest, n)
		}
		if last > reach {
			widest, reach = n, last
		}
	}
}

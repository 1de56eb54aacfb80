package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"rackwright/inventory"
)

func (c *comparer) networks() {
	all := make([]*inventory.Network, 0, len(c.after.networks))
	planned := map[string]bool{}
	for i := range c.w.Networks {
		n := &c.w.Networks[i]
		planned[n.Name] = true
		all = append(all, n)
		old := c.have.Network(n.Name)
		if old != nil {
			n.ID, n.Version = old.ID, old.Version
		}
		effects, risks := networkEffects(old, n)
		c.note("network", n.Name, old != nil, networkChanges(old, n), effects, risks)
	}
	for i := range c.have.Networks {
		if n := &c.have.Networks[i]; !planned[n.Name] {
			all = append(all, n)
		}
	}
	overlapping(all, func(a, b *inventory.Network, why string) {
		if !planned[b.Name] {
			a, b = b, a
		}
		if planned[b.Name] {
			c.fail("network "+b.Name, "%s overlaps %s (%s)%s", b.Prefix, a.Name, a.Prefix, why)
		}
	})
	c.clash6(all, planned)
}

// clash6 reports IPv6 subnets that share addresses, where one of the two is of the plan.
func (c *comparer) clash6(all []*inventory.Network, planned map[string]bool) {
	overlapping6(all, func(a, b *inventory.Network, why string) {
		if !planned[b.Name] {
			a, b = b, a
		}
		if planned[b.Name] {
			c.fail("network "+b.Name, "%s overlaps %s (%s)%s", b.Prefix6, a.Name, a.Prefix6, why)
		}
	})
}

func networkChanges(old, now *inventory.Network) []FieldChange {
	var d differ
	if old == nil {
		old = &inventory.Network{}
	}
	d.add("cidr", prefixText(old.Prefix), prefixText(now.Prefix))
	d.add("cidr6", prefixText(old.Prefix6), prefixText(now.Prefix6))
	d.add("gateway6", addrText(old.Gateway6), addrText(now.Gateway6))
	d.number("vlan", float64(old.VLAN), float64(now.VLAN))
	d.add("routing_domain", old.RoutingDomain, now.RoutingDomain)
	d.add("gateway", addrText(old.Gateway), addrText(now.Gateway))
	d.add("dns", joined(old.DNS, addrText), joined(now.DNS, addrText))
	d.add("ntp", joined(old.NTP, addrText), joined(now.NTP, addrText))
	d.add("domain", old.Domain, now.Domain)
	d.number("mtu", float64(old.MTU), float64(now.MTU))
	d.add("purpose", old.Purpose, now.Purpose)
	d.add("dhcp", string(old.DHCP), string(now.DHCP))
	d.add("strangers", string(old.Strangers), string(now.Strangers))
	d.add("pool", poolText(old.Pool), poolText(now.Pool))
	d.number("lease_seconds", float64(old.LeaseSeconds), float64(now.LeaseSeconds))
	d.flag("router_adverts", old.RouterAdverts, now.RouterAdverts)
	d.add("dhcp6", string(old.DHCP6), string(now.DHCP6))
	d.flag("slaac", old.SLAAC, now.SLAAC)
	d.options(old.Options, now.Options)
	return d.list
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func poolText(p inventory.Pool) string {
	if p.IsZero() {
		return ""
	}
	return p.First.String() + " to " + p.Last.String()
}

// networkEffects says what a network's change does on the wire.
func networkEffects(old, n *inventory.Network) (effects, risks []string) {
	was := inventory.DHCPOff
	if old != nil {
		was = old.DHCP
		if old.Prefix != n.Prefix {
			effects = append(effects, fmt.Sprintf("every machine on it gets an address in %s at its next lease", n.Prefix))
		}
	}
	effects, risks = effects6(old, n, effects)
	if n.DHCP == inventory.DHCPOff {
		if was != inventory.DHCPOff {
			effects = append(effects, fmt.Sprintf("DHCP is no longer answered on %s: its machines lose their addresses when their leases end, and netboot stops", n.Prefix))
		}
		return effects, risks
	}
	if n.DHCP == inventory.DHCPProxy {
		effects = append(effects, fmt.Sprintf("machines that netboot on %s are told what to load; their addresses come from another DHCP server", n.Prefix))
		if was.Addresses() {
			risks = append(risks, "without another DHCP server there nobody gets an address any more")
		}
		return effects, risks
	}
	effect := fmt.Sprintf("DHCP answers planned machines on %s", n.Prefix)
	if n.Strangers == inventory.StrangerDiscover {
		effect += fmt.Sprintf(" and lends %s to %s to strangers", n.Pool.First, n.Pool.Last)
	}
	if was == inventory.DHCPOff && n.Strangers == inventory.StrangerDiscover {
		risks = append(risks, "machines in no plan that netboot there are answered and inspected")
	}
	if was != inventory.DHCPAuthoritative && n.DHCP == inventory.DHCPAuthoritative {
		risks = append(risks, fmt.Sprintf("clients of another DHCP server on %s are refused their addresses", n.Prefix))
	}
	if old != nil && n.MTU != 0 && old.MTU != n.MTU {
		risks = append(risks, fmt.Sprintf("machines on it have different MTUs until each renewed its lease or was deployed again (%s)", strings.TrimSpace(number(float64(n.MTU)))))
	}
	return append(effects, effect), risks
}

// effects6 says what a network's change does on its IPv6 side.
func effects6(old, n *inventory.Network, effects []string) (all, risks []string) {
	var was inventory.Network
	if old != nil {
		was = *old
	}
	switch {
	case n.DHCP6 == was.DHCP6 && n.Prefix6 == was.Prefix6:
	case n.DHCP6 == inventory.DHCP6Reservations:
		effects = append(effects, fmt.Sprintf("DHCPv6 answers planned machines on %s", n.Prefix6))
	case n.DHCP6 == inventory.DHCP6Stateless:
		effects = append(effects, fmt.Sprintf("DHCPv6 says what to load on %s, and gives no addresses", n.Prefix6))
	case was.DHCP6.Serves():
		effects = append(effects, fmt.Sprintf("DHCPv6 is no longer answered on %s", was.Prefix6))
	}
	if n.SLAAC && !was.SLAAC {
		risks = append(risks, fmt.Sprintf("every machine on it makes itself an address of %s, planned or not", n.Prefix6))
	}
	return effects, risks
}

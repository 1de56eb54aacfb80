package netbox

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"rackwright/inventory/overlay"
	"rackwright/inventory/plan"
)

// subnet is a prefix that may become a network.
type subnet struct {
	from   *Prefix
	prefix netip.Prefix
	oob    bool // a BMC has an address in it
	used   bool
	here   bool // it is of the site
	name   string
}

// makeNetworks gives ports their addresses, and makes the networks of those and of the
// site.
func (b *builder) makeNetworks() {
	nets := b.subnets()
	held := b.addresses(nets)
	b.choose(nets)
	for _, t := range b.line {
		for _, p := range t.nics {
			n, has := held[holder{p, t}]
			switch {
			case !has:
			case n == nil || n.name == "":
				b.notes.add("addresses in no network that could be made, left out", "%s of %s", p.nic.Address, t.name)
				p.nic.Address = ""
			default:
				p.nic.Network = n.name
			}
		}
	}
}

// addresses gives ports the addresses they can hold, and says in which prefix each is.
func (b *builder) addresses(nets []*subnet) map[holder]*subnet {
	index, out := byPrefix{}, map[holder]*subnet{}
	for _, n := range nets {
		index.add(n, n.prefix)
	}
	ports, bonds := b.holders()
	for i := range b.src.Addresses {
		a := &b.src.Addresses[i]
		h, known := ports[a.AssignedID]
		if !known {
			h, known = bonds[a.AssignedID]
		}
		if a.AssignedTo != "dcim.interface" || !known {
			continue
		}
		ip, ok := b.v4(a, h)
		if !ok {
			continue
		}
		n := index.around(a.VRF.id(), netip.PrefixFrom(ip, 32))
		if n != nil {
			n.used, n.oob = true, n.oob || h.p == h.t.bmc
		}
		h.p.nic.Address, out[h] = ip.String(), n
	}
	return out
}

// holder is a port that an address can be given to.
type holder struct {
	p *port
	t *thing
}

// holders are the ports of machines by interface id; a bond's address goes to its first
// port.
func (b *builder) holders() (ports, bonds map[int64]holder) {
	ports, bonds = map[int64]holder{}, map[int64]holder{}
	for _, t := range b.line {
		for _, p := range t.nics {
			ports[p.from.ID] = holder{p, t}
			if id := p.from.LAG.id(); id != 0 && bonds[id].p == nil {
				bonds[id] = holder{p, t}
			}
		}
		if t.bmc != nil && t.machine != nil {
			ports[t.bmc.from.ID] = holder{t.bmc, t}
		}
	}
	for i := range b.src.Interfaces {
		f := &b.src.Interfaces[i]
		if t := b.things[f.Device.id()]; t != nil && ports[f.ID].p == nil && bonds[f.ID].p == nil {
			ports[f.ID] = holder{nil, t} // virtual, or of a switch
		}
	}
	return ports, bonds
}

// v4 is the address when a port can hold it, and notes why not.
func (b *builder) v4(a *Address, h holder) (netip.Addr, bool) {
	p, err := netip.ParsePrefix(a.Address)
	switch {
	case err != nil || !p.Addr().Is4():
		b.notes.add("IPv6 addresses, left out", "%s of %s", clean(a.Address), h.t.name)
	case a.Status == "deprecated" || a.Status == "dhcp" || a.Status == "slaac":
		b.notes.add("addresses that are deprecated or given by DHCP, left out", "%s of %s", p.Addr(), h.t.name)
	case h.t.machine == nil:
		b.notes.add("addresses of gear that is not provisioned, left out", "%s of %s", p.Addr(), h.t.name)
	case h.p == nil:
		b.notes.add("addresses of virtual interfaces, left out", "%s of %s", p.Addr(), h.t.name)
	case h.p.nic.Address != "":
		b.notes.add("second addresses of a port, left out", "%s of %s", p.Addr(), h.t.name)
	default:
		return p.Addr(), true
	}
	return netip.Addr{}, false
}

// subnets are the IPv4 prefixes that could be networks, the smallest first.
func (b *builder) subnets() (out []*subnet) {
	for i := range b.src.Prefixes {
		f := &b.src.Prefixes[i]
		site := f.Site.id()
		if f.ScopeType == "dcim.site" {
			site = f.Scope.id()
		}
		if site != 0 && site != b.site.ID {
			continue
		}
		p, err := netip.ParsePrefix(f.Prefix)
		here := site == b.site.ID
		switch {
		case err != nil || !p.Addr().Is4():
			if here {
				b.notes.add("IPv6 prefixes, left out", "%s", clean(f.Prefix))
			}
		case f.Status == "container" || f.Status == "deprecated":
			if here {
				b.notes.add("prefixes that are containers or deprecated, left out", "%s", p)
			}
		case p.Bits() > 30:
			if here {
				b.notes.add("prefixes smaller than /30, left out", "%s", p)
			}
		default:
			out = append(out, &subnet{from: f, prefix: p.Masked(), here: here})
		}
	}
	slices.SortStableFunc(out, func(x, y *subnet) int { return cmp.Compare(y.prefix.Bits(), x.prefix.Bits()) })
	return out
}

// choose makes networks of the prefixes that are used and of the site's own; of two that
// overlap the smaller.
func (b *builder) choose(nets []*subnet) {
	var chosen []*subnet
	taken, above := byPrefix{}, byPrefix{} // the chosen, and what is around them
	for _, used := range []bool{true, false} {
		for _, n := range nets {
			if n.used != used || !used && !n.here {
				continue
			}
			vrf := n.from.VRF.id()
			if other := cmp.Or(taken.around(vrf, n.prefix), above[inVRF{vrf, n.prefix}]); other != nil {
				b.notes.add("prefixes that overlap another, left out", "%s and %s", n.prefix, other.prefix)
				continue
			}
			chosen = append(chosen, n)
			taken.add(n, n.prefix)
			for bits := n.prefix.Bits(); bits >= 0; bits-- {
				above.add(n, netip.PrefixFrom(n.prefix.Addr(), bits).Masked())
			}
		}
	}
	slices.SortFunc(chosen, func(x, y *subnet) int { return x.prefix.Addr().Compare(y.prefix.Addr()) })
	for _, n := range chosen {
		b.network(n)
	}
}

func (b *builder) network(n *subnet) {
	plain := strings.NewReplacer(".", "-", "/", "-").Replace(n.prefix.String())
	out := plan.Network{CIDR: n.prefix.String(), Purpose: purpose(n)}
	name := "net-" + plain
	if v := n.from.VLAN; v != nil {
		out.VLAN = v.VID
		name = cmp.Or(overlay.Name(v.Name), name)
	}
	if v := n.from.VRF; v != nil {
		domain, wrong := b.names.Of("vrf", v.Name)
		if wrong != "" {
			b.notes.add("networks left out for the names of their VRFs", "%s", wrong)
			return
		}
		out.RoutingDomain = domain
	}
	for _, suffix := range []string{"", "-" + plain, "-" + out.RoutingDomain + "-" + plain} {
		if out.Name = overlay.Name(name + suffix); !b.used["network "+out.Name] {
			break
		}
	}
	b.used["network "+out.Name] = true
	n.name = out.Name
	b.out.Networks = append(b.out.Networks, out)
}

// purpose is what a network is for: by the BMCs in it, or by the name of its role.
func purpose(n *subnet) string {
	role := n.from.Role.slug()
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(role, w) })
	}
	switch {
	case n.oob || has("oob", "mgmt", "management", "bmc", "ipmi", "idrac", "ilo"):
		return "oob"
	case has("provision", "pxe", "deploy", "netboot"):
		return "provision"
	}
	return "production"
}

// bare is an IPv4 address without its mask, "" for anything else.
func bare(s string) string {
	if p, err := netip.ParsePrefix(s); err == nil && p.Addr().Is4() {
		return p.Addr().String()
	}
	return ""
}

package sheet

import (
	"net/netip"
	"strings"

	"rackwright/inventory/plan"
)

// networks finds the network of each port that has an address: the one it names, the one
// of its mask, or the one that is there and holds the address. A mask makes a network
// that is not there yet.
func (b *builder) networks() {
	known := networks{map[string]netip.Prefix{}, map[netip.Prefix]string{}}
	for _, n := range b.o.Have.Networks {
		if p, err := netip.ParsePrefix(n.CIDR); err == nil {
			known.add(n.Name, p)
		}
	}
	for _, e := range b.entries {
		for _, n := range e.nics {
			if n.prefix.IsValid() {
				b.masked(e, n, known)
			}
		}
	}
	good := b.entries[:0]
	for _, e := range b.entries {
		if b.unmasked(e, known) {
			good = append(good, e)
		}
	}
	b.entries = good
}

// masked is a port whose address was written with its mask.
func (b *builder) masked(e *entry, n *nic, known networks) {
	if n.Network == "" {
		n.Network = known.of[n.prefix]
	}
	if n.Network == "" {
		n.Network = "net-" + strings.NewReplacer(".", "-", "/", "-").Replace(n.prefix.String())
	}
	if have, there := known.named[n.Network]; there {
		if have != n.prefix {
			b.sheet.fail(e.line, e.cells[b.pathOf(e, n)+".address"], "%s is in network %s, which is %s", n.prefix, n.Network, have)
		}
		return
	}
	known.add(n.Network, n.prefix)
	b.sheet.Plan.Networks = append(b.sheet.Plan.Networks, plan.Network{Name: n.Network, CIDR: n.prefix.String()})
}

// unmasked finds the network of addresses without one; false when there is none.
func (b *builder) unmasked(e *entry, known networks) bool {
	ok := true
	for _, n := range e.nics {
		if n.Address == "" || n.Network != "" {
			continue
		}
		a := netip.MustParseAddr(n.Address)
		if n.Network = known.holding(a); n.Network == "" {
			b.sheet.fail(e.line, e.cells[b.pathOf(e, n)+".address"], "no network holds %s: write it with its mask, as %s/24, or add a column Network", n.Address, n.Address)
			ok = false
		}
	}
	return ok
}

// networks are those that are known, by name and by prefix.
type networks struct {
	named map[string]netip.Prefix
	of    map[netip.Prefix]string
}

// add knows one more; of two with one prefix the first by name is taken.
func (k networks) add(name string, p netip.Prefix) {
	k.named[name] = p
	if was := k.of[p]; was == "" || name < was {
		k.of[p] = name
	}
}

// holding is the smallest network around an address, "" for none.
func (k networks) holding(a netip.Addr) string {
	for bits := a.BitLen(); bits >= 0; bits-- {
		if p, err := a.Prefix(bits); err == nil && k.of[p] != "" {
			return k.of[p]
		}
	}
	return ""
}

// pathOf is where a port stands among the row's cells.
func (b *builder) pathOf(e *entry, n *nic) string {
	for i, other := range e.nics {
		if other == n {
			return nicPath(i)
		}
	}
	return ""
}

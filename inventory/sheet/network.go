package sheet

import (
	"net/netip"
	"strings"

	"rackwright/inventory"
)

// networks finds the network of each port that has an address: the one it names, the one
// of its mask, or the one that is there and holds the address. A mask makes a network
// that is not there yet.
func (b *builder) networks() {
	known := map[string]netip.Prefix{}
	for _, n := range b.o.Have.Networks {
		if p, err := netip.ParsePrefix(n.CIDR); err == nil {
			known[n.Name] = p
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
func (b *builder) masked(e *entry, n *nic, known map[string]netip.Prefix) {
	if n.Network == "" {
		n.Network = holding(known, func(p netip.Prefix) bool { return p == n.prefix })
	}
	if n.Network == "" {
		n.Network = "net-" + strings.NewReplacer(".", "-", "/", "-").Replace(n.prefix.String())
	}
	if have, there := known[n.Network]; there {
		if have != n.prefix {
			b.sheet.fail(e.line, e.cells[b.pathOf(e, n)+".address"], "%s is in network %s, which is %s", n.prefix, n.Network, have)
		}
		return
	}
	known[n.Network] = n.prefix
	b.sheet.Plan.Networks = append(b.sheet.Plan.Networks, inventory.PlannedNetwork{Name: n.Network, CIDR: n.prefix.String()})
}

// unmasked finds the network of addresses without one; false when there is none.
func (b *builder) unmasked(e *entry, known map[string]netip.Prefix) bool {
	ok := true
	for _, n := range e.nics {
		if n.Address == "" || n.Network != "" {
			continue
		}
		a := netip.MustParseAddr(n.Address)
		if n.Network = holding(known, func(p netip.Prefix) bool { return p.Contains(a) }); n.Network == "" {
			b.sheet.fail(e.line, e.cells[b.pathOf(e, n)+".address"], "no network holds %s: write it with its mask, as %s/24, or add a column Network", n.Address, n.Address)
			ok = false
		}
	}
	return ok
}

// holding is the smallest network that fits, "" for none; of equal ones the first by name.
func holding(known map[string]netip.Prefix, fits func(netip.Prefix) bool) (best string) {
	for name, p := range known {
		if !fits(p) {
			continue
		}
		if was := known[best]; best == "" || p.Bits() > was.Bits() || p.Bits() == was.Bits() && name < best {
			best = name
		}
	}
	return best
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

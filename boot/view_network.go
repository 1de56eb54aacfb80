package boot

import (
	"cmp"
	"net/netip"
	"slices"

	"rackwright/inventory"
)

// networks finds the network of an address in as many looks as there are prefix lengths.
type networks struct {
	list []*inventory.Network
	bits []int // the IPv4 prefix lengths there are, longest first
	six  []int // likewise of IPv6
	at   map[netip.Prefix][]network
}

// network is a network with the mark of its name.
type network struct {
	*inventory.Network
	mark uint32
}

func newNetworks(list []*inventory.Network) *networks {
	t := &networks{list: list, at: make(map[netip.Prefix][]network, len(list))}
	for _, n := range list {
		t.put(&t.bits, n.Prefix, n)
		if n.Prefix6.IsValid() {
			t.put(&t.six, n.Prefix6, n)
		}
	}
	slices.SortFunc(t.bits, func(a, b int) int { return cmp.Compare(b, a) })
	slices.SortFunc(t.six, func(a, b int) int { return cmp.Compare(b, a) })
	for p, same := range t.at {
		served := servedAt(p.Addr())
		slices.SortStableFunc(same, func(a, b network) int {
			if served(a.Network) != served(b.Network) {
				if served(a.Network) {
					return -1
				}
				return 1
			}
			return cmp.Compare(a.Name, b.Name)
		})
	}
	return t
}

func (t *networks) put(bits *[]int, p netip.Prefix, n *inventory.Network) {
	p = p.Masked()
	t.at[p] = append(t.at[p], network{n, mark(n.Name)})
	if !slices.Contains(*bits, p.Bits()) {
		*bits = append(*bits, p.Bits())
	}
}

// of returns the narrowest network with an address that is served, else the narrowest.
func (t *networks) of(a netip.Addr) *inventory.Network {
	var off *inventory.Network
	widths, served := t.bits, servedAt(a)
	if a.Is6() {
		widths = t.six
	}
	for _, bits := range widths {
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		found := t.at[p]
		switch {
		case len(found) == 0:
		case served(found[0].Network):
			return found[0].Network
		case off == nil:
			off = found[0].Network
		}
	}
	return off
}

func served(n *inventory.Network) bool { return n.DHCP.Serves() }

// servedAt says whether a network is served in the address family of a.
func servedAt(a netip.Addr) func(*inventory.Network) bool {
	if a.Is6() {
		return func(n *inventory.Network) bool { return n.DHCP6.Serves() }
	}
	return served
}

// mark tells networks' names apart in 32 bits (FNV-1a). Two of one mark would have to
// overlap and reserve the same address to be mistaken, and then the name decides.
func mark(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

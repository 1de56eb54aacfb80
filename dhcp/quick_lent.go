package dhcp

import (
	"net/netip"
	"slices"

	"rackwright/boot"
	"rackwright/inventory"
)

// Ask is what the Lender must be asked before a stranger's message can be answered. It
// reports false for what is Decide's.
func (q *Quick) Ask(v *boot.View, b []byte, in Inbound) (Ask, bool) {
	t := q.stranger(v, b, in)
	if t == nil {
		return Ask{}, false
	}
	a := &q.asked
	ask := Ask{Verb: Lend, MAC: inventory.MAC(b[28:34]), Network: t.network, Address: a.wanted(), Offers: a.kind() == byte(discoverType)}
	if !ask.Offers && !(t.network.Pool.Contains(ask.Address) && v.HostAt(ask.Address) == nil && !slices.Contains(in.Own, ask.Address)) {
		return Ask{}, false
	}
	return ask, true
}

// Lent answers in room a stranger's message for which Ask was asked, with what was lent. It
// reports false for what is Finish's; Learn may be told afterwards what that said.
func (q *Quick) Lent(v *boot.View, b []byte, in Inbound, asked Ask, l inventory.Lease, room []byte) (Swift, bool) {
	t := q.stranger(v, b, in)
	a := &q.asked
	a.given, a.left = l.Address, remaining(l, in.At)
	if t == nil || v.HostAt(l.Address) != nil || slices.Contains(in.Own, l.Address) || !asked.Offers && l.Address != asked.Address || asked.Network.ID != t.network.ID {
		return Swift{}, false
	}
	return t.render(b, a, room)
}

// stranger is the template of a stranger's question, nil for none.
func (q *Quick) stranger(v *boot.View, b []byte, in Inbound) *template {
	a := &q.asked
	q.fresh = false
	if in.Port != 0 || !a.scan(b) {
		return nil
	}
	if a.host = v.Host(inventory.MAC(b[28:34])); a.host != nil || a.renews() && a.value(54) != nil {
		return nil
	}
	return q.find(v, in)
}

// wanted is the address a stranger asks for, invalid for none.
func (o *options) wanted() netip.Addr {
	if o.renews() {
		return netip.AddrFrom4(o.uses())
	}
	if wishes := o.value(50); wishes != nil && [4]byte(wishes) != [4]byte{} {
		return netip.AddrFrom4([4]byte(wishes))
	}
	return netip.Addr{}
}

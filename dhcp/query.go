package dhcp

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// Message types of RFC 4388 section 6.1.
const (
	leaseQuery      dhcpv4.MessageType = 10
	leaseUnassigned dhcpv4.MessageType = 11
	leaseUnknown    dhcpv4.MessageType = 12
	leaseActive     dhcpv4.MessageType = 13
)

// Records are what a query is answered from beside the view.
type Records struct {
	Lender Lender
	Held   func(inventory.MAC) Holding // nil: nothing is remembered
}

// query is a relay's question being decided.
type query struct {
	view   *boot.View
	in     Inbound
	msg    *dhcpv4.DHCPv4
	of     Records
	relay  netip.Addr
	server netip.Addr // ours, that the relay reached
	about  sought
	mac    inventory.MAC // whom it is about, zero while nobody knows
}

// sought is what a query names: an address, or a client. Both are zero for a client that
// nothing we keep could be of.
type sought struct {
	address netip.Addr
	mac     inventory.MAC
}

// binding is a client's hold on an address.
type binding struct {
	mac     inventory.MAC
	address netip.Addr
	until   time.Time
	at      time.Time // of the last message by which it got the address; zero: not known
	info    []byte    // option 82 of its relay, nil if not known
}

// AnswerQuery tells a relay who has an address, or which addresses a client has (RFC 4388).
// in has the message that ParseQuery read. What the plan reserves is told without the Lender.
func AnswerQuery(ctx context.Context, v *boot.View, in Inbound, r Records) Answer {
	q := &query{view: v, in: in, msg: in.Message, of: r, relay: addr(in.Message.GatewayIPAddr), server: in.reachedAt()}
	var one bool
	q.about, one = soughtIn(q.msg)
	q.mac = q.about.mac
	server := addr(q.msg.ServerIdentifier())
	switch {
	case !q.relay.IsValid():
		return q.ignore(NoRelay)
	case v.NetworkOf(q.relay) == nil || !believable(v, in, q.relay):
		return q.ignore(BadRelay)
	case !one:
		return q.ignore(Malformed)
	case server.IsValid() && server != q.server && !slices.Contains(in.Own, server):
		return q.ignore(OtherServer)
	case !q.server.IsValid():
		return q.ignore(Undeclared)
	}
	rule, found, err := q.find(ctx)
	if err != nil {
		ans := q.ignore(NoLease)
		ans.Event.Detail["error"] = err.Error()
		return ans
	}
	return q.tell(rule, found)
}

// soughtIn reads what a query names. It reports false unless that is one of address, hardware
// address and client identifier (section 6.2).
func soughtIn(m *dhcpv4.DHCPv4) (s sought, one bool) {
	s.address = addr(m.ClientIPAddr)
	named := flag(s.address.IsValid())
	if hw := m.ClientHWAddr; !bytes.Equal(hw, make([]byte, len(hw))) {
		named++
		if m.HWType == 1 && len(hw) == 6 {
			s.mac = inventory.MAC(hw)
		}
	}
	if id := m.Options[61]; id != nil {
		named++
		if len(id) == 7 && id[0] == 1 { // RFC 2132 section 9.14: a hardware type and address
			s.mac = inventory.MAC(id[1:])
		}
	}
	return s, named == 1
}

// find looks who has what is sought: one binding by address, or all of a client, the newest
// first.
func (q *query) find(ctx context.Context) (Rule, []binding, error) {
	switch {
	case q.about.address.IsValid():
		return q.byAddress(ctx)
	case q.about.mac.IsZero():
		return LeaseUnknown, nil, nil
	}
	if h := q.view.Host(q.mac); h != nil && h.Address.Is4() {
		rule, found := q.reserved(h)
		return rule, found, nil
	}
	all, err := q.of.Lender.Find(ctx, q.mac, nil, netip.Addr{})
	var found []binding
	for _, l := range all {
		if n := q.serving(l.Address); n != nil && n.Name == l.Network && q.view.HostAt(l.Address) == nil {
			found = append(found, q.lent(l))
		}
	}
	if len(found) == 0 {
		return LeaseUnknown, nil, err
	}
	return LeaseActive, found, err
}

func (q *query) byAddress(ctx context.Context) (Rule, []binding, error) {
	a := q.about.address
	n := q.serving(a)
	if n == nil {
		return LeaseUnknown, nil, nil
	}
	if h := q.view.HostAt(a); h != nil {
		q.mac = h.MAC
		rule, found := q.reserved(h)
		return rule, found, nil
	}
	if !n.Pool.Contains(a) {
		return LeaseUnknown, nil, nil
	}
	all, err := q.of.Lender.Find(ctx, inventory.MAC{}, n, a)
	if err != nil || len(all) == 0 {
		return LeaseUnassigned, nil, err
	}
	q.mac = all[0].MAC
	return LeaseActive, []binding{q.lent(all[0])}, nil
}

// serving is the network of an address where we give addresses, nil for none.
func (q *query) serving(a netip.Addr) *inventory.Network {
	if n := q.view.NetworkOf(a); n != nil && n.DHCP.Addresses() {
		return n
	}
	return nil
}

// reserved is a machine's hold on its reserved address: it has it as long as what this server
// confirmed lasts. Of what another server of ours confirmed, or this one before it was started
// again, nothing is known, so the answer is never that nobody has it (docs/decisions/0047).
func (q *query) reserved(h *boot.Host) (Rule, []binding) {
	n, held := q.serving(h.Address), q.held(h.MAC)
	if n == nil || h.Network != "" && h.Network != n.Name || held.Address != h.Address {
		return LeaseUnknown, nil
	}
	b := binding{mac: h.MAC, address: h.Address, until: held.At.Add(n.Lease()), at: held.At, info: held.Info}
	if !b.until.After(q.in.At) {
		return LeaseUnknown, nil
	}
	return LeaseActive, []binding{b}
}

func (q *query) lent(l inventory.Lease) binding {
	b := binding{mac: l.MAC, address: l.Address, until: l.Until}
	if held := q.held(l.MAC); held.Address == l.Address {
		b.at, b.info = held.At, held.Info
	}
	return b
}

func (q *query) held(mac inventory.MAC) Holding {
	if q.of.Held == nil {
		return Holding{}
	}
	return q.of.Held(mac)
}

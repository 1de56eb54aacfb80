package dhcp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

// Quick answers what machines usually send as Decide does, byte for byte, but without
// taking the message apart: it remembers Decide's reply to each kind of question and writes
// into it what is the machine's own. What it is not certain of it leaves to Decide
// (docs/decisions/0049). Known machines have Answer; strangers have Ask, and Lent when the
// Lender has said what they are given. One goroutine uses it.
type Quick struct {
	Settings Settings

	view  *boot.View
	own   []netip.Addr
	table map[string]*template

	key   []byte // of the last question
	asked question
	fresh bool // the last question had no template, and may be given one
}

// maxTemplates bounds the kinds of questions that are remembered. A hall has dozens.
const maxTemplates = 512

// MaxQuick is the longest message that is looked at, bytes.
const MaxQuick = 1024

// Swift is a reply that is ready to go. Its fields are Answer's.
type Swift struct {
	Bytes  []byte // good until the next call with the same room
	Offers bool   // an OFFER; else an ACK
	Dest   netip.AddrPort
	Frame  inventory.MAC
	Source netip.Addr
}

// question is what is known of the message in hand.
type question struct {
	options
	host    *boot.Host         // nil for a stranger
	given   netip.Addr         // the address it is given
	left    time.Duration      // of a stranger's lease
	network *inventory.Network // of a direct message; behind a relay the key says it

	circuit, remote []byte // suboptions of option 82, nil for none
}

// HostOf is the host of the view whose hardware address a datagram carries, as far as it is a
// message at all; nil for none.
func HostOf(v *boot.View, b []byte) *boot.Host {
	if len(b) < snameAt {
		return nil
	}
	return v.Host(inventory.MAC(b[28:34]))
}

// Answer answers a datagram of h, its HostOf, in room, which grows as it must. in has all but
// the message. It reports false for what is Decide's; Learn may be told afterwards what that
// said.
func (q *Quick) Answer(v *boot.View, h *boot.Host, b []byte, in Inbound, room []byte) (Swift, bool) {
	if t := q.known(v, h, b, in); t != nil {
		return t.render(b, &q.asked, room)
	}
	return Swift{}, false
}

// known is the template of a known machine's question, nil for none.
func (q *Quick) known(v *boot.View, h *boot.Host, b []byte, in Inbound) *template {
	a := &q.asked
	q.fresh = false
	if h == nil || !h.Address.Is4() || in.Port != 0 || !a.scan(b) {
		return nil
	}
	a.host, a.given = h, h.Address
	mine, wishes := a.given.As4(), a.value(50)
	if a.renews() && a.uses() != mine || a.kind() == byte(requestType) && wishes != nil && string(wishes) != string(mine[:]) {
		return nil
	}
	return q.find(v, in)
}

// find is the template of the question, nil for none: then Learn may be told of one.
func (q *Quick) find(v *boot.View, in Inbound) *template {
	q.refresh(v, in.Own)
	if !q.read(v, in) {
		return nil
	}
	t := q.table[string(q.key)]
	q.fresh = t == nil
	return t
}

// Place is where the message came from that was answered last, written into room, and its
// transaction.
func (q *Quick) Place(room Place, in Inbound) (Place, uint32) {
	a := &q.asked
	return spot(room, a.circuit, a.remote, [4]byte(a.b[24:28]), [4]byte(a.b[12:16]), in), binary.BigEndian.Uint32(a.b[4:8])
}

// Learn takes Decide's answer to the datagram that was just passed on. It is kept
// when rendering it gives what Decide gave.
func (q *Quick) Learn(b []byte, ans Answer) {
	if !q.fresh || ans.Reply == nil || ans.tight || ans.Rule != Offered && ans.Rule != Acked || ans.Address != q.asked.given {
		return
	}
	q.fresh = false
	t := newTemplate(ans, q.Settings, q.asked.host == nil)
	got, ok := t.render(b, &q.asked, nil)
	if !ok || string(got.Bytes) != string(ans.Bytes()) || got.Dest != ans.Dest || got.Frame != ans.Frame || got.Source != ans.Source {
		return
	}
	if len(q.table) >= maxTemplates {
		clear(q.table)
	}
	q.table[string(q.key)] = t
}

// read looks at the question and writes its key: all that the reply depends on but what
// render writes.
func (q *Quick) read(v *boot.View, in Inbound) bool {
	a := &q.asked
	b, renews, wishes := a.b, a.renews(), a.value(50) != nil
	if discovers := a.kind() == byte(discoverType); discovers && renews || !discovers && !renews && !wishes {
		return false
	}
	ours := slices.Contains(in.Own, in.To)
	relay := [4]byte(b[24:28])
	server := in.reachedAt()
	q.key = append(q.key[:0], b[10], b[11], flag(renews)|flag(wishes)<<1|flag(ours)<<2|flag(a.host == nil)<<3|flag(a.host != nil && a.host.BMC)<<4)
	q.key = append(q.key, relay[:]...)
	switch {
	case relay != [4]byte{}:
		a.network = nil
		q.key = append(q.key, flag(in.From.Addr() == netip.AddrFrom4(relay)))
	case renews && ours:
		a.network = v.NetworkOf(netip.AddrFrom4(a.uses()))
	default:
		a.network, server = local(v, in.Addresses, a.host)
	}
	if !server.Is4() || relay == [4]byte{} && a.network == nil {
		return false
	}
	if a.network != nil {
		q.key = appendText(q.key, a.network.Name)
	}
	at := server.As4()
	q.key = append(q.key, at[:]...)
	return q.readOptions(v)
}

// readOptions adds to the key the options that a reply depends on, and which of those there
// are that render writes.
func (q *Quick) readOptions(v *boot.View) bool {
	a := &q.asked
	name, _ := hostName(a.host)
	q.key = append(q.key, flag(name != ""), flag(a.value(61) != nil), flag(a.value(82) != nil), flag(a.value(97) != nil))
	model := ""
	if a.host != nil && (len(v.ModelOptions(a.host.Model)) > 0 || v.LoaderOf(a.host) != boot.BuiltIn || v.LoadsSecurely(a.host)) {
		model = a.host.Model
	}
	q.key = appendText(q.key, model)
	if a.host != nil {
		q.key = appendText(q.key, a.host.Network)
	}
	for _, code := range [...]byte{53, 54, 55, 57, 60, 77, 93, 118} {
		q.key = a.appendTo(q.key, code)
	}
	q.key = append(q.key, 0) // no option's code
	return q.readRelay(a.value(82))
}

// readRelay adds the suboptions of option 82 that a reply depends on. Circuit and remote ID
// only go back.
func (q *Quick) readRelay(info []byte) bool {
	q.asked.circuit, q.asked.remote = nil, nil
	for len(info) > 0 {
		if len(info) < 2 || info[0] == 0 || info[0] == 255 || len(info) < 2+int(info[1]) {
			return false
		}
		n := 2 + int(info[1])
		switch info[0] {
		case circuitID:
			q.asked.circuit = info[2:n]
		case remoteID:
			q.asked.remote = info[2:n]
		default:
			q.key = append(q.key, info[:n]...)
		}
		info = info[n:]
	}
	return true
}

// refresh forgets what was learned of other networks, models or addresses of ours.
func (q *Quick) refresh(v *boot.View, own []netip.Addr) {
	if q.table != nil && (q.view == v || q.view.SameTerms(v)) && slices.Equal(q.own, own) {
		q.view = v
		return
	}
	q.view, q.own, q.table = v, slices.Clone(own), map[string]*template{}
}

// appendText appends text that may be of any length so that it cannot be taken for another.
func appendText(to []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(s))), s...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

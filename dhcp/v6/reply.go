package v6

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"rackwright/boot"
)

// Status codes (RFC 8415 section 21.13).
const (
	success       = 0
	noAddress     = 2
	noBinding     = 3
	notOnLink     = 4
	useMulticast  = 5
	noPrefixAvail = 6
)

// ServerID is our DUID: the same for all servers of an installation, which are one server to
// a client (RFC 6355).
func ServerID(v *boot.View) []byte {
	id, err := hex.DecodeString(strings.ReplaceAll(v.Installation(), "-", ""))
	if err != nil || len(id) != 16 {
		id = make([]byte, 16)
	}
	return append([]byte{0, duidUUID}, id...)
}

// ia is an identity association: what a client wants one address for (RFC 8415 section 4.2).
type ia struct {
	kind      uint16
	id        []byte
	addresses []netip.Addr
}

func (t *talk) ias() (out []ia) {
	for _, o := range t.msg.opts {
		head := 12
		switch {
		case o.code == optIATA:
			head = 4
		case o.code != optIANA && o.code != optIAPD:
			continue
		}
		if len(o.value) < head || len(out) == maxIAs {
			continue
		}
		one := ia{kind: o.code, id: o.value[:4]}
		inner, _ := readOptions(o.value[head:])
		for _, a := range inner {
			if a.code == optAddress && len(a.value) >= 24 && len(one.addresses) < maxIAs {
				one.addresses = append(one.addresses, netip.AddrFrom16([16]byte(a.value)))
			}
		}
		out = append(out, one)
	}
	return out
}

// each goes through the associations that addresses are for.
func (t *talk) each(r *reply, f func(ia)) {
	for _, i := range t.ias() {
		if i.kind == optIAPD {
			r.bare(i, noPrefixAvail, "no prefixes are delegated here")
			continue
		}
		f(i)
	}
}

// reply is a message being written.
type reply struct {
	kind Type
	b    []byte
}

// head starts a reply: whose it is and from whom.
func (t *talk) head(kind Type) *reply {
	r := &reply{kind: kind, b: append([]byte{byte(kind)}, t.msg.xid[:]...)}
	if id, ok := t.msg.opts.get(optClientID); ok {
		r.b = put(r.b, optClientID, id)
	}
	r.b = put(r.b, optServerID, ServerID(t.view))
	return r
}

// start is head with what every reply tells that configures a client. An advertisement to
// a known machine asks it not to wait for others (RFC 8415 section 18.2.1).
func (t *talk) start(kind Type) *reply {
	r := t.head(kind)
	if kind == Advertise && t.host != nil && t.address.IsValid() {
		r.b = put(r.b, optPreference, []byte{255})
	}
	t.configure(r)
	return r
}

func (r *reply) status(code uint16, text string) { r.b = put(r.b, optStatus, statusOf(code, text)) }

func statusOf(code uint16, text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), text...)
}

// bare answers an association with a status and no address.
func (r *reply) bare(i ia, code uint16, text string) {
	r.put(i, 0, put(nil, optStatus, statusOf(code, text)))
}

func (r *reply) put(i ia, lease uint32, inner []byte) {
	v := slices.Clone(i.id)
	if i.kind != optIATA { // T1 and T2: RFC 8415 section 21.4
		v = binary.BigEndian.AppendUint32(v, lease/2)
		v = binary.BigEndian.AppendUint32(v, lease/5*4)
	}
	r.b = put(r.b, i.kind, append(v, inner...))
}

// give answers each association: the first with the address there is, which is one for a
// port, the others with none. What a client holds besides is to be given up at once.
func (t *talk) give(rule Rule, r *reply) Answer {
	lease, free := uint32(t.network.LeaseSeconds), t.address.IsValid()
	t.each(r, func(i ia) {
		if i.kind != optIANA || !free {
			r.bare(i, noAddress, "there is no address for it here")
			return
		}
		free = false
		inner := lifetimes(t.address, lease)
		if t.msg.Type == Renew || t.msg.Type == Rebind {
			for _, a := range i.addresses {
				if a != t.address {
					inner = append(inner, lifetimes(a, 0)...)
				}
			}
		}
		r.put(i, lease, inner)
	})
	given := t.address.IsValid() && !free
	if !given && rule == Given || !t.address.IsValid() {
		rule = NoAddress
	}
	ans := t.send(rule, r)
	if given {
		ans.Address = t.address
	}
	t.tell(&ans)
	return ans
}

// lifetimes is an address with how long it is valid, seconds (RFC 8415 section 21.6).
func lifetimes(a netip.Addr, lease uint32) []byte {
	v := a.As16()
	b := binary.BigEndian.AppendUint32(v[:], lease)
	return put(nil, optAddress, binary.BigEndian.AppendUint32(b, lease))
}

// send finishes a reply that configures.
func (t *talk) send(rule Rule, r *reply) Answer {
	ans := t.sendBare(rule, r)
	ans.File = t.bootFile()
	t.tell(&ans)
	return ans
}

// sendBare addresses the reply: to the relay that asked, else to the client's own port.
func (t *talk) sendBare(rule Rule, r *reply) Answer {
	ans := t.answer(rule)
	ans.Reply, ans.Dest = t.msg.wrap(r.b), netip.AddrPortFrom(t.in.From.Addr(), clientPort)
	if len(t.msg.Hops) > 0 {
		ans.Dest = netip.AddrPortFrom(t.in.From.Addr(), ServerPort)
	}
	ans.Event.Detail["reply"] = r.kind.String()
	t.tell(&ans)
	return ans
}

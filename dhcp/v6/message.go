// Package v6 decides the answer to one DHCPv6 message from an immutable view of the
// inventory: message in, answer out (RFC 8415). It opens no socket and keeps no state: an
// address is reserved by the plan or made of the client's MAC, so there is no lease to write.
package v6

import (
	"encoding/binary"
	"net/netip"

	"rackwright/inventory"
)

// Ports of DHCPv6 (RFC 8415 section 7.2).
const (
	ServerPort = 547
	clientPort = 546
)

// AllServers is where DHCPv6 clients and relays send to (RFC 8415 section 7.1).
func AllServers() netip.Addr { return netip.MustParseAddr("ff02::1:2") }

// AllSiteServers is where relays send to that were told of no server (RFC 8415 section 19).
func AllSiteServers() netip.Addr { return netip.MustParseAddr("ff05::1:3") }

// Bounds of a message.
const (
	MaxMessage = 1500 // bytes of a datagram that is looked at
	maxHops    = 8    // relays it may have passed (HOP_COUNT_LIMIT, RFC 8415 section 7.6)
	maxIAs     = 8    // that are looked at
	maxDUID    = 130  // bytes (RFC 8415 section 11.1)
)

// Type is what a message is (RFC 8415 section 7.3).
type Type byte

// The types.
const (
	Solicit Type = iota + 1
	Advertise
	Request
	Confirm
	Renew
	Rebind
	Reply
	Release
	Decline
	reconfigure
	InformationRequest
	relayForward
	relayReply
)

// String is the type as the field writes it.
func (t Type) String() string {
	names := [...]string{"", "SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM", "RENEW", "REBIND", "REPLY", "RELEASE", "DECLINE", "RECONFIGURE", "INFORMATION-REQUEST", "RELAY-FORW", "RELAY-REPL"}
	if int(t) < len(names) {
		return names[t]
	}
	return "unknown"
}

// Codes of options (IANA "DHCPv6 Option Codes").
const (
	optClientID    = 1
	optServerID    = 2
	optIANA        = 3
	optIATA        = 4
	optAddress     = 5
	optRequested   = 6
	optPreference  = 7
	optRelay       = 9
	optStatus      = 13
	optRapid       = 14
	optUserClass   = 15
	optVendorClass = 16
	optInterfaceID = 18
	optDNS         = 23
	optDomains     = 24
	optIAPD        = 25
	optSNTP        = 31
	optRemoteID    = 37
	optNTP         = 56
	optBootFile    = 59 // RFC 5970 section 3.1
	optBootParam   = 60 // RFC 5970 section 3.2
	optArch        = 61 // RFC 5970 section 3.3
	optClientLink  = 79 // RFC 6939
)

// option is one option as it came.
type option struct {
	code  uint16
	value []byte
}

type options []option

// readOptions takes a list of options apart, false where one is cut short.
func readOptions(b []byte) (out options, ok bool) {
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return nil, false
		}
		out = append(out, option{binary.BigEndian.Uint16(b), b[4 : 4+n]})
		b = b[4+n:]
	}
	return out, true
}

// get is the first option of a code.
func (o options) get(code uint16) ([]byte, bool) {
	for _, one := range o {
		if one.code == code {
			return one.value, true
		}
	}
	return nil, false
}

func put(b []byte, code uint16, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, code)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// Hop is a relay that passed a message on.
type Hop struct {
	Link, Peer netip.Addr    // an address on the link behind it, and who sent it the message
	Client     inventory.MAC // of the client, where the relay says it (RFC 6939)
	Remote     string        // what it says of itself (RFC 8415 section 21.18 on)
	count      byte
	interfaces []byte // its interface id, goes back as it came
	named      bool   // there is one
}

// Message is a client's message and the relays that it came by, from ours to the client's.
type Message struct {
	Type Type
	Hops []Hop
	xid  [3]byte
	opts options
}

// Parse reads a datagram; what is no client's message is refused with the reason.
func Parse(b []byte) (*Message, Rule) {
	m := &Message{}
	if len(b) > MaxMessage {
		return nil, Malformed
	}
	for len(b) > 0 && Type(b[0]) == relayForward {
		if len(m.Hops) == maxHops {
			return nil, Looped
		}
		h, inner, ok := readHop(b)
		if !ok {
			return nil, Malformed
		}
		m.Hops, b = append(m.Hops, h), inner
	}
	if len(b) < 4 {
		return nil, Malformed
	}
	m.Type, m.xid = Type(b[0]), [3]byte(b[1:4])
	opts, ok := readOptions(b[4:])
	if !ok {
		return nil, Malformed
	}
	m.opts = opts
	switch m.Type {
	case Solicit, Request, Confirm, Renew, Rebind, Release, Decline, InformationRequest:
		return m, m.valid()
	}
	return nil, NotRequest
}

func readHop(b []byte) (h Hop, inner []byte, ok bool) {
	if len(b) < 34 {
		return h, nil, false
	}
	h = Hop{count: b[1], Link: netip.AddrFrom16([16]byte(b[2:18])), Peer: netip.AddrFrom16([16]byte(b[18:34]))}
	opts, ok := readOptions(b[34:])
	if !ok || h.count > maxHops {
		return h, nil, false
	}
	h.interfaces, h.named = opts.get(optInterfaceID)
	if v, ok := opts.get(optClientLink); ok && len(v) == 8 && v[0] == 0 && v[1] == 1 { // Ethernet
		h.Client = unicast(inventory.MAC(v[2:]))
	}
	if v, ok := opts.get(optRemoteID); ok && len(v) > 4 {
		h.Remote = told(v[4:])
	}
	inner, ok = opts.get(optRelay)
	return h, inner, ok
}

// valid says what RFC 8415 section 16 has discarded, "" for nothing.
func (m *Message) valid() Rule {
	client, hasClient := m.opts.get(optClientID)
	server, hasServer := m.opts.get(optServerID)
	switch {
	case hasClient && (len(client) < 3 || len(client) > maxDUID), hasServer && (len(server) < 3 || len(server) > maxDUID):
		return Malformed
	case !hasClient && m.Type != InformationRequest:
		return Malformed
	}
	switch m.Type {
	case Solicit, Confirm, Rebind:
		if hasServer {
			return Malformed
		}
	case Request, Renew, Release, Decline:
		if !hasServer {
			return Malformed
		}
	case InformationRequest:
		for _, code := range []uint16{optIANA, optIATA, optIAPD} {
			if _, ok := m.opts.get(code); ok {
				return Malformed
			}
		}
	}
	return ""
}

// wrap puts a reply into what each relay takes out again (RFC 8415 section 19.3).
func (m *Message) wrap(reply []byte) []byte {
	for i := len(m.Hops) - 1; i >= 0; i-- {
		h := m.Hops[i]
		link, peer := h.Link.As16(), h.Peer.As16()
		out := append([]byte{byte(relayReply), h.count}, link[:]...)
		out = append(out, peer[:]...)
		if h.named {
			out = put(out, optInterfaceID, h.interfaces)
		}
		reply = put(out, optRelay, reply)
	}
	return reply
}

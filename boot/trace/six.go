package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
)

// What is read of a DHCPv6 message (RFC 8415 sections 7, 8 and 9).
const (
	relayForward = 12
	relayReply   = 13
	relayed      = 9  // option with the message that a relay passes on
	interfaceID  = 18 // option with the relay's name of the client's port
	atOptions6   = 4
	atRelayed6   = 34 // where the options of a relay's message are
	maxHops      = 8
)

// bothSix is the length of two addresses.
const bothSix = 2 * 16

func isSix(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }

// withEnds puts both addresses before a message.
func withEnds(room []byte, from, to netip.Addr, message []byte) []byte {
	f, t := from.As16(), to.As16()
	return append(append(append(room, f[:]...), t[:]...), message...)
}

// endsSix takes them off again.
func (q *Packet) endsSix() {
	m := q.Message
	q.From = netip.AddrPortFrom(netip.AddrFrom16([16]byte(m[:16])), q.From.Port())
	q.To = netip.AddrPortFrom(netip.AddrFrom16([16]byte(m[16:bothSix])), q.To.Port())
	q.Message = m[bothSix:]
}

// client is the message of a client within those of relays, and the interface id that the
// relay next to it gives. It is nil where it is cut short.
func client(m []byte) (inner []byte, circuit string) {
	for range maxHops + 1 {
		if len(m) < atOptions6 || m[0] != relayForward && m[0] != relayReply {
			break
		}
		circuit = string(optionSix(m, interfaceID))
		m = optionSix(m, relayed)
	}
	if len(m) < atOptions6 {
		return nil, circuit
	}
	return m, circuit
}

// optionSix is the first of a code in a relay's message, nil for none.
func optionSix(m []byte, code uint16) []byte {
	if len(m) < atRelayed6 {
		return nil
	}
	for o := m[atRelayed6:]; len(o) >= 4; {
		n := 4 + int(binary.BigEndian.Uint16(o[2:]))
		if n > len(o) {
			return nil
		}
		if binary.BigEndian.Uint16(o) == code {
			return o[4:n]
		}
		o = o[n:]
	}
	return nil
}

func wordSix(m []byte) string {
	if m, _ = client(m); m == nil {
		return "too short"
	}
	words := []string{"SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM", "RENEW", "REBIND", "REPLY", "RELEASE", "DECLINE", "RECONFIGURE", "INFORMATION-REQUEST", "RELAY-FORW", "RELAY-REPL"}
	if kind := int(m[0]); kind >= 1 && kind <= len(words) {
		return words[kind-1]
	}
	return fmt.Sprintf("type %d", m[0])
}

func xidSix(m []byte) string {
	if m, _ = client(m); m == nil {
		return "000000"
	}
	return hex.EncodeToString(m[1:4])
}

// bySix is the relay next to us, and the circuit that the one next to the client names.
func (p *Packet) bySix() (relay netip.Addr, circuit string) {
	switch _, circuit = client(p.Message); {
	case len(p.Message) == 0 || p.Message[0] != relayForward && p.Message[0] != relayReply:
		return relay, ""
	case p.Sent:
		return p.To.Addr(), circuit
	}
	return p.From.Addr(), circuit
}

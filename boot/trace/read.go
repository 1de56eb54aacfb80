package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Places in a DHCPv4 message (RFC 2131 section 2).
const (
	atXID     = 4
	atRelay   = 24
	atOptions = 240
)

// Six reports whether it is of DHCPv6.
func (p *Packet) Six() bool { return isSix(p.From.Addr()) }

// Word is a message's type as the field writes it, DISCOVER or SOLICIT. That of a relay's
// message is its client's.
func (p *Packet) Word() string {
	if p.Six() {
		return wordSix(p.Message)
	}
	kind := option(p.Message, 53)
	words := []string{"DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM", "FORCERENEW", "LEASEQUERY", "LEASEUNASSIGNED", "LEASEUNKNOWN", "LEASEACTIVE"}
	switch {
	case len(p.Message) < atOptions:
		return "too short"
	case len(kind) != 1:
		return "BOOTP"
	case kind[0] >= 1 && int(kind[0]) <= len(words):
		return words[kind[0]-1]
	}
	return fmt.Sprintf("type %d", kind[0])
}

// XID is the number by which question and answer belong together, in hexadecimal.
func (p *Packet) XID() string {
	switch m := p.Message; {
	case p.Six():
		return xidSix(m)
	case len(m) >= atXID+4:
		return fmt.Sprintf("%08x", binary.BigEndian.Uint32(m[atXID:]))
	}
	return "00000000"
}

// by is the relay that a message came by, and the circuit it names.
func (p *Packet) by() (relay netip.Addr, circuit string) {
	m := p.Message
	if p.Six() {
		return p.bySix()
	}
	if len(m) < atRelay+4 {
		return relay, ""
	}
	if a := netip.AddrFrom4([4]byte(m[atRelay : atRelay+4])); !a.IsUnspecified() {
		relay = a
	}
	for info := option(m, 82); len(info) >= 2 && len(info) >= 2+int(info[1]); info = info[2+int(info[1]):] {
		if info[0] == 1 {
			return relay, string(info[2 : 2+int(info[1])])
		}
	}
	return relay, ""
}

// option is the first of a code in the options field (RFC 2132 section 2), nil for none.
func option(m []byte, code byte) []byte {
	if len(m) < atOptions || !bytes.Equal(m[atOptions-4:atOptions], []byte{99, 130, 83, 99}) {
		return nil
	}
	for o := m[atOptions:]; len(o) >= 2 && o[0] != 255; {
		if o[0] == 0 {
			o = o[1:]
			continue
		}
		n := 2 + int(o[1])
		if n > len(o) {
			return nil
		}
		if o[0] == code {
			return o[2:n]
		}
		o = o[n:]
	}
	return nil
}

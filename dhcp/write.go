package dhcp

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Sizes of a message, bytes (RFC 2131 section 2, option 57, RFC 951 section 3).
const (
	minMessage = 576  // with IP and UDP headers: every client takes it
	maxMessage = 1472 // likewise: what is sent at most
	ipUDP      = 28
	minBOOTP   = 300 // without: what is sent at least, and all that a BOOTP client takes
)

// shape is how a reply goes on the wire.
type shape struct {
	order []byte // option codes as the client asked for them (option 55)
	room  int    // for the message, bytes without IP and UDP headers
	bootp bool   // it knows no option 52
}

// shapeOf is what the client takes.
func shapeOf(m *dhcpv4.DHCPv4) shape {
	if m.MessageType() == dhcpv4.MessageTypeNone {
		return shape{room: minBOOTP, bootp: true}
	}
	s := shape{order: m.Options.Get(dhcpv4.OptionParameterRequestList), room: minMessage - ipUDP}
	if size, err := m.MaxMessageSize(); err == nil {
		s.room = min(max(int(size), minMessage), maxMessage) - ipUDP
	}
	return s
}

// Bytes is the reply as it goes on the wire, nil for none: what a client cannot do without
// comes first, then what it asked for as it asked for it, option 82 last. What does not
// fit behind the header stands in its fields file and sname (option 52).
func (a Answer) Bytes() []byte {
	if a.Reply == nil {
		return nil
	}
	areas, _ := a.shape.lay(a.Reply)
	b := make([]byte, optionAt, max(minBOOTP, optionAt+len(areas.vend)+1))
	putHeader(b, a.Reply)
	copy(b[fileAt:vendAt], areas.file)
	copy(b[snameAt:fileAt], areas.sname)
	b = append(append(b, areas.vend...), dhcpv4.OptionEnd.Code())
	if short := minBOOTP - len(b); short > 0 {
		b = append(b, make([]byte, short)...)
	}
	return b
}

func putHeader(b []byte, m *dhcpv4.DHCPv4) {
	b[0], b[1], b[2], b[3] = byte(m.OpCode), byte(m.HWType), byte(len(m.ClientHWAddr)), m.HopCount
	copy(b[4:8], m.TransactionID[:])
	binary.BigEndian.PutUint16(b[8:], m.NumSeconds)
	binary.BigEndian.PutUint16(b[10:], m.Flags)
	copy(b[12:16], m.ClientIPAddr.To4())
	copy(b[16:20], m.YourIPAddr.To4())
	copy(b[20:24], m.ServerIPAddr.To4())
	copy(b[24:28], m.GatewayIPAddr.To4())
	copy(b[28:snameAt], m.ClientHWAddr)
	copy(b[snameAt:fileAt-1], m.ServerHostName)
	copy(b[fileAt:vendAt-1], m.BootFileName)
	copy(b[vendAt:], cookie())
}

// areas are the places for options: behind the header, in file and in sname.
type areas struct{ vend, file, sname []byte }

// lay lays the options out and reports whether all of them found a place.
func (s shape) lay(m *dhcpv4.DHCPv4) (areas, bool) {
	last := encode(dhcpv4.OptionRelayAgentInformation.Code(), m.Options)
	room := s.room - optionAt - 1 - len(last)
	var all [][]byte
	size := 0
	for _, code := range s.codes(m.Options) {
		one := encode(code, m.Options)
		all, size = append(all, one), size+len(one)
	}
	if size <= room || s.bootp {
		vend := bytes.Join(all, nil)
		return areas{vend: append(vend, last...)}, size <= room
	}
	a, ok := overload(all, room-3, m.BootFileName == "", m.ServerHostName == "")
	a.vend = append(a.vend, last...)
	return a, ok
}

// overload fills what is behind the header, then file, then sname, as far as those are
// free. Each option stands in one of them whole.
func overload(all [][]byte, room int, file, sname bool) (a areas, ok bool) {
	ok = true
	for _, one := range all {
		switch {
		case len(a.vend)+len(one) <= room:
			a.vend = append(a.vend, one...)
		case file && len(a.file)+len(one) < vendAt-fileAt:
			a.file = append(a.file, one...)
		case sname && len(a.sname)+len(one) < fileAt-snameAt:
			a.sname = append(a.sname, one...)
		default:
			ok = false
		}
	}
	var flags byte
	if len(a.file) > 0 {
		a.file, flags = append(a.file, dhcpv4.OptionEnd.Code()), flags|1
	}
	if len(a.sname) > 0 {
		a.sname, flags = append(a.sname, dhcpv4.OptionEnd.Code()), flags|2
	}
	if flags != 0 {
		a.vend = append(a.vend, dhcpv4.OptionOptionOverload.Code(), 1, flags)
	}
	return a, ok
}

// first are the options without which the others mean nothing; the mask stands before the
// router (RFC 2132 section 3.3).
func first() []byte { return []byte{53, 54, 51, 1} }

// codes is the order of the options, option 82 not among them.
func (s shape) codes(o dhcpv4.Options) []byte {
	var out []byte
	seen := [256]bool{0: true, 52: true, 82: true, 255: true}
	for _, list := range [][]byte{first(), s.order, slices.Sorted(maps.Keys(o))} {
		for _, code := range list {
			if _, ok := o[code]; ok && !seen[code] {
				seen[code] = true
				out = append(out, code)
			}
		}
	}
	return out
}

// encode is one option, in pieces of 255 bytes (RFC 3396 section 4), nothing when it is not
// there.
func encode(code byte, o dhcpv4.Options) []byte {
	v, ok := o[code]
	if !ok {
		return nil
	}
	out := make([]byte, 0, len(v)+4)
	for {
		n := min(len(v), 255)
		out = append(append(out, code, byte(n)), v[:n]...)
		if v = v[n:]; len(v) == 0 {
			return out
		}
	}
}

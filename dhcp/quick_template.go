package dhcp

import (
	"encoding/binary"
	"net/netip"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

// template is a reply of Decide with gaps for what is the machine's own.
type template struct {
	head    [optionAt]byte
	parts   []part
	room    int // for header and options, bytes
	ack     bool
	network *inventory.Network
	source  netip.Addr
	dest    netip.AddrPort // invalid: the machine's address
	frame   bool           // it goes to the machine's MAC

	client boot.Client // of what loads a script of the machine's own; else Class is not IPXE
	base   string      // of that script's URL
}

// part is options that are the same for all machines, or the code of one that is not.
type part struct {
	fixed []byte
	own   byte
}

// newTemplate takes the reply apart.
func newTemplate(ans Answer, set Settings, lent bool) *template {
	r := ans.Reply
	t := &template{room: ans.shape.room, ack: ans.Rule == Acked, network: ans.Network, source: ans.Source, frame: !ans.Frame.IsZero()}
	if ans.Dest.Addr() != ans.Address {
		t.dest = ans.Dest
	}
	putHeader(t.head[:], r)
	_, boots := r.Options[67]
	if ans.Client.Class == boot.IPXE && boots {
		server := ans.Source
		if set.BootServer.IsValid() {
			server = set.BootServer
		}
		t.client, t.base = ans.Client, boot.BaseURL(server, set.HTTPPort)
		clear(t.head[fileAt:vendAt])
	}
	for _, code := range ans.shape.codes(r.Options) {
		switch {
		case code == 61, code == 97, code == 12, code == 67 && t.client.Class == boot.IPXE,
			lent && (code == 51 || code == 58 || code == 59):
			t.parts = append(t.parts, part{own: code})
		case len(t.parts) > 0 && t.parts[len(t.parts)-1].own == 0:
			last := &t.parts[len(t.parts)-1]
			last.fixed = append(last.fixed, encode(code, r.Options)...)
		default:
			t.parts = append(t.parts, part{fixed: encode(code, r.Options)})
		}
	}
	return t
}

// render writes the reply to the machine of the question into room. It reports false where
// Decide would have to leave something out or lay it elsewhere, and where the machine is
// not of the template's network.
func (t *template) render(b []byte, q *question, room []byte) (Swift, bool) {
	if !t.network.Prefix.Contains(q.given) || q.network != nil && q.network != t.network {
		return Swift{}, false
	}
	out := append(room[:0], t.head[:]...)
	copy(out[4:8], b[4:8])
	mine := q.given.As4()
	if t.ack {
		copy(out[12:16], b[12:16])
	}
	copy(out[16:20], mine[:])
	copy(out[28:34], b[28:34])
	file := t.file(q)
	if len(file) <= 127 {
		copy(out[fileAt:], file)
	}
	for _, p := range t.parts {
		if p.own == 0 {
			out = append(out, p.fixed...)
			continue
		}
		out = own(out, p.own, q, file)
	}
	info := q.value(82)
	last := 0
	if info != nil {
		last = 2 + len(info)
	}
	if len(out)+1+last > t.room || len(file) > 255 {
		return Swift{}, false
	}
	out = append(q.appendTo(out, 82), 255)
	for len(out) < minBOOTP {
		out = append(out, 0)
	}
	s := Swift{Bytes: out, Offers: !t.ack, Dest: t.dest, Source: t.source}
	if !s.Dest.IsValid() {
		s.Dest = netip.AddrPortFrom(q.given, clientPort)
	}
	if t.frame {
		s.Frame = inventory.MAC(b[28:34])
	}
	return s, true
}

// file is the URL of the machine's script, "" where the reply names none.
func (t *template) file(q *question) string {
	if t.client.Class != boot.IPXE {
		return ""
	}
	c := t.client
	c.MAC, c.UUID = inventory.MAC(q.b[28:34]), guid(q.value(97))
	return c.Script(t.base)
}

// own appends an option that is the machine's.
func own(out []byte, code byte, q *question, file string) []byte {
	switch code {
	case 12:
		name, suffix := hostName(q.host)
		return append(append(append(out, 12, byte(len(name)+len(suffix))), name...), suffix...)
	case 51:
		return seconds(out, code, q.left)
	case 58:
		return seconds(out, code, q.left/2)
	case 59:
		return seconds(out, code, q.left/8*7)
	case 67:
		return append(append(out, 67, byte(len(file))), file...)
	}
	return q.appendTo(out, code)
}

// seconds appends an option that is a time.
func seconds(out []byte, code byte, d time.Duration) []byte {
	return binary.BigEndian.AppendUint32(append(out, code, 4), uint32(d/time.Second))
}

package listen

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"

	"rackwright/dhcp"
	"rackwright/inventory"
)

// clientPort is where clients listen.
const clientPort = 68

// outbox gathers quick replies and sends them with one system call. One goroutine uses it.
type outbox struct {
	s      *Server
	conn   *ipv4.PacketConn
	out    []ipv4.Message
	to     []net.UDPAddr
	notes  []*note // of out, nil where none is written
	rooms  [][]byte
	framed *frames // nil without the right to frames of our own
}

func (s *Server) outbox(conn *ipv4.PacketConn) *outbox {
	o := &outbox{s: s, conn: conn, out: make([]ipv4.Message, 0, batch), to: make([]net.UDPAddr, batch), notes: make([]*note, batch), rooms: make([][]byte, batch)}
	if s.frames != nil {
		o.framed = &frames{fd: s.frames.fd}
	}
	for i := range o.to {
		o.to[i].IP, o.rooms[i] = make(net.IP, 4), make([]byte, 0, dhcp.MaxMessage)
	}
	return o
}

// room is where the next reply may be written, which queue is then told of.
func (o *outbox) room() []byte { return o.rooms[len(o.out)] }

// full reports whether flush must be next.
func (o *outbox) full() bool { return len(o.out) == batch || o.framed != nil && o.framed.n == batch }

// queue puts a reply into the batch that flush sends, as send would send it.
func (o *outbox) queue(reply dhcp.Swift, ifindex int, n *note) {
	dest, at := reply.Dest, len(o.out)
	o.rooms[at] = reply.Bytes
	if !reply.Frame.IsZero() {
		if o.framed != nil {
			o.framed.add(ifindex, reply.Frame, netip.AddrPortFrom(reply.Source, o.s.port()), dest, reply.Bytes, n)
			return
		}
		dest = netip.AddrPortFrom(everybody(), dest.Port())
	}
	o.out = o.out[:at+1]
	m, to := &o.out[at], &o.to[at]
	ip := dest.Addr().As4()
	copy(to.IP, ip[:])
	to.Port = int(dest.Port())
	if m.Buffers == nil {
		m.Buffers = make([][]byte, 1)
	}
	m.Buffers[0], m.Addr, m.OOB = reply.Bytes, to, nil
	if dest.Addr() == everybody() {
		m.OOB = (&ipv4.ControlMessage{IfIndex: ifindex}).Marshal()
	}
	o.notes[at] = n
}

// flushFrames sends what is in frames of our own; one that cannot be is broadcast.
func (o *outbox) flushFrames() {
	if o.framed == nil || o.framed.n == 0 {
		return
	}
	o.framed.flush(func(i int, err error) {
		if err != nil {
			to := &o.framed.to[i]
			o.s.Log.Debug("dhcp: frame", "mac", inventory.MAC(to.Addr[:6]), "error", err)
			_, err = o.conn.WriteTo(o.framed.payload(i), &ipv4.ControlMessage{IfIndex: int(to.Ifindex)}, &net.UDPAddr{IP: net.IPv4bcast, Port: clientPort})
		}
		o.put(o.framed.notes[i], err)
	})
}

// flush sends the batch. One that cannot be sent does not keep back the others.
func (o *outbox) flush() {
	o.flushFrames()
	for sent := 0; sent < len(o.out); {
		n, err := o.conn.WriteBatch(o.out[sent:], 0)
		for range max(n, 0) {
			o.put(o.notes[sent], nil)
			sent++
		}
		if (err != nil || n == 0) && sent < len(o.out) {
			o.s.Log.Warn("dhcp: send", "to", o.out[sent].Addr, "error", err)
			o.put(o.notes[sent], err)
			sent++
		}
	}
	o.out = o.out[:0]
}

func (o *outbox) put(n *note, failed error) {
	if n != nil {
		n.failed = failed
		o.s.book.put(n)
	}
}

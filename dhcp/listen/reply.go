package listen

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"

	"rackwright/dhcp"
	"rackwright/inventory"
	"rackwright/segment"
)

// clientPort is where clients listen.
const clientPort = 68

// outbox gathers quick replies and sends them with one system call. One goroutine uses it.
type outbox struct {
	s      *Server
	conn   *ipv4.PacketConn
	out    []parcel    // those that wait, of as many as a batch has,
	framed *frames     // and those in frames of our own, nil without the right to them
	waits  []*answered // all of them, in turn
	relays *relays
	trains []train // what out is sent as
	wire   wire
}

// parcel is a reply that waits.
type parcel struct {
	bytes  []byte // behind them is room for more
	dest   netip.AddrPort
	by     int // the interface a broadcast goes out by, else 0
	offers bool
	of     *answered
}

func (s *Server) outbox(conn *ipv4.PacketConn, by *socket, r *relays) *outbox {
	o := &outbox{s: s, conn: conn, out: make([]parcel, batch), relays: r, wire: wire{socket: by}}
	if s.frames != nil {
		o.framed = &frames{fd: s.frames.fd}
	}
	for i := range o.out {
		o.out[i].bytes = make([]byte, 0, dhcp.MaxMessage)
	}
	o.out = o.out[:0]
	return o
}

// room is where the next reply may be written, which queue is then told of.
func (o *outbox) room() []byte { return o.out[:len(o.out)+1][len(o.out)].bytes }

// full reports whether flush must be next.
func (o *outbox) full() bool { return len(o.out) == batch || o.framed != nil && o.framed.n == batch }

// queue puts a reply into the batch that flush sends, as send would send it. Its bytes are good
// until the next batch is begun.
func (o *outbox) queue(a *answered) {
	o.waits = append(o.waits, a)
	a.failed = nil
	at, reply := len(o.out), &a.reply
	p := &o.out[:at+1][at]
	p.bytes, p.dest, p.by, p.offers, p.of = reply.Bytes, reply.Dest, 0, reply.Offers, a
	if !reply.Frame.IsZero() {
		if o.framed != nil {
			reply.Bytes = o.framed.add(a, netip.AddrPortFrom(reply.Source, o.s.port()))
			return
		}
		p.dest = netip.AddrPortFrom(everybody(), p.dest.Port())
	}
	if p.dest.Addr() == everybody() {
		p.by = a.ifindex
	} else {
		o.relays.replied(p)
	}
	o.out = o.out[:at+1]
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
		o.framed.of[i].failed = err
	})
}

// flush sends the batch, and returns what it answers. One that cannot be sent does not keep back
// the others.
func (o *outbox) flush() []*answered {
	o.flushFrames()
	o.couple()
	o.wire.flush(func(i int, err error) { o.arrived(o.trains[i], err) })
	done := o.waits
	o.out, o.waits = o.out[:0], o.waits[:0]
	return done
}

// arrived is told what became of a train. Of one that the kernel does not cut, and of all from
// then on, each reply goes by itself.
func (o *outbox) arrived(t train, err error) {
	if err == nil {
		return
	}
	if len(t) > 1 && segment.Refused(err) {
		o.s.Log.Info("dhcp: the system does not send several replies at once, each goes by itself from now on", "error", err)
		o.relays.noneTakes()
	} else {
		o.s.Log.Warn("dhcp: send", "to", t[0].dest, "error", err)
	}
	for _, p := range t {
		if len(t) > 1 {
			_, err = o.conn.WriteTo(p.bytes, nil, net.UDPAddrFromAddrPort(p.dest))
		}
		p.of.failed = err
	}
}

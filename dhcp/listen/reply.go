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

// queue puts a reply into the batch that flush sends, as send would send it.
func (r *receiver) queue(reply dhcp.Swift, ifindex int, n *note) {
	dest, at := reply.Dest, len(r.out)
	if !reply.Frame.IsZero() {
		if r.framed != nil {
			r.framed.add(ifindex, reply.Frame, netip.AddrPortFrom(reply.Source, r.Server.port()), dest, reply.Bytes, n)
			return
		}
		dest = netip.AddrPortFrom(everybody(), dest.Port())
	}
	r.out = r.out[:at+1]
	m, to := &r.out[at], &r.to[at]
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
	r.notes[at] = n
}

// flushFrames sends what is in frames of our own; one that cannot be is broadcast.
func (r *receiver) flushFrames() {
	if r.framed == nil || r.framed.n == 0 {
		return
	}
	r.framed.flush(func(i int, err error) {
		if err != nil {
			to := &r.framed.to[i]
			r.Log.Debug("dhcp: frame", "mac", inventory.MAC(to.Addr[:6]), "error", err)
			_, err = r.conn.WriteTo(r.framed.payload(i), &ipv4.ControlMessage{IfIndex: int(to.Ifindex)}, &net.UDPAddr{IP: net.IPv4bcast, Port: clientPort})
		}
		r.put(r.framed.notes[i], err)
	})
}

// flush sends the batch. One that cannot be sent does not keep back the others.
func (r *receiver) flush() {
	r.flushFrames()
	for sent := 0; sent < len(r.out); {
		n, err := r.conn.WriteBatch(r.out[sent:], 0)
		for range max(n, 0) {
			r.put(r.notes[sent], nil)
			sent++
		}
		if (err != nil || n == 0) && sent < len(r.out) {
			r.Log.Warn("dhcp: send", "to", r.out[sent].Addr, "error", err)
			r.put(r.notes[sent], err)
			sent++
		}
	}
	r.out = r.out[:0]
}

func (r *receiver) put(n *note, failed error) {
	if n != nil {
		n.failed = failed
		r.book.put(n)
	}
}

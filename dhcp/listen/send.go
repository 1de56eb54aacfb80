package listen

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"

	"rackwright/boot/trace"
	"rackwright/dhcp"
	"rackwright/inventory"
)

// trace shows a message to the Tracer, if it is about anybody.
func (s *Server) trace(at time.Time, mac inventory.MAC, sent bool, from, to netip.AddrPort, b []byte) {
	if s.Tracer != nil && !mac.IsZero() {
		s.Tracer.Packet(at, mac, sent, trace.Datagram{From: from, To: to, Message: b})
	}
}

// traceBoth shows a message and its answer to the Tracer.
func (s *Server) traceBoth(a *answered) {
	if s.Tracer != nil {
		s.Tracer.Exchange(a.at, a.mac(), s.asked(&a.arrival), trace.Datagram{From: netip.AddrPortFrom(a.reply.Source, s.port()), To: a.reply.Dest, Message: a.reply.Bytes})
	}
}

// traceIn shows a message that came, once.
func (s *Server) traceIn(p *arrival) {
	if p.traced || s.Tracer == nil || p.mac().IsZero() {
		return
	}
	p.traced = true
	s.Tracer.Packet(p.at, p.mac(), false, s.asked(p))
}

// asked is a message as it came.
func (s *Server) asked(p *arrival) trace.Datagram {
	port := p.port
	if port == 0 {
		port = s.port()
	}
	return trace.Datagram{From: p.from, To: netip.AddrPortFrom(p.to, port), Message: p.b}
}

// send puts the reply on the wire: in a frame of its own to a client without an address, or
// by broadcast on the interface named where that fails; everything else by the routing
// table.
func (s *Server) send(conn *ipv4.PacketConn, ifindex int, ans dhcp.Answer) error {
	b := ans.Bytes()
	s.trace(s.Now(), ans.Client.MAC, true, netip.AddrPortFrom(ans.Source, s.port()), ans.Dest, b)
	if !ans.Frame.IsZero() && s.frames != nil {
		from := netip.AddrPortFrom(ans.Source, s.port())
		err := s.frames.send(ifindex, ans.Frame, from, ans.Dest, b)
		if err == nil {
			return nil
		}
		s.Log.Debug("dhcp: frame", "mac", ans.Frame, "error", err)
	}
	all, cm := everybody(), &ipv4.ControlMessage{}
	if !ans.Frame.IsZero() {
		ans.Dest = netip.AddrPortFrom(all, ans.Dest.Port())
	}
	if ans.Dest.Addr() == all {
		cm.IfIndex = ifindex
	}
	_, err := conn.WriteTo(b, cm, net.UDPAddrFromAddrPort(ans.Dest))
	return err
}

func everybody() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

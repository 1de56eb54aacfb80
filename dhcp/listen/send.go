package listen

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"

	"rackwright/dhcp"
)

// send puts the reply on the wire: in a frame of its own to a client without an address, or
// by broadcast on the interface named where that fails; everything else by the routing
// table.
func (s *Server) send(conn *ipv4.PacketConn, ifindex int, ans dhcp.Answer) error {
	b := ans.Bytes()
	if s.Tracer != nil {
		s.Tracer.Packet(s.Now(), ans.Client.MAC, true, netip.AddrPortFrom(ans.Source, s.port()), ans.Dest, b)
	}
	if !ans.Frame.IsZero() && s.frames != nil {
		from := netip.AddrPortFrom(ans.Source, s.port())
		err := s.frames.send(ifindex, ans.Frame, from, ans.Dest, b)
		if err == nil {
			return nil
		}
		s.Log.Debug("dhcp: frame", "mac", ans.Frame, "error", err)
	}
	all, cm := netip.AddrFrom4([4]byte{255, 255, 255, 255}), &ipv4.ControlMessage{}
	if !ans.Frame.IsZero() {
		ans.Dest = netip.AddrPortFrom(all, ans.Dest.Port())
	}
	if ans.Dest.Addr() == all {
		cm.IfIndex = ifindex
	}
	_, err := conn.WriteTo(b, cm, net.UDPAddrFromAddrPort(ans.Dest))
	return err
}

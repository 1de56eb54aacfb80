package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/ipv6"

	"rackwright/boot"
	v6 "rackwright/dhcp/v6"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// rejoin is how long an interface that comes up waits for DHCPv6 at most.
const rejoin = time.Second

// six serves DHCPv6 once a network wants it. Where the port cannot be had it says so and
// leaves DHCPv4 alone.
func (s *Server) six(ctx context.Context, links *links) error {
	for !served6(s.View()) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(recheck):
		}
	}
	conn, err := openPort6(ctx)
	if err != nil {
		s.Log.Warn("dhcp: DHCPv6 is not answered", "error", err, "hint", fault.HintOf(err))
		return nil
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return (&sixth{Server: s, conn: conn, links: links, joined: map[int]bool{}}).run(ctx)
}

func served6(v *boot.View) bool {
	for _, n := range v.Networks() {
		if n.DHCP6.Serves() {
			return true
		}
	}
	return false
}

func openPort6(ctx context.Context) (*ipv6.PacketConn, error) {
	c, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp6", ":"+strconv.Itoa(v6.ServerPort))
	if err != nil {
		return nil, portFault(v6.ServerPort, err)
	}
	conn := ipv6.NewPacketConn(c)
	if err := conn.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true); err != nil {
		return nil, errors.Join(fault.Internalf("DHCPv6: the system does not tell the interface of a datagram: %w", err), c.Close())
	}
	return conn, nil
}

type sixth struct {
	*Server
	conn   *ipv6.PacketConn
	links  *links
	joined map[int]bool
}

// run answers message after message, all from memory.
func (s *sixth) run(ctx context.Context) error {
	buf := make([]byte, v6.MaxMessage+1)
	var looked time.Time
	for failures := 0; failures < maxFailures; {
		if now := time.Now(); now.Sub(looked) >= rejoin {
			looked = now
			s.join()
		}
		_ = s.conn.SetReadDeadline(time.Now().Add(rejoin))
		n, cm, src, err := s.conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				failures++
				s.Log.Warn("dhcp: receive DHCPv6", "error", err)
			}
			continue
		case cm == nil:
			continue
		}
		failures = 0
		s.answer(buf[:n], cm, src)
	}
	return fault.Internalf("DHCPv6: %d receives in a row failed", maxFailures)
}

func (s *sixth) answer(b []byte, cm *ipv6.ControlMessage, src net.Addr) {
	at := s.links.now()
	udp, ok := src.(*net.UDPAddr)
	if !ok || len(s.Only) > 0 && !slices.Contains(s.Only, at.names[cm.IfIndex]) {
		return
	}
	from := udp.AddrPort()
	from = netip.AddrPortFrom(from.Addr().WithZone(""), from.Port())
	to, _ := netip.AddrFromSlice(cm.Dst)
	m, reason := v6.Parse(b)
	if reason != "" {
		if mac, ok := inventory.MACIn(from.Addr()); ok && from.Addr().IsLinkLocalUnicast() {
			s.seen(mac, from, to, b)
		}
		s.Log.Debug("dhcp: passed over", "rule", reason, "from", src, "interface", cm.IfIndex)
		return
	}
	in := v6.Inbound{Message: m, Interface: at.names[cm.IfIndex], Addresses: at.six[cm.IfIndex], Own: at.own6,
		From: from, To: to, At: s.Now()}
	ans := v6.Decide(s.View(), in, v6.Settings{HTTPPort: s.Settings.HTTPPort, HTTPSPort: s.Settings.HTTPSPort, BootServer: s.Settings.BootServer, Loaders: s.Settings.Loaders})
	s.seen(ans.Client.MAC, from, to, b)
	s.told(cm.IfIndex, in, ans)
}

// seen shows a message to the Tracer when it says whose it is.
func (s *sixth) seen(mac inventory.MAC, from netip.AddrPort, to netip.Addr, b []byte) {
	if !mac.IsZero() {
		s.trace(s.Now(), mac, false, from, netip.AddrPortFrom(to, v6.ServerPort), b)
	}
}

// source is the address that a reply leaves from, as far as it is known before it does.
func source(in v6.Inbound, to netip.Addr) netip.Addr {
	if !in.To.IsMulticast() {
		return in.To
	}
	for _, a := range in.Addresses {
		if a.IsLinkLocalUnicast() == to.IsLinkLocalUnicast() {
			return a
		}
	}
	return netip.IPv6Unspecified()
}

// told sends the reply and tells who wants to know.
func (s *sixth) told(ifindex int, in v6.Inbound, ans v6.Answer) {
	if ans.Reply != nil {
		s.trace(s.Now(), ans.Client.MAC, true, netip.AddrPortFrom(source(in, ans.Dest.Addr()), v6.ServerPort), ans.Dest, ans.Reply)
		var cm *ipv6.ControlMessage
		if ans.Dest.Addr().IsLinkLocalUnicast() {
			cm = &ipv6.ControlMessage{IfIndex: ifindex}
		}
		if _, err := s.conn.WriteTo(ans.Reply, cm, net.UDPAddrFromAddrPort(ans.Dest)); err != nil {
			s.Log.Warn("dhcp: send DHCPv6", "to", ans.Dest, "interface", in.Interface, "error", err)
			ans.Event.Detail["send_error"] = err.Error()
		}
	}
	if ans.Network == nil || ans.Client.MAC.IsZero() {
		s.Log.Debug("dhcp: passed over", "rule", ans.Rule, "from", in.From, "interface", in.Interface)
		return
	}
	if ans.Event.Kind != journal.DHCPConflict && s.book.full(in.At, ans.Client.MAC) {
		return
	}
	s.Journal.Record(ans.Event)
	s.Sighter.Sighted(boot.Sighting{At: in.At, Source: "dhcp", MAC: ans.Client.MAC, UUID: ans.Client.UUID, Network: ans.Network.Name,
		Arch: ans.Client.Arch, Class: ans.Client.Class, Machine: ans.Event.Machine, Address: ans.Address, Settled: ans.Rule == v6.Given || ans.Rule == v6.Informed, Declined: ans.Declined, Holds: ans.Holds, Circuit: ans.Port, Remote: ans.Remote})
}

// join listens to all clients on the interfaces that have an address in a network with
// DHCPv6, and on all others with an address, where relays may be.
func (s *sixth) join() {
	at := s.links.now()
	for ifindex := range s.joined {
		if len(at.six[ifindex]) == 0 {
			delete(s.joined, ifindex) // gone: what comes back has to be joined again
		}
	}
	for ifindex := range at.six {
		if s.joined[ifindex] || len(s.Only) > 0 && !slices.Contains(s.Only, at.names[ifindex]) {
			continue
		}
		on := &net.Interface{Index: ifindex}
		err := errors.Join(s.conn.JoinGroup(on, &net.UDPAddr{IP: v6.AllServers().AsSlice()}), s.conn.JoinGroup(on, &net.UDPAddr{IP: v6.AllSiteServers().AsSlice()}))
		if err != nil {
			s.Log.Debug("dhcp: join DHCPv6", "interface", at.names[ifindex], "error", err)
		}
		s.joined[ifindex] = true
	}
}

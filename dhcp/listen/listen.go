// Package listen is DHCP's sockets: it receives on port 67, has rackwright/dhcp decide,
// and sends the answer out of the interface the question came in on. It decides nothing.
package listen

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sync/errgroup"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Sighter is told of every client seen on a declared network. Sighted does not block.
type Sighter interface {
	Sighted(boot.Sighting)
}

// Tracer keeps packets for people who look. Packet copies the message and does not block.
type Tracer interface {
	Packet(at time.Time, mac inventory.MAC, sent bool, from, to netip.AddrPort, message []byte)
}

// Server is the DHCP task. All fields but Tracer, Port and Only are required.
type Server struct {
	View     func() *boot.View
	Lender   dhcp.Lender
	Journal  journal.Recorder
	Sighter  Sighter
	Tracer   Tracer // nil: nothing is kept
	Settings dhcp.Settings
	Log      *slog.Logger
	Now      func() time.Time
	Port     uint16   // 67 when zero
	Only     []string // interfaces to answer on; empty: any

	Look time.Duration // between looks for other DHCP servers; 10 minutes when zero

	once  sync.Once
	ready chan struct{}

	frames *framer // nil without the right to one
	probe  *prober
	where  dhcp.Whereabouts
}

// Bounds of what is in flight.
const (
	lending     = 64              // messages that wait for the Lender at once
	maxFailures = 100             // receives in a row
	lendTimeout = 3 * time.Second // a client repeats itself after 4 s (RFC 2131 section 4.1)
)

// String names the task.
func (s *Server) String() string { return "dhcp" }

// Ready is closed once the socket is open.
func (s *Server) Ready() <-chan struct{} {
	s.once.Do(func() { s.ready = make(chan struct{}) })
	return s.ready
}

// Run serves until ctx ends. It fails at once, with a hint, when the port cannot be had.
func (s *Server) Run(ctx context.Context) error {
	conn, err := openPort(ctx, s.port())
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.frames, err = openFramer(); err != nil {
		s.Log.Warn("dhcp: clients without an address are answered by broadcast", "error", err, "hint", fault.HintOf(err))
	} else {
		defer s.frames.close()
	}
	s.probe = &prober{log: s.Log, now: s.Now}
	links, err := watchLinks(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return links.follow(ctx, s.Log) })
	g.Go(func() error { return s.receive(ctx, conn, 0, links) })
	g.Go(func() error { return s.proxy(ctx, links) })
	g.Go(func() error { return s.watchOthers(ctx, links) })
	g.Go(func() error { return s.askOthers(ctx, links) })
	g.Go(func() error { return advertise(ctx, s.View, links, s.Log) })
	g.Go(func() error { <-ctx.Done(); return conn.Close() })
	s.Ready()
	close(s.ready)
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Server) port() uint16 {
	if s.Port == 0 {
		return dhcp.ServerPort
	}
	return s.Port
}

// receive answers message after message. A known machine is answered here, from
// memory; what needs the Lender waits beside the loop, at most lending at a time. port is
// 0 for the server's own.
func (s *Server) receive(ctx context.Context, conn *ipv4.PacketConn, port uint16, links *links) error {
	slots := make(chan struct{}, lending)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	buf := make([]byte, dhcp.MaxMessage+1)
	for failures := 0; failures < maxFailures; {
		n, cm, src, err := conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			failures++
			s.Log.Warn("dhcp: receive", "error", err)
			continue
		case cm == nil:
			continue
		}
		failures = 0
		in, ok := s.inbound(buf[:n], cm, src, links)
		in.Port = port
		if !ok {
			continue
		}
		if mac := in.Message.ClientHWAddr; s.Tracer != nil && len(mac) == len(inventory.MAC{}) {
			s.Tracer.Packet(in.At, inventory.MAC(mac), false, in.From, netip.AddrPortFrom(in.To, cmp.Or(port, s.port())), buf[:n])
		}
		ans := dhcp.Decide(s.View(), in, s.Settings)
		if ans.Ask == nil {
			s.finish(conn, cm.IfIndex, in, ans)
			continue
		}
		select {
		case slots <- struct{}{}:
			waiting.Go(func() {
				defer func() { <-slots }()
				s.finish(conn, cm.IfIndex, in, s.lend(ctx, cm.IfIndex, in, ans))
			})
		default:
			s.Log.Warn("dhcp: too many strangers at once, one message dropped", "mac", ans.Client.MAC)
		}
	}
	return fault.Internalf("DHCP: %d receives in a row failed", maxFailures)
}

// inbound reads the datagram and where it arrived. What Parse refuses is only logged:
// it names no machine that could be trusted.
func (s *Server) inbound(b []byte, cm *ipv4.ControlMessage, src net.Addr, links *links) (dhcp.Inbound, bool) {
	m, reason := dhcp.Parse(b)
	if m == nil {
		s.Log.Debug("dhcp: passed over", "rule", reason, "from", src, "interface", cm.IfIndex)
		return dhcp.Inbound{}, false
	}
	at := links.now()
	if len(s.Only) > 0 && !slices.Contains(s.Only, at.names[cm.IfIndex]) {
		s.Log.Debug("dhcp: passed over", "rule", "interface not configured", "interface", at.names[cm.IfIndex])
		return dhcp.Inbound{}, false
	}
	to, _ := netip.AddrFromSlice(cm.Dst)
	from := netip.AddrPort{}
	if udp, ok := src.(*net.UDPAddr); ok {
		from = netip.AddrPortFrom(udp.AddrPort().Addr().Unmap(), udp.AddrPort().Port())
	}
	return dhcp.Inbound{Message: m, From: from, Interface: at.names[cm.IfIndex], Addresses: at.addrs[cm.IfIndex],
		Own: at.own, To: to.Unmap(), At: s.Now()}, true
}

// finish sends the reply and tells who wants to know.
func (s *Server) finish(conn *ipv4.PacketConn, ifindex int, in dhcp.Inbound, ans dhcp.Answer) {
	if ans.Reply != nil {
		if err := s.send(conn, ifindex, ans); err != nil {
			s.Log.Warn("dhcp: send", "to", ans.Dest, "interface", in.Interface, "error", err)
			ans.Event.Detail["send_error"] = err.Error()
		}
	}
	if ans.Network == nil {
		s.Log.Debug("dhcp: passed over", "rule", ans.Rule, "mac", ans.Client.MAC, "interface", in.Interface)
		return
	}
	s.Journal.Record(ans.Event)
	if e, moved := s.where.Notice(in, ans); moved {
		s.Journal.Record(e)
	}
	s.Sighter.Sighted(boot.Sighting{At: in.At, Source: "dhcp", MAC: ans.Client.MAC, UUID: ans.Client.UUID, Network: ans.Network.Name,
		Arch: ans.Client.Arch, Class: ans.Client.Class, Machine: ans.Event.Machine, Address: ans.Address,
		Circuit: ans.Relay.Circuit, Remote: ans.Relay.Remote, BMC: ans.Controller, Vendor: ans.Vendor})
}

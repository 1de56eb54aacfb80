// Package listen is TFTP's sockets: it receives requests, has rackwright/tftp say what a
// transfer sends next, and sends it. Transfers share a few sockets and cost no goroutine.
package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/tftp"
)

// Server is the TFTP task. View, Files, Journal, Log and Now are required.
type Server struct {
	View       func() *boot.View
	Files      tftp.Files // from memory: asked between packets
	Rendered   tftp.Files // asked when Files has none; may wait for a database. nil: none
	Journal    journal.Recorder
	Log        *slog.Logger
	Now        func() time.Time
	Port       uint16 // 69 when zero
	Host       string // address to serve on; empty: every one, IPv4 and IPv6
	SinglePort bool   // transfers go through Port as well

	once  sync.Once
	ready chan struct{}

	desk  *desk
	paces journal.Paces
	slow  chan struct{}
}

// Bounds.
const (
	replyPorts = 8                      // sockets that transfers share, each with a port of its own
	renderings = 32                     // files rendered at once
	rendering  = 5 * time.Second        // for one
	tick       = 100 * time.Millisecond // how exactly silences are measured
)

// String names the task.
func (s *Server) String() string { return "tftp" }

// Ready is closed once the sockets are open.
func (s *Server) Ready() <-chan struct{} {
	s.once.Do(func() { s.ready = make(chan struct{}) })
	return s.ready
}

// Run serves until ctx ends. It fails at once, with a hint, when the port cannot be had.
func (s *Server) Run(ctx context.Context) error {
	number := s.Port
	if number == 0 {
		number = 69
	}
	front, err := openPort(ctx, s.Host, number, true)
	if err != nil {
		return portFault(number, err)
	}
	defer front.conn.Close()
	ports := []*port{front}
	for range replyPorts {
		if s.SinglePort {
			break
		}
		p, err := openPort(ctx, s.Host, 0, false)
		if err != nil {
			return portFault(0, err)
		}
		defer p.conn.Close()
		ports = append(ports, p)
	}
	s.desk, s.slow = newDesk(ports), make(chan struct{}, renderings)
	defer func() {
		for _, f := range s.desk.close() {
			f.file.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() {
		for _, p := range ports {
			p.conn.Close()
		}
	})
	defer stop()
	s.Ready()
	close(s.ready)
	return s.serve(ctx, ports)
}

func (s *Server) serve(ctx context.Context, ports []*port) error {
	g, group := errgroup.WithContext(ctx)
	for _, p := range ports {
		g.Go(func() error { return s.receive(group, p) })
	}
	g.Go(func() error { s.watch(group); return nil })
	if err := g.Wait(); ctx.Err() == nil { // the ports may be closed before the group knows that it ends
		return err
	}
	return nil
}

// receive takes what comes in at a port.
func (s *Server) receive(ctx context.Context, p *port) error {
	w := newWriter(p)
	buf, oob := make([]byte, tftp.MaxRequest+1), make([]byte, oobSize)
	front := p == s.desk.ports[0]
	var sent time.Time     // when the only flight there is was answered; zero while there are others or none
	for near := false; ; { // its peer's last word came promptly
		if near && !sent.IsZero() {
			p.watch()
		}
		n, noob, from, err := p.read(buf, oob, front)
		near, sent = !sent.IsZero() && time.Since(sent) < prompt, time.Time{}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fault.Internalf("TFTP: receive: %w", err)
		case err != nil: // what the network said of an earlier packet, such as that nobody listens there
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if front && tftp.IsRequest(buf[:n]) {
			s.request(ctx, w, buf[:n], from, localOf(oob[:noob]))
			continue
		}
		if r, ok := tftp.ParseReply(buf[:n]); ok {
			s.reply(w, r, from, oob[:noob])
			if s.desk.alone() {
				sent = time.Now()
			}
		}
	}
}

// reply takes a message within a transfer. One that belongs to none is answered so (RFC 1350
// section 4), an error never.
func (s *Server) reply(w *writer, r tftp.Reply, from netip.AddrPort, oob []byte) {
	f, turn, over := s.desk.heard(w.port, from, r, s.Now())
	switch {
	case f == nil && r.Ack:
		_ = w.plain(tftp.AppendError(nil, tftp.UnknownTID, "unknown transfer"), from, localOf(oob).from(w.port.conn))
	case f == nil:
	case over:
		s.finish(f)
	default:
		s.turn(w, f, turn)
	}
}

// turn sends what is to be sent. A packet that cannot be sent is one that was lost.
func (s *Server) turn(w *writer, f *flight, t tftp.Turn) {
	if t.Nothing() {
		return
	}
	if err := w.send(f, t); err != nil {
		s.Log.Debug("tftp: send", "peer", f.peer, "error", err)
	}
}

// watch repeats what was not answered, and ends what has stalled.
func (s *Server) watch(ctx context.Context) {
	w := newWriter(nil)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		late, over := s.desk.late(s.Now())
		for _, f := range over {
			s.finish(f)
		}
		for _, l := range late {
			w.port = l.flight.port
			s.turn(w, l.flight, l.turn)
		}
	}
}

// portFault says why a port cannot be had and what to do about it.
func portFault(port uint16, err error) error {
	switch {
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		return fault.Deniedf("TFTP: may not open UDP port %d: %w", port, err).WithHint(
			"run as root, or give the program the right: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep $(command -v rackwright); under systemd AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN")
	case errors.Is(err, unix.EADDRINUSE):
		return fault.Conflictf("TFTP: UDP port %d is in use by another program: %w", port, err).WithHint(
			"see which: ss -ulpn 'sport = :%d'; stop it, or switch TFTP off here in the configuration", port)
	}
	return fault.Internalf("TFTP: open UDP port %s: %w", strconv.Itoa(int(port)), err)
}

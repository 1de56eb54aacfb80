// Package listen is DHCP's sockets: it receives on port 67, has rackwright/dhcp decide,
// and sends the answer out of the interface the question came in on. It decides nothing.
package listen

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sync/errgroup"

	"rackwright/boot"
	"rackwright/boot/trace"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Sighter is told of every client seen on a declared network. Sighted does not block.
type Sighter interface {
	Sighted(boot.Sighting)
}

// Tracer is shown every message as it was on the wire, one or with its answer. It does not
// block and keeps no message.
type Tracer interface {
	Packet(at time.Time, mac inventory.MAC, sent bool, d trace.Datagram)
	Exchange(at time.Time, mac inventory.MAC, asked, answer trace.Datagram)
}

// Server is the DHCP task. All fields down to Now are required.
type Server struct {
	View     func() *boot.View
	Lender   dhcp.Lender
	Journal  journal.Recorder
	Sighter  Sighter
	Settings dhcp.Settings
	Log      *slog.Logger
	Now      func() time.Time
	Port     uint16   // 67 when zero
	Only     []string // interfaces to answer on; empty: any
	Alone    bool     // no other server of ours answers on these networks: whoever does is told of, whatever it gives

	Tracer Tracer // nil: nobody looks at packets

	Probe time.Duration // how long who uses an address that is to be lent has to say so; 300 ms when zero, negative: nobody is asked

	Look time.Duration // between looks for other DHCP servers; 10 minutes when zero

	once  sync.Once
	ready chan struct{}

	frames  *framer // nil without the right to one
	probe   *prober
	where   dhcp.Whereabouts // of known machines
	strays  dhcp.Whereabouts // of strangers
	book    *book
	queries *queries
}

// Bounds of what is in flight.
const (
	maxFailures = 100             // receives in a row
	maxHere     = 1 << 17         // known machines whose place is remembered
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
	s.book, s.where.Max, s.queries = newBook(s), maxHere, s.newQueries(conn)
	s.probe = &prober{log: s.Log, now: s.Now, wait: cmp.Or(s.Probe, probeWait)}
	links, err := watchLinks(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return links.follow(ctx, s.Log) })
	g.Go(func() error { return s.book.run(ctx) })
	g.Go(func() error { return s.queries.run(ctx) })
	g.Go(func() error { return s.receive(ctx, conn, 0, links) })
	g.Go(func() error { return s.proxy(ctx, links) })
	g.Go(func() error { return s.watchOthers(ctx, links) })
	g.Go(func() error { return s.askOthers(ctx, links) })
	g.Go(func() error { return s.six(ctx, links) })
	g.Go(func() error { return s.advertise(ctx, links) })
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

// inbound is where a datagram arrived; the message is left out. It reports false on an
// interface that is not ours to answer on.
func (s *Server) inbound(p *arrival, at *addresses) (dhcp.Inbound, bool) {
	name := at.names[p.ifindex]
	if !s.serves(name) {
		s.Log.Debug("dhcp: passed over", "rule", "interface not configured", "interface", name)
		return dhcp.Inbound{}, false
	}
	return dhcp.Inbound{From: p.from, Interface: name, Addresses: at.addrs[p.ifindex], Own: at.own, To: p.to, Port: p.port, At: p.at}, true
}

// finish sends the reply and tells who wants to know.
func (s *Server) finish(conn *ipv4.PacketConn, ifindex int, in dhcp.Inbound, ans dhcp.Answer) {
	var failed error
	if ans.Reply != nil {
		if failed = s.send(conn, ifindex, ans); failed != nil {
			s.Log.Warn("dhcp: send", "to", ans.Dest, "interface", in.Interface, "error", failed)
		}
	}
	moved := s.moved(in, ans)
	if moved != nil || ans.Event.Kind == journal.DHCPConflict || !s.book.full(in.At, ans.Client.MAC) {
		s.tell(in, ans, moved, failed)
	}
}

// moved looks whether a client was elsewhere lately, and remembers what address it has.
// Strangers push no machine out.
func (s *Server) moved(in dhcp.Inbound, ans dhcp.Answer) *dhcp.Move {
	where := &s.where
	if ans.Event.Machine == "" {
		where = &s.strays
	}
	if a, settled := ans.Settles(); settled {
		where.Given(ans.Client.MAC, a, in.At)
	}
	here, xid := dhcp.PlaceOf(in)
	return where.Notice(ans.Client.MAC, xid, here, in.At)
}

// tell writes down what became of a message.
func (s *Server) tell(in dhcp.Inbound, ans dhcp.Answer, moved *dhcp.Move, failed error) {
	if failed != nil {
		ans.Event.Detail["send_error"] = failed.Error()
	}
	if ans.Network == nil {
		s.Log.Debug("dhcp: passed over", "rule", ans.Rule, "mac", ans.Client.MAC, "interface", in.Interface)
		return
	}
	s.Journal.Record(ans.Event)
	if moved != nil {
		s.Journal.Record(moved.Event(ans.Event))
	}
	s.sight(in, ans)
}

// settled reports whether a client has what it asked for.
func settled(r dhcp.Rule) bool {
	return r == dhcp.Acked || r == dhcp.Informed || r == dhcp.Proxied || r == dhcp.Booted
}

// sight tells who is there.
func (s *Server) sight(in dhcp.Inbound, ans dhcp.Answer) {
	if ans.Network == nil {
		return
	}
	s.Sighter.Sighted(boot.Sighting{At: in.At, Source: "dhcp", MAC: ans.Client.MAC, UUID: ans.Client.UUID, Network: ans.Network.Name,
		Arch: ans.Client.Arch, Class: ans.Client.Class, Machine: ans.Event.Machine, Address: ans.Address, Settled: settled(ans.Rule), Declined: ans.Declined, Holds: ans.Holds,
		Circuit: ans.Relay.Circuit, Remote: ans.Relay.Remote, BMC: ans.Controller, Vendor: ans.Vendor})
}

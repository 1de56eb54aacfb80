package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of one receiver.
const (
	batch        = 64   // datagrams by one system call
	maxStrangers = 256  // messages of strangers that wait
	strangerTurn = 4    // of them after each batch of known machines' messages
	ignoredRate  = 1000 // messages of strangers a second where none can be given an address,
	lendingRate  = 8000 // and where one can
)

// receiver answers what arrives on one socket. Known machines are answered from memory, a
// batch at a time; strangers wait for a gap, and what needs the Lender waits beside.
type receiver struct {
	*Server
	conn  *ipv4.PacketConn
	port  uint16
	links *links
	slots chan struct{}

	in       []ipv4.Message
	quick    dhcp.Quick
	out      []ipv4.Message
	to       []net.UDPAddr
	notes    []*note // of out, nil where none is written
	told     quota
	rooms    [][]byte
	framed   *frames   // nil without the right to frames of our own
	waiting  []arrival // strangers
	stranger bucket
	dropped  int
	said     time.Time
	view     *boot.View
	lends    bool
}

// receive serves a socket until ctx ends. port is 0 for the server's own.
func (s *Server) receive(ctx context.Context, conn *ipv4.PacketConn, port uint16, links *links) error {
	r := &receiver{Server: s, conn: conn, port: port, links: links, slots: make(chan struct{}, lending), in: messages(dhcp.MaxMessage + 1),
		quick: dhcp.Quick{Settings: s.Settings}, told: newQuota(), out: make([]ipv4.Message, 0, batch), to: make([]net.UDPAddr, batch), notes: make([]*note, batch), rooms: make([][]byte, batch)}
	if s.frames != nil {
		r.framed = &frames{fd: s.frames.fd}
	}
	for i := range r.to {
		r.to[i].IP, r.rooms[i] = make(net.IP, 4), make([]byte, 0, dhcp.MaxMessage)
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	for failures := 0; failures < maxFailures; {
		n, err := conn.ReadBatch(r.in, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			n, err = 0, nil
			if len(r.waiting) == 0 {
				err = rest(conn)
			}
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			failures++
			s.Log.Warn("dhcp: receive", "error", err)
			continue
		}
		failures = 0
		r.takeAll(ctx, r.in[:max(n, 0)], &beside)
		for range min(strangerTurn, len(r.waiting)) {
			p := r.waiting[0]
			r.waiting = r.waiting[1:]
			r.decide(ctx, r.View(), &p, &beside, nil)
		}
	}
	return fault.Internalf("DHCP: %d receives in a row failed", maxFailures)
}

// takeAll answers a batch.
func (r *receiver) takeAll(ctx context.Context, in []ipv4.Message, beside *sync.WaitGroup) {
	v, now := r.View(), r.Now()
	if v != r.view {
		r.view, r.lends = v, lends(v)
	}
	for i := range in {
		p := arrival{port: r.port, at: now}
		if p.read(&in[i]) {
			r.take(ctx, v, &p, beside)
		}
	}
	r.flush()
}

func (r *receiver) take(ctx context.Context, v *boot.View, p *arrival, beside *sync.WaitGroup) {
	known := dhcp.Knows(v, p.b)
	if !known {
		r.later(p)
		return
	}
	in, ok := r.inbound(p, r.links.now())
	if !ok {
		return
	}
	at := len(r.out)
	reply, ok := r.quick.Answer(v, p.b, in, r.rooms[at])
	if !ok {
		r.decide(ctx, v, p, beside, &r.quick)
		return
	}
	r.rooms[at] = reply.Bytes
	if r.Tracer != nil {
		r.trace(p.mac(), false, p.from, netip.AddrPortFrom(p.to, r.Server.port()), p.b)
		r.trace(p.mac(), true, netip.AddrPortFrom(reply.Source, r.Server.port()), reply.Dest, reply.Bytes)
	}
	here, xid := r.quick.Place(in)
	moved := r.where.Notice(p.mac(), xid, here, p.at)
	var n *note
	if r.told.take(p.at, p.mac()) || moved != nil {
		n = r.book.note(v, in, p.b, moved)
	} else {
		r.book.untold.Add(1)
	}
	r.queue(reply, p.ifindex, n)
}

// later keeps a stranger's message for a gap. Those over the budget are dropped: clients ask
// again.
func (r *receiver) later(p *arrival) {
	rate := float64(ignoredRate)
	if r.lends {
		rate = lendingRate
	}
	if len(r.waiting) >= maxStrangers || !r.stranger.take(p.at, rate) {
		r.dropped++
		if p.at.Sub(r.said) > time.Minute {
			r.Log.Warn("dhcp: too many strangers at once, messages dropped", "messages", r.dropped, "last", p.mac())
			r.said, r.dropped = p.at, 0
		}
		return
	}
	kept := *p
	kept.b = append([]byte(nil), p.b...)
	r.waiting = append(r.waiting, kept)
}

// decide has Decide answer one message, and learn, if not nil, told of it. What Parse
// refuses is only logged: it names no machine that could be trusted.
func (r *receiver) decide(ctx context.Context, v *boot.View, p *arrival, beside *sync.WaitGroup, learn *dhcp.Quick) {
	in, ok := r.inbound(p, r.links.now())
	if !ok {
		return
	}
	port := p.port
	if port == 0 {
		port = r.Server.port()
	}
	r.trace(p.mac(), false, p.from, netip.AddrPortFrom(p.to, port), p.b)
	m, reason := dhcp.Parse(p.b)
	if m == nil {
		r.Log.Debug("dhcp: passed over", "rule", reason, "from", p.from, "interface", in.Interface)
		return
	}
	in.Message = m
	ans := dhcp.Decide(v, in, r.Settings)
	if learn != nil {
		learn.Learn(p.b, ans)
	}
	if ans.Ask == nil {
		r.finish(r.conn, p.ifindex, in, ans)
		return
	}
	ifindex := p.ifindex
	select {
	case r.slots <- struct{}{}:
		beside.Go(func() {
			defer func() { <-r.slots }()
			r.finish(r.conn, ifindex, in, r.lend(ctx, ifindex, in, ans))
		})
	default:
		r.Log.Warn("dhcp: too many strangers at once, one message dropped", "mac", ans.Client.MAC)
	}
}

// lends reports whether a stranger may be given an address anywhere.
func lends(v *boot.View) bool {
	for _, n := range v.Networks() {
		if n.Strangers == inventory.StrangerDiscover {
			return true
		}
	}
	return false
}

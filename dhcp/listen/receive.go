package listen

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/ipv4"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of one receiver.
const (
	batch        = 64      // datagrams by one system call
	dense        = 4       // messages at once: more of known machines come in an instant
	maxStrangers = 1024    // messages of strangers that wait
	strangerTurn = 4       // of them after each batch of known machines' messages
	ignoredRate  = 1000    // messages of strangers a second where none can be given an address,
	lendingRate  = 100_000 // and where one can
)

// receiver answers what arrives on one socket. Known machines are answered from memory, a
// batch at a time; strangers wait for a gap, and those who may be lent an address are the
// clerk's.
type receiver struct {
	*Server
	*outbox
	port  uint16
	links *links

	in       *inbox
	quick    dhcp.Quick
	told     *quota
	takers   queue // strangers that take what they were offered, and whatever else they want
	seekers  queue // those that are to be offered an address
	stranger bucket
	batch    [batch]answered
	dropped  int
	said     time.Time
	view     *boot.View
	lends    bool
}

// queue is strangers that wait for a clerk.
type queue struct {
	clerk   *clerk
	waiting []arrival
	all     []arrival // where those are who wait, and room for as many again
}

func newQueue(c *clerk) queue { return queue{clerk: c, all: make([]arrival, 0, 2*maxStrangers)} }

// add puts one behind those who wait, unless they are too many.
func (q *queue) add(p *arrival) bool {
	if len(q.waiting) >= maxStrangers {
		return false
	}
	if len(q.waiting) == cap(q.waiting) {
		q.waiting = append(q.all[:0], q.waiting...)
	}
	q.waiting = append(q.waiting, p.kept())
	return true
}

// receive serves a socket until ctx ends. port is 0 for the server's own.
func (s *Server) receive(ctx context.Context, conn *ipv4.PacketConn, port uint16, links *links) error {
	sock, err := socketOf(conn)
	if err != nil {
		return err
	}
	in, relays, told := newInbox(sock), newRelays(), newQuota()
	clerk := func() queue { return newQueue(s.newClerk(s.outbox(conn, &socket{raw: sock.raw}, relays), links, told)) }
	r := &receiver{Server: s, outbox: s.outbox(conn, sock, relays), port: port, links: links, in: in, quick: dhcp.Quick{Settings: s.Settings}, told: newQuota(),
		takers: clerk(), seekers: clerk()}
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beside.Go(func() { r.takers.clerk.run(ctx) })
	beside.Go(func() { r.seekers.clerk.run(ctx) })
	for failures := 0; failures < maxFailures; {
		n, err := r.next()
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			failures++
			s.Log.Warn("dhcp: receive", "error", err)
			continue
		}
		failures = 0
		known := r.takeAll(n)
		sock.quiet = known && n >= dense && r.waiting() == 0 // who answers strangers needs the processor
		r.strangers(known)
	}
	return fault.Internalf("DHCP: %d receives in a row failed", maxFailures)
}

// next is how many messages have come, after a wait when there are none.
func (r *receiver) next() (n int, err error) {
	if n, err = r.in.read(); n > 0 || err != nil {
		return n, err
	}
	switch {
	case r.in.quiet:
		runtime.Gosched()
		return r.in.glance()
	case r.waiting() == 0 || r.lends:
		err = r.in.rest(r.waiting() > 0)
	}
	return 0, err
}

func (r *receiver) waiting() int { return len(r.takers.waiting) + len(r.seekers.waiting) }

// strangers has some of those who wait answered: few while known machines ask.
func (r *receiver) strangers(busy bool) {
	for _, q := range []*queue{&r.takers, &r.seekers} {
		turn := len(q.waiting)
		if busy || !r.lends {
			turn = min(turn, strangerTurn)
		}
		for range turn {
			if p := q.waiting[0]; !r.lends {
				r.decide(r.View(), &p, nil)
			} else if !q.clerk.take(p) {
				break
			}
			q.waiting = q.waiting[1:]
		}
	}
}

// takeAll answers a batch of so many, and reports whether known machines were among it.
func (r *receiver) takeAll(n int) (known bool) {
	v, now := r.View(), r.Now()
	if v != r.view {
		r.view, r.lends = v, lends(v)
	}
	for i := range n {
		p := arrival{port: r.port, at: now, b: r.in.bytes(i), from: r.in.sender(i)}
		var told bool
		p.ifindex, p.to, told = r.in.arrived(i)
		if !told {
			continue
		}
		if h := dhcp.HostOf(v, p.b); h != nil {
			known = true
			r.take(v, h, &p)
		} else {
			r.later(&p)
		}
	}
	r.send(v)
	return known
}

// take answers a known machine.
func (r *receiver) take(v *boot.View, h *boot.Host, p *arrival) {
	in, ok := r.inbound(p, r.links.now())
	if !ok {
		return
	}
	reply, ok := r.quick.Answer(v, h, p.b, in, r.room())
	if !ok {
		r.decide(v, p, &r.quick)
		return
	}
	a := &r.batch[len(r.waits)]
	a.arrival, a.in, a.reply = *p, in, reply
	a.place, a.xid = r.quick.Place(a.place, in)
	r.queue(a)
}

// send sends the replies that wait, and takes note of them when they are on their way.
func (r *receiver) send(v *boot.View) {
	for _, a := range r.flush() {
		r.traceBoth(a)
		moved := a.notice(&r.where)
		if r.told.take(a.at, a.mac()) || moved != nil {
			r.book.take(v, a, moved, false)
		} else {
			r.book.untold.Add(1)
		}
	}
}

// later keeps a stranger's message for a gap. Those over the budget are dropped: clients ask
// again.
func (r *receiver) later(p *arrival) {
	rate := float64(ignoredRate)
	if r.lends {
		rate = lendingRate
	}
	q := &r.takers
	if dhcp.Discovers(p.b) {
		q = &r.seekers
	}
	if !r.stranger.take(p.at, rate) || !q.add(p) {
		r.drop(p)
	}
}

// drop counts a stranger's message that is not answered.
func (r *receiver) drop(p *arrival) {
	r.dropped++
	if p.at.Sub(r.said) > time.Minute {
		r.Log.Warn("dhcp: too many strangers at once, messages dropped", "messages", r.dropped, "last", p.mac())
		r.said, r.dropped = p.at, 0
	}
}

// decide has Decide answer one message, and learn, if not nil, told of it.
func (r *receiver) decide(v *boot.View, p *arrival, learn *dhcp.Quick) {
	in, ok := r.inbound(p, r.links.now())
	if !ok {
		return
	}
	ans, ok := r.Server.decide(v, p, &in)
	if !ok {
		return
	}
	if learn != nil {
		learn.Learn(p.b, ans)
	}
	if ans.Ask == nil {
		r.finish(r.conn, p.ifindex, in, ans)
	} else if !r.takers.clerk.take(p.kept()) {
		r.drop(p)
	}
}

// decide has Decide answer one message, which it reads into in. A relay's question is put with
// others of its kind. What else Parse refuses is only logged: it names no machine that could be
// trusted.
func (s *Server) decide(v *boot.View, p *arrival, in *dhcp.Inbound) (ans dhcp.Answer, ok bool) {
	m, reason := dhcp.Parse(p.b)
	if reason == dhcp.Queried && p.port == 0 {
		s.queries.take(p, *in)
		return ans, false
	}
	s.traceIn(p)
	if m == nil {
		s.Log.Debug("dhcp: passed over", "rule", reason, "from", p.from, "interface", in.Interface)
		return ans, false
	}
	in.Message = m
	return dhcp.Decide(v, *in, s.Settings), true
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

package listen

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/inventory"
)

// Bounds of one clerk.
const (
	servedAtOnce = 128         // messages, with one question to the Lender
	slowRate     = 2000        // messages a second that need Decide: what hosts of a kind send does once
	probing      = 512         // strangers at once whose address is looked for on the wire
	seenRate     = 32          // strangers a second that are sighted though they are not written down
	saysEvery    = time.Minute // that it cannot do its work
)

// clerk answers strangers who may be lent an address: it asks the Lender for many at once, which
// writes to disk once for all of them. While it waits for that, others gather. Who takes an offer
// goes to another clerk than who is to be offered one: what it takes is written already, as a
// rule, and need not wait for the offers of others.
type clerk struct {
	*Server
	*outbox
	links *links
	in    chan arrival
	quick dhcp.Quick
	told  *quota
	seen  bucket
	slow  bucket
	slots chan struct{} // for those whose address is looked for first
	look  sync.WaitGroup

	some  []borrower
	fails int
	said  time.Time
}

// borrower is a stranger's message on its way.
type borrower struct {
	answered
	loan  inventory.Loan
	plain bool // a template may do
}

func (s *Server) newClerk(out *outbox, links *links, told *quota) *clerk {
	return &clerk{Server: s, outbox: out, links: links, in: make(chan arrival, servedAtOnce), quick: dhcp.Quick{Settings: s.Settings},
		told: told, slots: make(chan struct{}, probing), some: make([]borrower, 0, servedAtOnce)}
}

// take hands over a message that has bytes of its own, unless too many wait.
func (c *clerk) take(p arrival) bool {
	select {
	case c.in <- p:
		return true
	default:
		return false
	}
}

// run answers strangers until ctx ends.
func (c *clerk) run(ctx context.Context) {
	defer c.look.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-c.in:
			v := c.View()
			c.some = c.some[:0]
			c.read(ctx, v, p)
			for range min(len(c.in), servedAtOnce-1) {
				c.read(ctx, v, <-c.in)
			}
			c.serve(ctx, v)
		}
	}
}

// read finds out what the Lender must be asked. What needs no lease is done with.
func (c *clerk) read(ctx context.Context, v *boot.View, p arrival) {
	in, ok := c.inbound(&p, c.links.now())
	if !ok {
		return
	}
	b := borrower{answered: answered{arrival: p, in: in}}
	if b.ask, b.plain = c.quick.Ask(v, p.b, in); b.plain {
		c.traceIn(&p)
	} else {
		if !c.slow.take(p.at, slowRate) {
			c.fail("too many unusual messages at once, some dropped", p.mac())
			return
		}
		ans, ok := c.decide(v, &p, &b.in)
		switch {
		case !ok:
			return
		case ans.Ask == nil:
			c.finish(c.conn, p.ifindex, b.in, ans)
			return
		case ans.Ask.Verb != dhcp.Lend:
			c.finish(c.conn, p.ifindex, b.in, c.lend(ctx, p.ifindex, b.in, ans))
			return
		}
		b.ask = *ans.Ask
	}
	b.loan = inventory.Loan{MAC: b.ask.MAC, Wish: b.ask.Address}
	c.some = append(c.some, b)
}

// serve lends to those who were read, and answers them.
func (c *clerk) serve(ctx context.Context, v *boot.View) {
	c.lendAll(ctx)
	for i := range c.some {
		c.answer(ctx, v, &c.some[i])
		if c.full() {
			c.send(v)
		}
	}
	c.send(v)
}

// lendAll asks the Lender for all who were read.
func (c *clerk) lendAll(ctx context.Context) {
	of := map[*inventory.Network][]*inventory.Loan{}
	for i := range c.some {
		b := &c.some[i]
		of[b.ask.Network] = append(of[b.ask.Network], &b.loan)
	}
	for n, loans := range of {
		ctx, cancel := context.WithTimeout(ctx, lendTimeout)
		c.Lender.Lend(ctx, n, loans)
		cancel()
	}
}

// answer tells one stranger what it was lent.
func (c *clerk) answer(ctx context.Context, v *boot.View, b *borrower) {
	lease, err := b.loan.Lease, b.loan.Err
	if err != nil {
		c.fail("no lease: "+err.Error(), b.ask.MAC)
	} else if b.ask.Offers && c.probe.asks(lease.Address) {
		c.probeFirst(ctx, v, b)
		return
	}
	if err == nil {
		if reply, ok := c.quick.Lent(v, b.b, b.in, b.ask, lease, c.room()); ok {
			c.swift(b, reply)
			return
		}
	}
	if b.plain {
		if !c.slow.take(b.at, slowRate) { // as when a flood has used the pool up
			return
		}
		if b.in.Message, _ = dhcp.Parse(b.b); b.in.Message == nil {
			return
		}
	}
	ans := c.settle(ctx, b.in, b.ask, lease, err)
	if err == nil {
		c.quick.Learn(b.b, ans)
	}
	c.finish(c.conn, b.ifindex, b.in, ans)
}

// swift has a reply sent that was made of a template.
func (c *clerk) swift(b *borrower, reply dhcp.Swift) {
	if c.Tracer != nil {
		c.trace(c.Now(), b.mac(), true, netip.AddrPortFrom(reply.Source, c.Server.port()), reply.Dest, reply.Bytes)
	}
	b.reply, b.lease = reply, b.loan.Lease
	b.place, b.xid = c.quick.Place(b.place, b.in)
	c.queue(&b.answered)
}

// send sends the replies that wait, and takes note of them.
func (c *clerk) send(v *boot.View) {
	for _, a := range c.flush() {
		moved := a.notice(&c.strays)
		switch {
		case c.told.take(a.at, a.mac()) || moved != nil:
			c.book.take(v, a, moved, false)
		case a.ask.Offers && c.seen.take(a.at, seenRate):
			c.book.take(v, a, nil, true)
			fallthrough
		default:
			c.book.untold.Add(1)
		}
		a.release()
	}
}

// probeFirst answers beside when it was looked whether somebody uses the address.
func (c *clerk) probeFirst(ctx context.Context, v *boot.View, b *borrower) {
	own := *b
	select {
	case c.slots <- struct{}{}:
	default:
		c.fail("too many strangers at once whose address must be looked for, some dropped", own.ask.MAC)
		return
	}
	c.look.Go(func() {
		defer func() { <-c.slots }()
		if own.in.Message == nil {
			if own.in.Message, _ = dhcp.Parse(own.b); own.in.Message == nil {
				return
			}
		}
		ans := dhcp.Decide(v, own.in, c.Settings)
		if ans.Ask != nil {
			ans.Ask.Address = own.loan.Lease.Address
		}
		c.finish(c.conn, own.ifindex, own.in, c.lend(ctx, own.ifindex, own.in, ans))
	})
}

// fail says now and then that a stranger is not answered.
func (c *clerk) fail(what string, last inventory.MAC) {
	c.fails++
	if now := c.Now(); now.Sub(c.said) > saysEvery {
		c.Log.Warn("dhcp: "+what, "messages", c.fails, "last", last)
		c.said, c.fails = now, 0
	}
}

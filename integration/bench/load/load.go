// Package load makes DHCP clients by the thousand and counts their exchanges, as a relay
// agent would forward them. It measures; it serves nobody.
package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Client is one machine: its MAC and the address it must be given, none for any that no other
// client was given.
type Client struct {
	MAC     [6]byte
	Address netip.Addr
}

// Options are what to do. Conn is bound to Relay, port 67, and connected to the server.
type Options struct {
	Conn     *net.UDPConn
	Relay    netip.Addr
	Clients  []Client
	InFlight int           // exchanges at once, 1 to MaxInFlight; no more than there are clients
	For      time.Duration // no exchange begins later than this
	Patience time.Duration // an answer that takes longer is a lost exchange

	Rate      float64 // exchanges begun a second, as far as InFlight lets; 0: each as soon as another ends, negative: none
	Strangers float64 // DISCOVERs of MACs that nobody knows, a second beside
	Await     *Client // asks beside, every millisecond, until it is answered
}

// Result is what came of it. Wrong names the first answer that was not the planned one.
type Result struct {
	Done, Lost int
	Took       time.Duration
	Wrong      string
	Heard      time.Time // when Await was answered

	took []time.Duration // of each, from its DISCOVER to its ACK
}

// Within is how long the quickest so many of a hundred exchanges took.
func (r Result) Within(percent int) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	slices.Sort(r.took)
	return r.took[min(len(r.took)*percent/100, len(r.took)-1)]
}

// Rate is complete exchanges per second.
func (r Result) Rate() float64 { return float64(r.Done) / r.Took.Seconds() }

const (
	batch = 64
	pause = 500 * time.Microsecond // between what a rate makes due, when no answer comes

	strange  = 0xffffffff // transaction of no exchange
	awaiting = 0xfffe     // the lower half of that of Await; the upper is another in each run
)

// MaxInFlight is how many exchanges there can be at once.
const MaxInFlight = 1 << 15

// slot is one exchange in flight.
type slot struct {
	busy   bool
	turn   uint16 // with the slot's number it makes the transaction id
	asked  bool   // the REQUEST is sent
	client int
	began  time.Time
	since  time.Time // the last message
}

// generator is a run in motion.
type generator struct {
	o Options
	t templates
	*socket
	slots    []slot
	next     int // client to begin with
	busy     int
	start    time.Time
	end, now time.Time
	begun    int    // exchanges
	free     []int  // slots, where a rate is asked for
	odd      int    // DISCOVERs of strangers
	await    uint32 // transaction of Await
	awaited  int    // its DISCOVERs
	given    map[netip.Addr]int
	result   Result
}

// Run goes through the clients again and again until the time is over.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.InFlight < 1 || o.InFlight > MaxInFlight || o.InFlight > len(o.Clients) {
		return Result{}, fmt.Errorf("%d exchanges at once with %d clients cannot be", o.InFlight, len(o.Clients))
	}
	t, err := newTemplates(o.Relay)
	if err != nil {
		return Result{}, err
	}
	g := &generator{o: o, t: t, slots: make([]slot, o.InFlight), given: map[netip.Addr]int{}, await: rand.Uint32()<<16 | awaiting}
	if err := within(o.Conn, t.size(), func(s *socket) error {
		g.socket = s
		return g.run(ctx)
	}); err != nil {
		return Result{}, err
	}
	g.result.Took = g.now.Sub(g.start)
	return g.result, nil
}

func (g *generator) run(ctx context.Context) error {
	g.start = time.Now()
	g.now, g.end = g.start, g.start.Add(g.o.For)
	for i := range g.slots {
		if g.o.Rate != 0 {
			g.free = append(g.free, i)
		} else if err := g.begin(i); err != nil {
			return err
		}
	}
	return g.loop(ctx)
}

// loop takes answers until no exchange is in flight any more.
func (g *generator) loop(ctx context.Context) error {
	for looked := g.now; g.busy > 0 || g.now.Before(g.end); {
		if err := g.due(); err != nil {
			return err
		}
		if err := g.flush(); err != nil {
			return err
		}
		n, err := g.receive(g.wait())
		if err != nil {
			return err
		}
		g.now = time.Now()
		for i := range n {
			if err := g.take(g.got(i)); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if g.now.Sub(looked) > g.o.Patience/4 {
			looked = g.now
			if err := g.giveUp(); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin starts the next client's exchange in a slot, unless the time is over.
func (g *generator) begin(i int) error {
	s := &g.slots[i]
	if s.busy {
		s.busy = false
		g.busy--
	}
	if !g.now.Before(g.end) {
		return nil
	}
	*s = slot{busy: true, turn: s.turn + 1, client: g.next, began: g.now, since: g.now}
	g.begun++
	g.next = (g.next + 1) % len(g.o.Clients)
	g.busy++
	b, err := g.room()
	if err != nil {
		return err
	}
	g.t.fillDiscover(b, xid(s.turn, i), g.o.Clients[s.client].MAC)
	return nil
}

func xid(turn uint16, slot int) uint32 { return uint32(turn)<<16 | uint32(slot) }

// take brings the exchange on that an answer belongs to.
func (g *generator) take(b []byte) error {
	r, ok := parseReply(b)
	if a := g.o.Await; ok && r.xid == g.await && a != nil && g.result.Heard.IsZero() && a.Address == netip.AddrFrom4(r.address) {
		g.result.Heard = g.now
		if g.o.Rate <= 0 {
			g.end = g.now // nobody else is asked for
		}
	}
	i := int(r.xid & 0xffff)
	if !ok || i >= len(g.slots) || !g.slots[i].busy || xid(g.slots[i].turn, i) != r.xid {
		return nil // late, or of an exchange given up
	}
	s := &g.slots[i]
	c, bad := g.o.Clients[s.client], g.wrong(r, s.client)
	switch {
	case bad != "":
		if g.result.Wrong == "" {
			g.result.Wrong = bad
		}
		g.result.Lost++
		return g.over(i)
	case r.kind == dhcpv4.MessageTypeOffer && !s.asked:
		s.asked, s.since = true, g.now
		b, err := g.room()
		if err != nil {
			return err
		}
		g.t.fillRequest(b, r, c.MAC)
	case r.kind == dhcpv4.MessageTypeAck && s.asked:
		g.result.Done++
		g.result.took = append(g.result.took, g.now.Sub(s.began))
		return g.over(i)
	}
	return nil
}

// giveUp counts exchanges that wait too long as lost.
func (g *generator) giveUp() error {
	for i := range g.slots {
		if g.slots[i].busy && g.now.Sub(g.slots[i].since) > g.o.Patience {
			g.result.Lost++
			if err := g.over(i); err != nil {
				return err
			}
		}
	}
	return nil
}

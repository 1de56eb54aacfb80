package listen

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/inventory"
	"rackwright/journal"
)

// Bounds of what is written down of quick answers one by one; quota has more.
const (
	maxNotes  = 4096 // that wait
	toldEvery = time.Second
)

// note is a message that was answered quickly: all that Decide needs to say why.
type note struct {
	view    *boot.View
	in      dhcp.Inbound
	n       int
	ask     dhcp.Ask        // of a stranger: what was asked of the Lender,
	lease   inventory.Lease // and what it lent
	mute    bool            // it is sighted and not written down
	moved   *dhcp.Move
	failed  error // of sending the reply
	message [dhcp.MaxQuick]byte
}

// book writes quick answers down beside the receiver, by having Decide look at the message
// again. What is over the quota, of them and of Decide's, is only counted, and the count is said.
type book struct {
	s      *Server
	told   *quota // of what Decide answers
	in     chan *note
	free   chan *note
	untold atomic.Int64
}

func newBook(s *Server) *book {
	return &book{s: s, told: newQuota(), in: make(chan *note, maxNotes), free: make(chan *note, maxNotes)}
}

// full reports that a client's messages are not written down for a while, and counts this one.
func (b *book) full(now time.Time, mac inventory.MAC) bool {
	if b.told.take(now, mac) {
		return false
	}
	b.untold.Add(1)
	return true
}

// take has a message written down, or with mute only sighted, unless too many wait.
func (b *book) take(v *boot.View, a *answered, moved *dhcp.Move, mute bool) {
	if len(b.in) == cap(b.in) {
		b.untold.Add(1)
		return
	}
	var n *note
	select {
	case n = <-b.free:
	default:
		n = new(note)
	}
	n.view, n.in, n.ask, n.lease, n.mute, n.moved, n.failed = v, a.in, a.ask, a.lease, mute, moved, a.failed
	n.n = copy(n.message[:], a.b)
	select {
	case b.in <- n:
	default:
		b.untold.Add(1)
	}
}

func (b *book) run(ctx context.Context) error {
	tick := time.NewTicker(toldEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			for range len(b.in) {
				b.write(<-b.in)
			}
			b.sayUntold()
			return nil
		case n := <-b.in:
			b.write(n)
			runtime.Gosched() // answering comes first, and Go would let a queue of these go on for 10 ms
		case <-tick.C:
			b.sayUntold()
		}
	}
}

func (b *book) write(n *note) {
	if m, _ := dhcp.Parse(n.message[:n.n]); m != nil {
		n.in.Message = m
		if ans := n.answer(b.s.Settings); n.mute {
			b.s.sight(n.in, ans)
		} else {
			b.s.tell(n.in, ans, n.moved, n.failed)
		}
	}
	n.forget()
	select {
	case b.free <- n:
	default:
	}
}

// answer is what Decide and Finish say.
func (n *note) answer(set dhcp.Settings) dhcp.Answer {
	if n.ask.Network == nil {
		return dhcp.Decide(n.view, n.in, set)
	}
	return dhcp.Finish(n.view, n.in, set, n.ask, n.lease, nil)
}

// forget leaves room for another; the message is written over.
func (n *note) forget() {
	n.view, n.in, n.ask, n.lease, n.moved, n.failed = nil, dhcp.Inbound{}, dhcp.Ask{}, inventory.Lease{}, nil, nil
}

func (b *book) sayUntold() {
	if n := b.untold.Swap(0); n > 0 {
		b.s.Journal.Record(journal.Event{At: b.s.Now(), Kind: journal.ServerEvent, Actor: "dhcp",
			Summary: fmt.Sprintf("%d DHCP messages were answered and not written down one by one: more than %d a second, or than %d a minute of one machine", n, toldRate, ofOne)})
	}
}

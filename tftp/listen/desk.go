package listen

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"rackwright/tftp"
)

// Bounds of the transfers at once. Strangers, whose addresses may be forged, never have all:
// known machines keep half.
const (
	most          = 4096
	mostStrangers = most / 2
	mostOfPeer    = 256 // of one address: machines behind a translation, or a test
	linger        = 3 * time.Second
	mostEnded     = 2 * most // that linger
)

// flight is a transfer and where it goes. transfer and ended belong to the desk's lock,
// but for what is agreed on at its beginning.
type flight struct {
	transfer *tftp.Transfer
	file     *tftp.File
	port     *port
	peer     netip.AddrPort
	oob      []byte // makes packets leave from the address that was asked
	known    bool   // the peer's address is a machine's
	asked    string // name in the request, to know a repeated one
	began    time.Time
	ended    time.Time // zero while it runs
	evicted  bool

	inPeer, inLine *list.Element
}

// lateness is a flight that was silent, and what it sends now.
type lateness struct {
	flight *flight
	turn   tftp.Turn
}

// desk knows the transfers by peer: address and port. One that ended stays a little, so that
// a client's last words that were repeated meet no error.
type desk struct {
	ports []*port

	mu        sync.Mutex
	flights   map[netip.AddrPort]*flight // those that ended among them
	running   int
	strangers int
	of        map[netip.Addr]*list.List // running flights of an address, the oldest first
	line      *list.List                // strangers' flights that were not answered yet, the oldest first
	next      int
}

func newDesk(ports []*port) *desk {
	return &desk{ports: ports, flights: map[netip.AddrPort]*flight{}, of: map[netip.Addr]*list.List{}, line: list.New()}
}

// again is what a repeated request is answered: the first message once more. It is ours is
// false for a request that begins a transfer.
func (d *desk) again(peer netip.AddrPort, name string, now time.Time) (f *flight, turn tftp.Turn, ours bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f = d.flights[peer]
	if f == nil || !f.ended.IsZero() || f.asked != name || f.transfer.Begun() {
		return nil, tftp.Turn{From: 1}, false
	}
	return f, f.transfer.Again(now), true
}

// admit begins a flight, on the next of the ports. What the peer had running at its port it
// has given up. out are flights that ended for it; no place: ok is false.
func (d *desk) admit(f *flight, now time.Time) (turn tftp.Turn, out []*flight, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	avoid := (*port)(nil)
	if old := d.flights[f.peer]; old != nil {
		avoid = old.port
		if old.ended.IsZero() {
			d.evict(old, now)
			out = append(out, old)
		}
	}
	if old := d.mustGo(f); old != nil {
		d.evict(old, now)
		out = append(out, old)
	}
	if !d.room(f) {
		return tftp.Turn{From: 1}, out, false
	}
	f.port, f.began = d.pick(avoid), now
	d.flights[f.peer] = f
	d.enter(f)
	return f.transfer.Begin(now), out, true
}

// pick gives flights their port in turn, and one that begins anew at the same port of the
// peer another than before: what is late of the old transfer is not of the new.
func (d *desk) pick(avoid *port) *port {
	if len(d.ports) == 1 {
		return d.ports[0]
	}
	replies := d.ports[1:]
	d.next++
	if p := replies[d.next%len(replies)]; p != avoid {
		return p
	}
	d.next++
	return replies[d.next%len(replies)]
}

// heard gives a message to its flight; nil when there is none of the peer at the port. Of a
// flight that ended before there is no turn, and it is not over anew.
func (d *desk) heard(p *port, peer netip.AddrPort, r tftp.Reply, now time.Time) (f *flight, turn tftp.Turn, over bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f = d.flights[peer]
	if f == nil || f.port != p {
		return nil, turn, false
	}
	if !f.ended.IsZero() {
		return f, tftp.Turn{From: 1}, false
	}
	if turn = f.transfer.Heard(r, now); f.transfer.Begun() {
		d.answered(f)
	}
	if f.transfer.State() != tftp.Running {
		d.end(f, now)
		return f, turn, true
	}
	return f, turn, false
}

// alone reports whether one flight is all there is: nothing is waited for but its peer's next
// word.
func (d *desk) alone() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running == 1
}

// late looks at all flights: which repeat themselves, which have stalled, and which are
// forgotten.
func (d *desk) late(now time.Time) (late []lateness, over []*flight) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for peer, f := range d.flights {
		if !f.ended.IsZero() {
			if now.Sub(f.ended) > linger {
				delete(d.flights, peer)
			}
			continue
		}
		turn := f.transfer.Late(now)
		switch {
		case f.transfer.State() != tftp.Running:
			d.end(f, now)
			over = append(over, f)
		case !turn.Nothing():
			late = append(late, lateness{f, turn})
		}
	}
	return late, over
}

// close ends what runs, and returns it.
func (d *desk) close() (left []*flight) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.flights {
		if f.ended.IsZero() {
			left = append(left, f)
		}
	}
	clear(d.flights)
	return left
}

package listen

import (
	"hash/maphash"
	"net/netip"
	"sync"

	"rackwright/inventory"
)

// Bounds of what is known of relays.
const (
	maxRelays = 1024
	owedSize  = 1 << 12 // offers
	enough    = 8       // offers that nobody took
	longAgo   = 1 << 12 // answers, half of which are forgotten then
)

// relays knows which relays take no trains: one on this machine that reads packets by itself,
// as ISC's does, is shown a train uncut. Its clients do not hear of their offers and ask again.
type relays struct {
	mu    sync.Mutex
	none  bool
	seed  maphash.Seed
	owed  [owedSize]uint32 // clients that were offered an address by train, 0 for none
	known map[netip.Addr]*tally
}

// tally is how many offers that came by train were answered by a REQUEST, and how many by another DISCOVER.
type tally struct {
	taken, again int
	refuses      bool
}

func newRelays() *relays { return &relays{seed: maphash.MakeSeed(), known: map[netip.Addr]*tally{}} }

// take reports whether a relay may be sent trains, and whether it is known since now that it
// may not.
func (r *relays) take(relay netip.Addr) (trains, since bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.known[relay]
	if r.none || t == nil || t.refuses {
		return !r.none && t == nil, false
	}
	t.refuses = t.again >= enough && t.again > t.taken
	return !t.refuses, t.refuses
}

// noneTakes takes note that the system sends none.
func (r *relays) noneTakes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.none = true
}

// sent takes note of the offers in a train.
func (r *relays) sent(t train) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range t {
		if p.offers {
			place, client := r.place(p.bytes)
			*place = client
		}
	}
}

// replied takes note of a reply to a client: whether it took what a train offered it.
func (r *relays) replied(p *parcel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place, client := r.place(p.bytes)
	if *place != client {
		return
	}
	*place = 0
	t := r.tally(p.dest.Addr())
	if p.offers {
		t.again++
	} else {
		t.taken++
	}
	if t.taken+t.again > longAgo {
		t.taken, t.again = t.taken/2, t.again/2
	}
}

func (r *relays) tally(relay netip.Addr) *tally {
	t := r.known[relay]
	if t == nil {
		if len(r.known) >= maxRelays {
			clear(r.known)
		}
		t = new(tally)
		r.known[relay] = t
	}
	return t
}

// place is where it is kept that a client was offered an address, and what then stands there.
func (r *relays) place(reply []byte) (*uint32, uint32) {
	h := maphash.Comparable(r.seed, inventory.MAC(reply[28:34]))
	return &r.owed[h%owedSize], uint32(h>>32) | 1
}

// Package trace keeps the last DHCP packets of each machine in memory, for people who look
// why it does not boot. It is not written down: each server has its own, and a restart
// empties it.
package trace

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"rackwright/inventory"
)

// Bounds of what is kept.
const (
	MaxPackets = 64   // of one MAC, the last
	MaxBytes   = 1500 // of one packet; what is longer is cut
	shards     = 16
	cellBytes  = 320 // a DHCP message without much in it; longer ones take several cells
	strangers  = 8   // a part in so many is for MACs of no plan: a flood of them pushes nobody out
)

// Ring keeps packets. It is safe for concurrent use, and makes no garbage once it is full.
type Ring struct {
	seed  maphash.Seed
	known func(inventory.MAC) bool
	plan  [shards]pool // of planned machines
	odd   [shards]pool // of strangers
}

// New returns a ring that takes so many MiB. known says whose MAC is planned; nil: everyone's.
func New(mib int, known func(inventory.MAC) bool) *Ring {
	r := &Ring{seed: maphash.MakeSeed(), known: known}
	cells := mib << 20 / (cellBytes + cellCost) / shards
	for i := range shards {
		r.odd[i].open(cells / strangers)
		r.plan[i].open(cells - cells/strangers)
	}
	return r
}

// Packet keeps a DHCP message that came from a MAC, or was sent for it. The message is copied.
func (r *Ring) Packet(at time.Time, mac inventory.MAC, sent bool, from, to netip.AddrPort, message []byte) {
	p := r.pool(mac)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(mac, head{at: at.UnixNano(), sent: sent, from: from, to: to, whole: int32(len(message))}, message[:min(len(message), MaxBytes)])
}

func (r *Ring) pool(mac inventory.MAC) *pool {
	i := maphash.Comparable(r.seed, mac) % shards
	if r.known == nil || r.known(mac) {
		return &r.plan[i]
	}
	return &r.odd[i]
}

// Packet is one that was kept.
type Packet struct {
	At       time.Time
	MAC      inventory.MAC
	Sent     bool // by us
	From, To netip.AddrPort
	Message  []byte // its first MaxBytes
	Whole    int    // bytes it had
}

// Of returns what is kept of a MAC, the oldest first. It may have been a stranger's before.
func (r *Ring) Of(mac inventory.MAC) []Packet {
	i := maphash.Comparable(r.seed, mac) % shards
	return append(r.odd[i].of(mac), r.plan[i].of(mac)...)
}

// Strangers returns what is kept of MACs of no plan that came by a relay, and by a circuit of
// it (option 82.1); an empty value is any. At most so many packets.
func (r *Ring) Strangers(relay netip.Addr, circuit string, limit int) (out []Packet) {
	for i := range r.odd {
		for _, mac := range r.odd[i].macs() {
			for _, p := range r.odd[i].of(mac) {
				if a, c := by(p.Message); len(out) < limit && (!relay.IsValid() || a == relay) && (circuit == "" || c == circuit) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// pool is the memory of one shard: cells in a list of free ones, or in the chain of a packet.
type pool struct {
	mu    sync.Mutex
	bytes []byte
	next  []int32 // the cell behind each
	heads []head  // of the packet that begins in each
	free  int32
	left  int
	mine  map[inventory.MAC]*trail
	spare []*trail
	old   trail // the ring of trails: old.after is the one that was added to longest ago
}

// head is what is known of a packet.
type head struct {
	at       int64 // ns
	from, to netip.AddrPort
	whole    int32
	kept     int32
	later    int32 // first cell of the next packet of the MAC
	sent     bool
}

// cellCost is what a cell takes beside its bytes.
const cellCost = 104

// trail is the packets of one MAC.
type trail struct {
	mac           inventory.MAC
	first, last   int32
	n             int
	before, after *trail
}

const none = int32(-1)

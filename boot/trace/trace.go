// Package trace keeps the last DHCP packets of each machine in memory, for people who look
// why it does not boot. It is not written down: each server has its own, and a restart
// empties it.
package trace

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"rackwright/inventory"
	"rackwright/inventory/macs"
)

// Bounds of what is kept.
const (
	MaxPackets = 64   // of one MAC, the last
	MaxBytes   = 1500 // of one packet; what is longer is cut
	shards     = 16
	cellBytes  = 128 // a DHCP message with few options; longer ones take several cells
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
	cells := mib << 20 / int(unsafe.Sizeof(cell{})) / shards
	for i := range shards {
		r.odd[i].open(cells / strangers)
		r.plan[i].open(cells - cells/strangers)
	}
	return r
}

// Datagram is a message on the wire.
type Datagram struct {
	From, To netip.AddrPort
	Message  []byte
}

// Packet keeps a DHCP message that came from a MAC, or was sent for it. The message is copied.
func (r *Ring) Packet(at time.Time, mac inventory.MAC, sent bool, d Datagram) {
	p := r.pool(mac)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(p.trail(mac), at, sent, d)
}

// Exchange keeps a message and its answer.
func (r *Ring) Exchange(at time.Time, mac inventory.MAC, asked, answer Datagram) {
	p := r.pool(mac)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.trail(mac)
	p.note(t, at, false, asked)
	p.note(t, at, true, answer)
}

// note keeps a datagram as a trail's newest.
func (p *pool) note(trail int32, at time.Time, sent bool, d Datagram) {
	h := head{at: at.UnixNano(), sent: sent, from: endOf(d.From), to: endOf(d.To), whole: uint16(min(len(d.Message), math.MaxUint16))}
	message := d.Message[:min(len(d.Message), MaxBytes)]
	if isSix(d.From.Addr()) {
		var room [bothSix + MaxBytes]byte
		h.six, message = true, withEnds(room[:0], d.From.Addr(), d.To.Addr(), message)
	}
	p.keep(trail, h, message)
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
// it (option 82.1, by IPv6 option 18); an empty value is any. At most so many packets.
func (r *Ring) Strangers(relay netip.Addr, circuit string, limit int) (out []Packet) {
	for i := range r.odd {
		for _, mac := range r.odd[i].macs() {
			for _, p := range r.odd[i].of(mac) {
				if a, c := p.by(); len(out) < limit && (!relay.IsValid() || a == relay) && (circuit == "" || c == circuit) {
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
	cells []cell
	free  int32
	left  int

	trails         macs.Table[trail]
	oldest, newest int32 // trails, by when they were added to last
}

// cell is a part of a packet. It has no pointers: nobody looks through cells for garbage.
type cell struct {
	head  head // of the packet that begins in it
	next  int32
	bytes [cellBytes]byte
}

// head is what is known of a packet.
type head struct {
	at       int64 // ns
	from, to end
	later    int32  // first cell of the next packet of the MAC
	whole    uint16 // bytes it had
	shape    shape
	sent     bool
	six      bool // the addresses stand before the message
}

// length is of what is kept.
func (h *head) length() int {
	n := min(int(h.whole), MaxBytes)
	if h.six {
		n += bothSix
	}
	return n
}

// end is where a datagram came from or went to; over IPv6 the port of it.
type end struct {
	ip   [4]byte
	port uint16
}

func endOf(a netip.AddrPort) end { return end{four(a.Addr()), a.Port()} }

func (e end) addrPort() netip.AddrPort { return netip.AddrPortFrom(netip.AddrFrom4(e.ip), e.port) }

// trail is the packets of one MAC.
type trail struct {
	first, last  int32 // cells in which packets begin
	n            int32
	older, newer int32 // trails
}

const none = macs.None

package journal

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of what one peer puts into the journal, and all of them that are not counted
// alone. A machine's boot makes some twenty events, one whose loader asks piece by piece
// more; what is not journaled is answered all the same.
const (
	peerBurst = 200
	peerRate  = 1     // events a second
	peers     = 32768 // a hall that is switched on at once, each machine with its own address
)

// Paces is what each peer may still put into the journal. The zero value is ready.
type Paces struct {
	mu     sync.Mutex
	left   map[netip.Addr]allowance
	looked time.Time // for peers to forget, which is not done for each that comes
}

// allowance is what one peer may still say, and how much of it was left out.
type allowance struct {
	left    float64
	at      time.Time
	skipped int
}

// Take takes one event's worth from a peer's allowance. skipped is how many of its events
// were left out before this one.
func (p *Paces) Take(peer netip.Addr, now time.Time) (ok bool, skipped int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if peer.Is6() { // a host has as many addresses as it likes in its network
		net, _ := peer.WithZone("").Prefix(64)
		peer = net.Addr()
	}
	if p.left == nil {
		p.left = map[netip.Addr]allowance{}
	}
	a, known := p.left[peer]
	if !known && len(p.left) >= peers {
		if now.Sub(p.looked) >= time.Second {
			p.forget(now)
		}
		if len(p.left) >= peers {
			peer = netip.Addr{} // those that come too many share one
			a, known = p.left[peer]
		}
	}
	if !known {
		a = allowance{left: peerBurst, at: now}
	}
	a.left, a.at = min(peerBurst, a.left+peerRate*now.Sub(a.at).Seconds()), now
	if ok = a.left >= 1; ok {
		a.left, skipped, a.skipped = a.left-1, a.skipped, 0
	} else {
		a.skipped++
	}
	p.left[peer] = a
	return ok, skipped
}

// forget drops the peers whose allowance is whole again.
func (p *Paces) forget(now time.Time) {
	p.looked = now
	for peer, a := range p.left {
		if a.left+peerRate*now.Sub(a.at).Seconds() >= peerBurst {
			delete(p.left, peer)
		}
	}
}

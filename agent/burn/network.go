package burn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
)

// Bytes of a transfer: it grows until one takes long enough to be measured well.
const (
	firstTransfer   = 1 << 20
	longestTransfer = 64 << 20
	wellMeasured    = time.Second
	betweenTries    = time.Second // when the peer is busy or away
)

// network moves bytes through each port that has link and an address. What goes wrong
// below TCP is counted by the ports themselves, see watch.
type network struct {
	World
	found *findings
	ports []*port
}

// port is one port and its best transfers: a peer that serves others as well must not make
// a port look slow.
type port struct {
	name, of string

	mu       sync.Mutex
	size     int64
	in, out  float64 // MiB/s
	bytes    int64
	failures int64
}

func newNetwork(w World, found *findings) *network {
	n := &network{World: w, found: found}
	n.open()
	return n
}

func (n *network) work(ctx context.Context) bool {
	if len(n.ports) == 0 {
		return false
	}
	for i := 0; ctx.Err() == nil; i++ { // one after the other: they share the peer
		n.transfer(ctx, n.ports[i%len(n.ports)])
	}
	return true
}

// open lists the ports.
func (n *network) open() {
	if n.Peer == nil {
		n.found.note("network", "network was not tested: there is no peer")
		return
	}
	for _, nic := range n.Facts().NICs {
		switch {
		case !nic.Link:
		case n.Reach == nil || !n.Reach(nic.Name):
			n.found.note("port "+nic.Name, "port %s has link and no address: only its error counters were watched", nic.Name)
		default:
			n.ports = append(n.ports, &port{name: nic.Name, of: fmt.Sprintf("%s %d Mb/s", nic.Driver, nic.Mbps), size: firstTransfer})
		}
	}
}

// transfer moves bytes both ways through a port.
func (n *network) transfer(ctx context.Context, p *port) {
	in, err := n.timed(ctx, p, &p.in, n.Peer.Receive)
	if err != nil {
		return
	}
	out, err := n.timed(ctx, p, &p.out, n.Peer.Send)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && in+out < 2*wellMeasured {
		p.size = min(2*p.size, longestTransfer)
	}
}

// timed moves bytes one way and takes the time; best is the best rate of that way so far.
func (n *network) timed(ctx context.Context, p *port, best *float64, move func(context.Context, string, int64) error) (time.Duration, error) {
	begin := n.Now()
	err := move(ctx, p.name, p.size)
	took := n.Now().Sub(begin)
	if p.count(n, took, best, err, ctx.Err() != nil) {
		return took, nil
	}
	return 0, errors.Join(err, n.Pause(ctx, betweenTries))
}

// count takes in how a transfer went; true: well.
func (p *port) count(n *network, took time.Duration, best *float64, err error, over bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.bytes += p.size
		*best = max(*best, perSecond(float64(p.size)/(1<<20), took))
	case over:
	case damaged(err):
		p.failures++
		n.found.wrong("damage "+p.name, "network port %s: data arrived damaged, %s so far: %v", p.name, times(p.failures), err)
	case !fault.Is(err, fault.Conflict):
		p.failures++
		n.found.note("transfer "+p.name, "network port %s: transfers failed %s; the last: %v", p.name, times(p.failures), err)
	}
	return err == nil
}

// damaged tells data that TCP's checksum let pass and TLS's did not: a port, a cable or
// memory turned a bit.
func damaged(err error) bool { return strings.Contains(err.Error(), "bad record MAC") }

func (n *network) figures() (out []wire.BurnFact) {
	for _, p := range n.ports {
		p.mu.Lock()
		for _, r := range []struct {
			name string
			rate float64
		}{{"receive", p.in}, {"send", p.out}} {
			if r.rate > 0 {
				out = append(out, wire.BurnFact{Test: "network", Part: p.name, Of: p.of, Name: r.name, Value: r.rate, Unit: "MiB/s", Fold: wire.FoldMost, Better: "more"})
			}
		}
		out = append(out, wire.BurnFact{Test: "network", Part: p.name, Of: p.of, Name: "moved", Value: float64(p.bytes) / (1 << 20), Unit: "MiB", Fold: wire.FoldSum})
		p.mu.Unlock()
	}
	return out
}

func (n *network) close() {}

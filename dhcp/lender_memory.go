package dhcp

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// MemoryLender lends from memory, for tests and rehearsals: leases end with the process.
type MemoryLender struct {
	now      func() time.Time
	duration time.Duration
	reserved func(netip.Addr) bool

	mu     sync.Mutex
	byAddr map[netip.Addr]inventory.Lease // a zero MAC holds a declined address
}

// NewMemoryLender lends for duration and never what reserved reports.
func NewMemoryLender(now func() time.Time, duration time.Duration, reserved func(netip.Addr) bool) *MemoryLender {
	return &MemoryLender{now: now, duration: duration, reserved: reserved, byAddr: map[netip.Addr]inventory.Lease{}}
}

// Lend implements Lender.
func (l *MemoryLender) Lend(_ context.Context, n *inventory.Network, loans []*inventory.Loan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, loan := range loans {
		loan.Lease, loan.Err = l.lend(loan.MAC, n, loan.Wish)
	}
}

func (l *MemoryLender) lend(mac inventory.MAC, n *inventory.Network, requested netip.Addr) (inventory.Lease, error) {
	for a, lease := range l.byAddr {
		if lease.MAC == mac && lease.Network == n.Name {
			return l.keep(a, mac, n), nil
		}
	}
	if n.Pool.Contains(requested) && l.free(requested) {
		return l.keep(requested, mac, n), nil
	}
	for i := range n.Pool.Size() {
		if a := n.Pool.Nth(i); l.free(a) {
			return l.keep(a, mac, n), nil
		}
	}
	return inventory.Lease{}, fault.Conflictf("the pool of network %s is exhausted", n.Name).WithHint("widen the pool or shorten its leases")
}

func (l *MemoryLender) free(a netip.Addr) bool {
	lease, held := l.byAddr[a]
	return (!held || lease.Until.Before(l.now())) && !l.reserved(a)
}

func (l *MemoryLender) keep(a netip.Addr, mac inventory.MAC, n *inventory.Network) inventory.Lease {
	lease := inventory.Lease{Address: a, MAC: mac, Network: n.Name, Until: l.now().Add(l.duration)}
	l.byAddr[a] = lease
	return lease
}

// Release implements Lender.
func (l *MemoryLender) Release(_ context.Context, mac inventory.MAC, _ *inventory.Network, a netip.Addr) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byAddr[a].MAC == mac {
		delete(l.byAddr, a)
	}
	return nil
}

// Lessee is whom an address was lent to last.
func (l *MemoryLender) Lessee(_ context.Context, n *inventory.Network, a netip.Addr) (inventory.MAC, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lease := l.byAddr[a]; lease.Network == n.Name {
		return lease.MAC, nil
	}
	return inventory.MAC{}, nil
}

// Decline implements Lender.
func (l *MemoryLender) Decline(_ context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byAddr[a].MAC == mac {
		l.keep(a, inventory.MAC{}, n)
	}
	return nil
}

// Find implements Lender.
func (l *MemoryLender) Find(_ context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) ([]inventory.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []inventory.Lease
	for _, lease := range l.byAddr {
		asked := lease.MAC == mac
		if n != nil {
			asked = lease.Network == n.Name && lease.Address == a
		}
		if asked && !lease.MAC.IsZero() && lease.Until.After(l.now()) {
			out = append(out, lease)
		}
	}
	slices.SortFunc(out, func(a, b inventory.Lease) int { return b.Until.Compare(a.Until) })
	return out, nil
}

package dhcp

import (
	"context"
	"net/netip"

	"rackwright/inventory"
)

// Lender lends addresses from a network's pool to strangers. Two servers may ask at
// once: the Lender keeps each address with one MAC.
type Lender interface {
	// Lend returns the MAC's lease, extended, or a new one: requested when that is in
	// the pool and free, else any free address. It never lends an address the plan
	// reserves. Conflict: the pool is exhausted.
	Lend(ctx context.Context, mac inventory.MAC, network *inventory.Network, requested netip.Addr) (inventory.Lease, error)
	// Release ends the MAC's lease of the address; it is no error when there is none.
	Release(ctx context.Context, mac inventory.MAC, network *inventory.Network, address netip.Addr) error
	// Decline ends the lease and keeps the address from being lent for a while:
	// something else on the network uses it.
	Decline(ctx context.Context, mac inventory.MAC, network *inventory.Network, address netip.Addr) error
}

// Verb is what is asked of the Lender.
type Verb uint8

// The verbs.
const (
	Lend Verb = iota
	Release
	Decline
)

// Ask is what an answer still needs of the Lender.
type Ask struct {
	Verb    Verb
	MAC     inventory.MAC
	Network *inventory.Network
	Address netip.Addr // wanted or given back; invalid when any will do
}

// Put asks it.
func (a Ask) Put(ctx context.Context, l Lender) (inventory.Lease, error) {
	switch a.Verb {
	case Release:
		return inventory.Lease{}, l.Release(ctx, a.MAC, a.Network, a.Address)
	case Decline:
		return inventory.Lease{}, l.Decline(ctx, a.MAC, a.Network, a.Address)
	}
	return l.Lend(ctx, a.MAC, a.Network, a.Address)
}

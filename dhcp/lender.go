package dhcp

import (
	"context"
	"net/netip"

	"rackwright/inventory"
)

// Lender lends addresses from a network's pool to strangers. Two servers may ask at
// once: the Lender keeps each address with one MAC.
type Lender interface {
	// Lend gives each of some strangers its lease, extended, or a new one: the address it
	// wishes when that is in the pool and free, else any free address. It never lends an
	// address the plan reserves. What it lends is durable when it returns.
	Lend(ctx context.Context, network *inventory.Network, loans []*inventory.Loan)
	// Release ends the MAC's lease of the address; it is no error when there is none.
	Release(ctx context.Context, mac inventory.MAC, network *inventory.Network, address netip.Addr) error
	// Decline ends the lease and keeps the address from being lent for a while:
	// something else on the network uses it.
	Decline(ctx context.Context, mac inventory.MAC, network *inventory.Network, address netip.Addr) error
	// Find returns the leases that run, the one that ends last first: of an address of a
	// network, or of a MAC in all networks when network is nil.
	Find(ctx context.Context, mac inventory.MAC, network *inventory.Network, address netip.Addr) ([]inventory.Lease, error)
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
	Offers  bool       // what is lent is offered, not confirmed
}

// Put asks it.
func (a Ask) Put(ctx context.Context, l Lender) (inventory.Lease, error) {
	switch a.Verb {
	case Release:
		return inventory.Lease{}, l.Release(ctx, a.MAC, a.Network, a.Address)
	case Decline:
		return inventory.Lease{}, l.Decline(ctx, a.MAC, a.Network, a.Address)
	}
	loan := inventory.Loan{MAC: a.MAC, Wish: a.Address}
	l.Lend(ctx, a.Network, []*inventory.Loan{&loan})
	return loan.Lease, loan.Err
}

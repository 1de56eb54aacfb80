package api

import (
	"context"
	"net/netip"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// networks registers what machines stand in and talk on.
func (s *server) networks() {
	o := op("GET", "/racks", "list-racks", "Racks by name")
	o.Tags = []string{"racks"}
	route(s, o, func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Rack]], error) {
		return keyset(ctx, in.BehindIn, in.Limit, byName(func(r *inventory.Rack) string { return r.Name }), func(p store.Page) ([]inventory.Rack, error) {
			return s.Store.RackPage(ctx, p)
		})
	})
	o = op("GET", "/networks", "list-networks", "Networks by name")
	o.Tags = []string{"networks"}
	route(s, o, func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Network]], error) {
		list, err := s.Store.Networks(ctx)
		return pageOf(ctx, *in, byName(func(n *inventory.Network) string { return n.Name }), list, err)
	})
	o = op("GET", "/leases", "list-leases", "Addresses lent to strangers")
	o.Tags = []string{"networks"}
	route(s, o, s.leases)
	s.lease()
}

type leasesIn struct {
	Network string `query:"network" maxLength:"63" doc:"Only those of this network"`
	MAC     string `query:"mac" maxLength:"17" doc:"Only what is lent to this MAC, in any common notation"`
	PageIn
}

func (s *server) leases(ctx context.Context, in *leasesIn) (*body[wire.List[inventory.Lease]], error) {
	f := store.LeaseFilter{Network: in.Network}
	if in.MAC != "" {
		var err error
		if f.MAC, err = inventory.ParseMAC(in.MAC); err != nil {
			return nil, badQuery("mac", err.Error())
		}
	}
	return keyset(ctx, in.BehindIn, in.Limit, []order[inventory.Lease]{{"address", func(l *inventory.Lease) []string { return []string{l.Network, l.Address.String()} }}},
		func(p store.Page) ([]inventory.Lease, error) { return s.Store.LeasePage(ctx, f, p) })
}

type leaseStore interface {
	// Lease and EndLease are NotFound where none runs.
	Lease(ctx context.Context, network, address string) (*inventory.Lease, error)
	EndLease(ctx context.Context, network, address, actor string) error
}

// LeaseIn names a lease. Exported because huma fills only exported embedded structs.
type LeaseIn struct {
	Network string `path:"network" minLength:"1" maxLength:"63" doc:"Name of the network"`
	Address string `path:"address" minLength:"1" maxLength:"45" doc:"Address that is lent"`
}

// lease registers one lease.
func (s *server) lease() {
	o := op("GET", "/leases/{network}/{address}", "get-lease", "One address lent to a stranger")
	o.Tags = []string{"networks"}
	route(s, o, func(ctx context.Context, in *LeaseIn) (*body[*inventory.Lease], error) {
		return bodyOf(s.leaseOf(ctx, *in))
	})
	route(s, removal[inventory.Lease](s, op("DELETE", "/leases/{network}/{address}", "end-lease", "End a lease, or the rest of an address that was declined: it may be lent at once"), "networks"), s.endLease)
}

// leaseOf is the lease that is named.
func (s *server) leaseOf(ctx context.Context, in LeaseIn) (*inventory.Lease, error) {
	a, err := netip.ParseAddr(in.Address)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Message: "the address cannot be read", Fields: []fault.Field{{Path: "path.address", Message: "is no IP address"}}}
	}
	return s.Store.Lease(ctx, in.Network, a.Unmap().String())
}

func (s *server) endLease(ctx context.Context, in *struct {
	LeaseIn
	TryIn
}) (*removed, error) {
	l, err := s.leaseOf(ctx, in.LeaseIn)
	if err != nil {
		return nil, err
	}
	if _, err = tried(ctx, s, in.DryRun, func(ctx context.Context) (any, error) {
		return nil, s.Store.EndLease(ctx, l.Network, l.Address.String(), actor(ctx))
	}); err == nil {
		s.remark(ctx, l, nil)
	}
	return removedOf(in.DryRun, l, err)
}

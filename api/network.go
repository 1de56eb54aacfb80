package api

import (
	"context"

	"rackwright/api/wire"
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

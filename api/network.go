package api

import (
	"context"

	"rackwright/api/wire"
	"rackwright/inventory"
)

// networks registers what machines stand in and talk on.
func (s *server) networks() {
	o := op("GET", "/racks", "list-racks", "Racks by name")
	o.Tags = []string{"racks"}
	route(s, o, func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Rack]], error) {
		list, err := s.Store.Racks(ctx)
		return pageOf(*in, func(r *inventory.Rack) string { return r.Name }, list, err)
	})
	o = op("GET", "/networks", "list-networks", "Networks by name")
	o.Tags = []string{"networks"}
	route(s, o, func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Network]], error) {
		list, err := s.Store.Networks(ctx)
		return pageOf(*in, func(n *inventory.Network) string { return n.Name }, list, err)
	})
	o = op("GET", "/leases", "list-leases", "Addresses lent to strangers")
	o.Tags = []string{"networks"}
	route(s, o, func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Lease]], error) {
		list, err := s.Store.Leases(ctx)
		return pageOf(*in, func(l *inventory.Lease) string { return string(l.Address.AsSlice()) + l.Network }, list, err)
	})
}

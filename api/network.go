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
	route(s, o, func(ctx context.Context, _ *struct{}) (*body[wire.List[inventory.Rack]], error) {
		return listOf(s.Store.Racks(ctx))
	})
	o = op("GET", "/networks", "list-networks", "Networks by name")
	o.Tags = []string{"networks"}
	route(s, o, func(ctx context.Context, _ *struct{}) (*body[wire.List[inventory.Network]], error) {
		return listOf(s.Store.Networks(ctx))
	})
	o = op("GET", "/leases", "list-leases", "Addresses lent to strangers")
	o.Tags = []string{"networks"}
	route(s, o, func(ctx context.Context, _ *struct{}) (*body[wire.List[inventory.Lease]], error) {
		return listOf(s.Store.Leases(ctx))
	})
}

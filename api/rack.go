package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/inventory"
)

// racks registers what the plan says beside machines and networks.
func (s *server) racks() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"racks"}; return o }
	route(s, tag(op("GET", "/racks/{rack}", "get-rack", "One rack")), func(ctx context.Context, in *RackIn) (*body[*inventory.Rack], error) {
		return bodyOf(s.Store.Rack(ctx, in.Rack))
	})
	route(s, tag(op("GET", "/devices", "list-devices", "Switches, PDUs, chassis and panels by name")), func(ctx context.Context, in *struct {
		Rack string `query:"rack" maxLength:"63" doc:"Only those of this rack"`
	}) (*body[wire.List[inventory.Device]], error) {
		return listOf(s.Store.Devices(ctx, in.Rack))
	})
	route(s, tag(op("GET", "/models", "list-models", "Kinds of gear by name")), func(ctx context.Context, _ *struct{}) (*body[wire.List[inventory.Model]], error) {
		return listOf(s.Store.Models(ctx))
	})
	route(s, tag(op("GET", "/projects", "list-projects", "Owners of machines by name")), func(ctx context.Context, _ *struct{}) (*body[wire.List[inventory.Project]], error) {
		return listOf(s.Store.Projects(ctx))
	})
}

package api

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/store"
)

// racks registers what the plan says beside machines and networks.
func (s *server) racks() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"racks"}; return o }
	route(s, tag(op("GET", "/racks/{rack}", "get-rack", "One rack")), func(ctx context.Context, in *RackIn) (*body[*inventory.Rack], error) {
		return bodyOf(s.Store.Rack(ctx, in.Rack))
	})
	route(s, tag(op("GET", "/devices", "list-devices", "Switches, PDUs, chassis and panels by name")), func(ctx context.Context, in *struct {
		Rack string `query:"rack" maxLength:"63" doc:"Only those of this rack"`
		PageIn
	}) (*body[wire.List[inventory.Device]], error) {
		return keyset(ctx, in.BehindIn, in.Limit, byName(func(d *inventory.Device) string { return d.Name }), func(p store.Page) ([]inventory.Device, error) {
			return s.Store.DevicePage(ctx, in.Rack, p)
		})
	})
	route(s, tag(op("GET", "/models", "list-models", "Kinds of gear by name")), func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Model]], error) {
		list, err := s.Store.Models(ctx)
		return pageOf(ctx, *in, byName(func(m *inventory.Model) string { return m.Name }), list, err)
	})
	route(s, tag(op("GET", "/projects", "list-projects", "Owners of machines by name")), func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.Project]], error) {
		list, err := s.projects(ctx)
		return pageOf(ctx, *in, byName(func(p *inventory.Project) string { return p.Name }), list, err)
	})
}

// projects are those of the caller's scope.
func (s *server) projects(ctx context.Context) ([]inventory.Project, error) {
	list, err := s.Store.Projects(ctx)
	if scope := scopeOf(ctx); !scope.Whole() {
		list = slices.DeleteFunc(list, func(p inventory.Project) bool { return !slices.Contains(scope.Projects, p.Name) })
	}
	return list, err
}

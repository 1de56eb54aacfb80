package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// siteStore tells of sites, and of one thing where other lists are read whole.
type siteStore interface {
	// Sites leaves out what is beyond a scope.
	Sites(ctx context.Context, scope access.Scope) ([]inventory.SiteTally, error)
	Device(ctx context.Context, name string) (*inventory.Device, error)
}

// NameIn names a thing. Exported because huma fills only exported embedded structs.
type NameIn struct {
	Name string `path:"name" minLength:"1" maxLength:"128" doc:"Its name"`
}

// sites registers sites, and single things that the plan names.
func (s *server) sites() {
	tag := func(name string, o huma.Operation) huma.Operation { o.Tags = []string{name}; return o }
	route(s, tag("racks", op("GET", "/sites", "list-sites", "Sites by name, with their rooms and how many machines are in which phase")), func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.SiteTally]], error) {
		list, err := s.Store.Sites(ctx, scopeOf(ctx))
		return pageOf(ctx, *in, byName(func(t *inventory.SiteTally) string { return t.Name }), list, err)
	})
	oneOf(s, tag("racks", op("GET", "/sites/{name}", "get-site", "One site")), "site",
		func(ctx context.Context) ([]inventory.SiteTally, error) { return s.Store.Sites(ctx, scopeOf(ctx)) }, func(t *inventory.SiteTally) string { return t.Name })
	oneOf(s, tag("networks", op("GET", "/networks/{name}", "get-network", "One network")), "network", func(ctx context.Context) ([]inventory.Network, error) { return s.Store.Networks(ctx) }, func(n *inventory.Network) string { return n.Name })
	oneOf(s, tag("racks", op("GET", "/models/{name}", "get-model", "One model: what each thing of it has to have")), "model", func(ctx context.Context) ([]inventory.Model, error) { return s.Store.Models(ctx) }, func(m *inventory.Model) string { return m.Name })
	oneOf(s, tag("racks", op("GET", "/projects/{name}", "get-project", "One project")), "project", s.projects, func(p *inventory.Project) string { return p.Name })
	route(s, tag("racks", op("GET", "/devices/{name}", "get-device", "One device with its ports and cables")), func(ctx context.Context, in *NameIn) (*body[*inventory.Device], error) {
		d, err := s.Store.Device(ctx, in.Name)
		if err == nil && s.atRack(ctx, access.Read, d.Slot.Rack) != nil {
			err = missing("device", in.Name)
		}
		return bodyOf(d, err)
	})
}

// oneOf registers one thing of a short list that the store gives whole.
func oneOf[T any](s *server, o huma.Operation, noun string, list func(context.Context) ([]T, error), name func(*T) string) {
	route(s, o, func(ctx context.Context, in *NameIn) (*body[*T], error) {
		all, err := list(ctx)
		return bodyOf(named(all, err, noun, in.Name, name))
	})
}

// named is the thing of a list that has a name.
func named[T any](all []T, err error, noun, want string, name func(*T) string) (*T, error) {
	if err != nil {
		return nil, err
	}
	for i := range all {
		if name(&all[i]) == want {
			return &all[i], nil
		}
	}
	return nil, missing(noun, want)
}

func missing(noun, name string) error {
	return fault.NotFoundf("there is no %s %q", noun, name).WithHint("%s", "'rackwright "+noun+" list' shows them")
}

package run

import (
	"context"
	"time"

	"rackwright/deploy/rollout"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
)

// ground is the world as rollouts see it: which pipes lead to a machine, and the power of
// its rack. It is surveyed anew after some time.
type ground struct {
	at     time.Time
	caches []images.Cache
	sites  map[string]string // by rack
	power  map[string]*rollout.RackPower
}

// fresh is how old a survey may be. Power that is switched meanwhile by hand is seen with
// the next.
const fresh = 30 * time.Second

// survey looks at the racks, and at the machines of those whose feeds are known.
func (t *Task) survey(ctx context.Context) (*ground, error) {
	now := t.Now()
	if t.ground != nil && now.Sub(t.ground.at) < fresh {
		return t.ground, nil
	}
	g := &ground{at: now, sites: map[string]string{}, power: map[string]*rollout.RackPower{}}
	var err error
	if g.caches, err = t.Store.Caches(ctx); err != nil {
		return nil, err
	}
	racks, err := t.Store.Racks(ctx)
	if err != nil {
		return nil, err
	}
	models, err := t.Store.Models(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]*inventory.Model{}
	for i := range models {
		byName[models[i].Name] = &models[i]
	}
	for _, r := range racks {
		g.sites[r.Name] = r.Site
		if len(r.Feeds) == 0 {
			continue
		}
		p := &rollout.RackPower{Rack: r, Model: func(name string) *inventory.Model { return byName[name] }}
		if p.Devices, err = t.Store.Devices(ctx, r.Name); err != nil {
			return nil, err
		}
		if p.Machines, err = t.Store.Machines(ctx, store.MachineFilter{Rack: r.Name, Brief: true, Limit: 1000}); err != nil {
			return nil, err
		}
		g.power[r.Name] = p
	}
	t.ground = g
	return g, nil
}

// Pipes are the uplink of the machine's rack, and what it fetches from: the nearest cache,
// else the server.
func (g *ground) Pipes(m *rollout.Member) []string {
	source := "the server"
	if near := images.Nearest(g.caches, m.Rack, g.sites[m.Rack], g.at); len(near) > 0 {
		name := near[0].Name
		for _, c := range near { // those of one rack share the load: they are one pipe
			if c.Rack == near[0].Rack {
				name = min(name, c.Name)
			}
		}
		source = "cache " + name
	}
	if m.Rack == "" {
		return []string{source}
	}
	return []string{"rack " + m.Rack, source}
}

// Power asks the feeds of the machine's rack.
func (g *ground) Power(m *rollout.Member, flying func(string) bool) string {
	p := g.power[m.Rack]
	if p == nil {
		return ""
	}
	return p.Allows(m.Machine, flying)
}

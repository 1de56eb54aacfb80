package run

import (
	"context"
	"time"

	"rackwright/fleet"
	"rackwright/images"
	"rackwright/inventory"
)

// ground is the world as fleets see it: which pipes lead to a machine, and the power of its
// rack. It is surveyed anew after some time.
type ground struct {
	at     time.Time
	caches []images.Cache
	racks  map[string]*inventory.Rack
	power  map[string]*inventory.RackPower // of racks that were looked at
}

// fresh is how old a survey may be. Power that is switched meanwhile, and burn-ins that
// began, are seen with the next.
const fresh = 30 * time.Second

// survey looks at what a fleet stands on: of the power only in racks whose feeds are known
// and where somebody waits.
func (t *Task) survey(ctx context.Context, f *fleet.Fleet) (g *ground, err error) {
	if g = t.ground; g == nil || t.Now().Sub(g.at) >= fresh {
		if g, err = t.anew(ctx); err != nil {
			return nil, err
		}
		t.ground = g
	}
	for i := range f.Members {
		m := &f.Members[i]
		if r := g.racks[m.Rack]; m.State != fleet.Waiting || r == nil || len(r.Feeds) == 0 || g.power[m.Rack] != nil {
			continue
		}
		if g.power[m.Rack], err = t.Store.RackPower(ctx, m.Rack); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (t *Task) anew(ctx context.Context) (*ground, error) {
	g := &ground{at: t.Now(), racks: map[string]*inventory.Rack{}, power: map[string]*inventory.RackPower{}}
	racks, err := t.Store.Racks(ctx)
	if err != nil {
		return nil, err
	}
	for i := range racks {
		g.racks[racks[i].Name] = &racks[i]
	}
	g.caches, err = t.Store.Caches(ctx)
	return g, err
}

// site is where a rack stands.
func (g *ground) site(rack string) string {
	if r := g.racks[rack]; r != nil {
		return r.Site
	}
	return ""
}

// Pipes are the uplink of the machine's rack, and what it fetches from: the nearest cache,
// else the server.
func (g *ground) Pipes(m *fleet.Member) []string {
	source := "the server"
	if near := images.Nearest(g.caches, m.Rack, g.site(m.Rack), g.at); len(near) > 0 {
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

// Power asks the feeds of the machine's rack. What the fleet itself has in motion is newer
// than the survey.
func (g *ground) Power(m *fleet.Member, flying func(string) bool) (why string, ever bool) {
	if g.power[m.Rack] == nil {
		return "", true
	}
	p := *g.power[m.Rack]
	full := p.Full
	p.Full = func(id string) bool { return full(id) || flying(id) }
	for i := range p.Machines {
		if p.Machines[i].ID != m.Machine {
			continue
		}
		switch b := p.Admit(&p.Machines[i]); {
		case b.Fits:
			return "", true
		case b.Ever:
			return "waits for " + b.String(), true
		default:
			return b.Never(m.Name), false
		}
	}
	return "", true
}

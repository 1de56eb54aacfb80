package plan

import (
	"slices"

	"rackwright/inventory"
)

// loads checks weight and power as they would be: of the plan's racks, of those whose
// PDUs feed something of the plan, and of those with things of a model of the plan.
func (c *comparer) loads(racks map[string]*bucket) {
	model := func(name string) *inventory.Model { return c.after.models[name] }
	for i := range c.w.Racks {
		c.load(&c.w.Racks[i], racks[c.w.Racks[i].Name], model)
	}
	for i := range c.have.Racks {
		r := &c.have.Racks[i]
		if b := racks[r.Name]; c.racked[r.Name] == nil && b != nil && (slices.ContainsFunc(b.guests, c.concerns) || slices.ContainsFunc(b.things, c.remodels)) {
			c.load(r, b, model)
		}
	}
}

// names reports whether the plan names a thing.
func (c *comparer) names(t thing) bool {
	return (t.machine != nil && c.machine[t.name]) || (t.device != nil && c.device[t.name])
}

// concerns reports whether the plan changes what a thing draws.
func (c *comparer) concerns(t thing) bool { return c.names(t) || c.remodels(t) }

// remodels reports whether the plan says what a thing's model is like.
func (c *comparer) remodels(t thing) bool {
	return t.model != nil && slices.ContainsFunc(c.w.Models, func(m inventory.Model) bool { return m.Name == t.model.Name })
}

func (c *comparer) load(r *inventory.Rack, b *bucket, model func(string) *inventory.Model) {
	if b == nil {
		return
	}
	devices, machines := c.after.around(b)
	l := inventory.RackLoad(*r, devices, machines, model)
	if r.WeightLimitKG > 0 && l.WeightKG > r.WeightLimitKG {
		c.fail("rack "+r.Name, "would carry %s kg, and may carry %s kg", number(l.WeightKG), number(r.WeightLimitKG))
	}
	for _, f := range l.Feeds {
		switch {
		case !f.Over():
		case f.WhenLost == "":
			c.fail("rack "+r.Name, "feed %s would carry %.0f W, and may carry %.0f W for good (80 %% of its breaker)", f.Feed, f.WorstW, f.UsableW)
		default:
			c.fail("rack "+r.Name, "feed %s would carry %.0f W with feed %s lost, and may carry %.0f W for good (80 %% of its breaker)", f.Feed, f.WorstW, f.WhenLost, f.UsableW)
		}
	}
}

package netbox

import (
	"slices"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

func (b *builder) makeRacks() {
	places := map[int64]*Location{}
	for i := range b.src.Locations {
		places[b.src.Locations[i].ID] = &b.src.Locations[i]
	}
	for i := range b.src.Racks {
		r := &b.src.Racks[i]
		if r.Site.id() != b.site.ID {
			continue
		}
		name, wrong := b.own("rack", r.Name)
		if wrong != "" {
			b.notes.add("racks left out with all that is in them, for their names", "%s", wrong)
			continue
		}
		out := &rack{first: max(r.StartingUnit, 1)}
		out.Rack = plan.Rack{Name: name, Units: int(r.UHeight), DepthMM: int(r.MountingDepth), WeightLimitKG: kilograms(r.MaxWeight, r.WeightUnit), Tags: tags(r.Tags),
			Labels: labels("facility-id", text(r.FacilityID), "serial", r.Serial, "asset-tag", text(r.AssetTag), "role", r.Role.slug(), "tenant", r.Tenant.slug())}
		if r.DescUnits {
			out.Numbering = inventory.NumberedDown
		}
		if out.first != 1 {
			b.notes.add("racks whose units do not begin at 1: units are counted from 1 here", "%s begins at %d", name, out.first)
		}
		out.Room, out.Row = rooms(places, r.Location.id())
		b.racks[r.ID] = out
		b.order = append(b.order, out)
	}
	b.reserve()
	b.feed()
}

// rooms are the outermost and the innermost location around a rack.
func rooms(places map[int64]*Location, id int64) (room, row string) {
	var names []string
	for p := places[id]; p != nil && len(names) < 16; p = places[p.Parent.id()] {
		names = append(names, clean(p.Name))
	}
	if len(names) == 0 {
		return "", ""
	}
	if len(names) > 1 {
		row = names[0]
	}
	return names[len(names)-1], row
}

// reserve turns lists of units into runs.
func (b *builder) reserve() {
	for i := range b.src.Reservations {
		v := &b.src.Reservations[i]
		r := b.racks[v.Rack.id()]
		if r == nil {
			continue
		}
		units := slices.Clone(v.Units)
		slices.Sort(units)
		reason := clean(v.Description)
		if reason == "" {
			reason = "reserved in NetBox"
		}
		for j, n := range slices.Compact(units) {
			u := n - r.first + 1
			last := len(r.Reserved) - 1
			if j > 0 && last >= 0 && r.Reserved[last].U+max(r.Reserved[last].Height, 1) == u {
				r.Reserved[last].Height = max(r.Reserved[last].Height, 1) + 1
				continue
			}
			r.Reserved = append(r.Reserved, inventory.Reservation{U: u, Reason: reason, Project: b.project(v.Tenant)})
		}
	}
}

// feed gives racks their supplies; cables of PDUs can end there.
func (b *builder) feed() {
	for i := range b.src.Feeds {
		f := &b.src.Feeds[i]
		r := b.racks[f.Rack.id()]
		volts := int(f.Voltage)
		switch {
		case r == nil && f.Rack != nil:
			continue // of another site
		case r == nil:
			b.notes.add("power feeds of no rack, left out", "%s", clean(f.Name))
			continue
		case f.Status == "offline" || f.Status == "failed":
			b.notes.add("power feeds that are offline or failed, left out", "%s of %s", clean(f.Name), r.Name)
			continue
		case volts <= 0 || f.Amperage <= 0:
			b.notes.add("power feeds without voltage or amperage, left out", "%s of %s", clean(f.Name), r.Name)
			continue
		case f.Supply == "dc":
			b.notes.add("power feeds of direct current, taken as they are", "%s of %s", clean(f.Name), r.Name)
		case !portForm.MatchString(f.Name):
			b.notes.add("power feeds left out for their names", "%q of %s", clean(f.Name), r.Name)
			continue
		}
		out := inventory.Feed{Name: f.Name, Volts: volts, Amps: float64(f.Amperage), Phases: 1}
		if f.Phase == "three-phase" {
			out.Phases = 3
		}
		r.Feeds = append(r.Feeds, out)
		b.ends[End{"dcim.powerfeed", f.ID}] = &end{name: f.Name, power: true}
	}
}

// project is the name of a tenant's project, which is made when it is first used.
func (b *builder) project(t *Ref) string {
	if t == nil {
		return ""
	}
	name, wrong := b.names.Of("project", t.Slug)
	if wrong != "" {
		b.notes.add("tenants left out for their slugs", "%s", wrong)
		return ""
	}
	if !slices.ContainsFunc(b.out.Projects, func(p plan.Project) bool { return p.Name == name }) {
		p := plan.Project{Name: name}
		if t.Name != t.Slug {
			p.Labels = labels("name", t.Name)
		}
		b.out.Projects = append(b.out.Projects, p)
	}
	return name
}

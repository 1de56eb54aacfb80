package plan

import (
	"cmp"
	"fmt"
	"slices"

	"rackwright/inventory"
)

func (r *resolver) rack(p place, in Rack) {
	r.name(p.of(".name"), in.Name)
	r.once(p.of(".name"), claim{what: "rack", text: in.Name}, p.base)
	out := inventory.Rack{Name: in.Name, Site: r.out.Site, Room: in.Room, Row: in.Row, Units: cmp.Or(in.Units, 42),
		Numbering: cmp.Or(in.Numbering, inventory.NumberedUp), DepthMM: in.DepthMM, WeightLimitKG: in.WeightLimitKG}
	if out.Units < 1 || out.Units > 100 {
		r.fail(p.of(".units"), "%d is not between 1 and 100", out.Units)
		out.Units = 100
	}
	r.text(p.of(".room"), in.Room)
	r.text(p.of(".row"), in.Row)
	r.oneOf(p.of(".numbering"), string(out.Numbering), string(inventory.NumberedUp), string(inventory.NumberedDown))
	r.between(p.of(".depth_mm"), float64(in.DepthMM), 1, 5000)
	r.between(p.of(".weight_limit_kg"), in.WeightLimitKG, 0, 1e5)
	out.Feeds = r.feeds(p, in.Name, in.Feeds)
	out.Labels, out.Tags = r.labels(p, in.Labels, in.Tags)
	out.Waivers = r.waivers(p, in.Waive)
	out.Reserved = r.reserved(p, &out, in.Reserved)
	r.out.Racks = append(r.out.Racks, out)
	for i, d := range in.Devices {
		r.device(at(fmt.Sprintf("%s.devices[%d]", p.base, i)), &out, d)
	}
	for i, m := range in.Machines {
		r.machine(at(fmt.Sprintf("%s.machines[%d]", p.base, i)), &out, m)
	}
}

func (r *resolver) feeds(p place, rack string, list []inventory.Feed) []inventory.Feed {
	if len(list) > 16 {
		r.fail(p.of(".feeds"), "%d feeds are more than 16", len(list))
		return nil
	}
	out := slices.Clone(list)
	for i := range out {
		f, at := &out[i], p.item(".feeds", i)
		if !portForm.MatchString(f.Name) {
			r.fail(at.of(".name"), "%.70q is not the name of a feed, e.g. A", f.Name)
		}
		r.onceIn(at.of(".name"), rack, "feed", f.Name)
		if f.Volts < 1 || f.Volts > 1000 {
			r.fail(at.of(".volts"), "%d is not between 1 and 1000", f.Volts)
		}
		if !(f.Amps > 0 && f.Amps <= 10000) {
			r.fail(at.of(".amps"), "%v is not above 0 and up to 10000", f.Amps)
		}
		if f.Phases = cmp.Or(f.Phases, 1); f.Phases != 1 && f.Phases != 3 {
			r.fail(at.of(".phases"), "%d is neither 1 nor 3", f.Phases)
		}
	}
	return out
}

// reserved checks reservations; no two may keep one unit.
func (r *resolver) reserved(p place, rack *inventory.Rack, list []inventory.Reservation) []inventory.Reservation {
	if len(list) > 2*rack.Units {
		r.fail(p.of(".reserved"), "%d reservations are more than the rack has places", len(list))
		return nil
	}
	out, kept := slices.Clone(list), holders{}
	for i := range out {
		v, at := &out[i], p.item(".reserved", i)
		v.Height, v.Face = cmp.Or(v.Height, 1), cmp.Or(v.Face, inventory.Both)
		r.oneOf(at.of(".face"), string(v.Face), string(inventory.Front), string(inventory.Rear), string(inventory.Both))
		r.text(at.of(".reason"), v.Reason)
		if v.Reason == "" {
			r.fail(at.of(".reason"), "say what the unit is kept for")
		}
		r.refer(at.of(".project"), v.Project)
		if !fitsRack(v.Slot(rack.Name), rack.Units) {
			r.fail(at.of(".u"), "unit %d with height %d does not fit rack %s of %d units", v.U, v.Height, rack.Name, rack.Units)
			continue
		}
		if taken := kept.seat(v.Slot(rack.Name), v.Reason); len(taken) > 0 {
			r.fail(at.of(".u"), "unit %d is reserved twice", taken[0].claim.cell.U)
		}
	}
	return out
}

// fitsRack reports whether a slot of a known height is inside the units.
func fitsRack(s inventory.Slot, units int) bool {
	return s.U >= 1 && s.U <= units && s.Height >= 1 && s.Height <= units && s.U+s.Height-1 <= units
}

// reservation returns the one that keeps a thing of that project out of the slot.
func reservation(r *inventory.Rack, s inventory.Slot, project string) *inventory.Reservation {
	for i := range r.Reserved {
		v := &r.Reserved[i]
		facing := v.Face == s.Face || v.Face == inventory.Both || s.Face == inventory.Both
		if s.U >= 1 && s.Chassis == "" && facing && s.U < v.U+v.Height && v.U < s.U+s.Height && (v.Project == "" || v.Project != project) {
			return v
		}
	}
	return nil
}

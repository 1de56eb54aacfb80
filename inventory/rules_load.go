package inventory

// loads checks weight and power of the plan's racks as they would be.
func (c *comparer) loads() {
	model := func(name string) *Model { return c.after.models[name] }
	for i := range c.w.Racks {
		r := &c.w.Racks[i]
		devices, machines := c.after.around(r.Name)
		l := RackLoad(*r, devices, machines, model)
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
}

// around lists what stands in a rack, what hangs on its PDUs from elsewhere, and the PDUs
// elsewhere that those hang on.
func (s *state) around(rack string) (devices []Device, machines []Machine) {
	here := func(psus []PSU) bool {
		for i := range psus {
			if c := psus[i].Cable; c != nil {
				if d := s.owners.devices[c.To.Owner]; d != nil && d.Slot != nil && d.Slot.Rack == rack {
					return true
				}
			}
		}
		return false
	}
	for _, d := range s.gear {
		if d.Kind == KindPDU || (d.Slot != nil && d.Slot.Rack == rack) || here(d.PSUs) {
			devices = append(devices, *d)
		}
	}
	for _, m := range s.standing {
		if m.Slot.Rack == rack || here(m.PSUs) {
			machines = append(machines, *m)
		}
	}
	return devices, machines
}

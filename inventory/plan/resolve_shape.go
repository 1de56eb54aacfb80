package plan

import "rackwright/inventory"

// shapes gives everything its place and parts, as far as the plan's own models say, and
// finds what two things hold.
func (r *resolver) shapes() {
	models := map[string]*inventory.Model{}
	for i := range r.out.Models {
		models[r.out.Models[i].Name] = &r.out.Models[i]
	}
	racks := map[string]*inventory.Rack{}
	for i := range r.out.Racks {
		racks[r.out.Racks[i].Name] = &r.out.Racks[i]
	}
	devices := map[string]*inventory.Device{}
	for i := range r.out.Devices {
		d, p := &r.out.Devices[i], r.devices[i]
		devices[d.Name] = d
		if model := models[d.Model]; model == nil && d.Model != "" {
			r.wait(d.Name, d.Slot)
		} else {
			r.misfits(p, shapeDevice(d, model))
		}
		r.place(p, racks[d.Slot.Rack], *d.Slot, d.Name, "")
		r.holdings(p, deviceClaims(d), d.Name)
	}
	for i := range r.out.Machines {
		m, p := &r.out.Machines[i], r.machines[i]
		r.shapeMachine(p, m, models[m.Model], devices[m.Slot.Chassis])
		if m.Slot.Chassis == "" && m.Slot.U < 1 {
			r.fail(p.of(".u"), "unit %d does not fit rack %s: units begin at 1", m.Slot.U, m.Slot.Rack)
		} else {
			r.place(p, racks[m.Slot.Rack], *m.Slot, m.Name, m.Project)
		}
		r.claims(p, m)
	}
}

func (r *resolver) shapeMachine(p place, m *inventory.Machine, model *inventory.Model, chassis *inventory.Device) {
	if model == nil && m.Model != "" {
		r.wait(m.Name, m.Slot)
	} else {
		r.misfits(p, shapeMachine(m, model))
	}
	switch {
	case m.Slot.Chassis == "":
	case chassis == nil || r.waits(chassis.Name):
		r.wait(m.Name, m.Slot)
	default:
		r.misfits(p, seatIn(m, chassis))
	}
	for i := range m.PSUs {
		for j := range m.NICs {
			if m.PSUs[i].Name == m.NICs[j].Name {
				r.fail(p.of(".psus"), "%s is a network port too", m.PSUs[i].Name)
			}
		}
	}
}

func (r *resolver) misfits(p place, bad []misfit) {
	for _, b := range bad {
		r.fail(p.of(b.field), "%s", b.says)
	}
}

// wait notes that a thing is shaped when the inventory is known. Until then it takes
// what it would without a model; with one it takes at least that.
func (r *resolver) wait(name string, s *inventory.Slot) {
	if r.waits(name) {
		return
	}
	r.out.unshaped[name] = *s
	if s.Chassis == "" {
		shapeSlot(s, nil)
	}
}

func (r *resolver) waits(name string) bool {
	_, waits := r.out.unshaped[name]
	return waits
}

// place takes the cells of a slot.
func (r *resolver) place(p place, rack *inventory.Rack, s inventory.Slot, owner, project string) {
	if rack == nil || s.Chassis != "" {
		return
	}
	if s.U < 0 || s.Height < 1 || s.Height > rack.Units || (s.U > 0 && !fitsRack(s, rack.Units)) {
		r.fail(p.of(".u"), "unit %d with height %d does not fit rack %s of %d units", s.U, s.Height, s.Rack, rack.Units)
		return
	}
	for _, c := range r.seen.seat(s, owner) {
		r.fail(p.of(".u"), "%s is taken twice: by %s and by %s", c.claim, c.by, owner)
	}
	if v := reservation(rack, s, project); v != nil {
		r.fail(p.of(".u"), "unit %d is reserved: %s", max(v.U, s.U), v.Reason)
	}
}

func (r *resolver) holdings(p place, list []claim, owner string) {
	for _, c := range list {
		field := ".asset_tag"
		if c.what == "device serial" {
			field = ".serial"
		}
		r.once(p.of(field), c, owner)
	}
}

// claims takes what one machine alone may hold, each with its place in the plan.
func (r *resolver) claims(p place, m *inventory.Machine) {
	if m.Slot.Chassis != "" {
		r.once(p.of(".bay"), claim{what: "bay", text: m.Slot.Chassis + "/" + m.Slot.Bay}, m.Name)
	}
	for i := range m.NICs {
		n, at := &m.NICs[i], p.item(".nics", i)
		if !n.MAC.IsZero() {
			r.once(at.of(".mac"), claim{what: "mac", mac: n.MAC}, m.Name)
		}
		if n.Address.IsValid() {
			r.once(at.of(".address"), claim{what: "address", text: n.Network, addr: n.Address}, m.Name)
		}
	}
	if m.BMC != nil {
		r.once(p.of(".bmc.address"), claim{what: "bmc", text: m.BMC.Address}, m.Name)
		if !m.BMC.MAC.IsZero() {
			r.once(p.of(".bmc.mac"), claim{what: "mac", mac: m.BMC.MAC}, m.Name)
		}
	}
	if key := m.SerialKey(); key != "" && !r.waits(m.Name) { // the vendor may be the model's
		r.once(p.of(".serial"), claim{what: "serial", text: key}, m.Name)
	}
	if m.AssetTag != "" {
		r.once(p.of(".asset_tag"), claim{what: "asset tag", text: m.AssetTag}, m.Name)
	}
}

package inventory

// state is the inventory as it would be with a plan applied: what the plan names comes
// from the plan, and what is removed is not in it.
type state struct {
	owners
	models   map[string]*Model
	networks map[string]*Network
	projects map[string]*Project
	racks    map[string]*Rack
	standing []*Machine // in a slot and not retired, the plan's first
	gear     []*Device  // the plan's first
}

// after is the state with the plan applied, and what the inventory had of each name.
func after(w *Wanted, have *Inventory) *state {
	s := &state{owners: owners{devices: map[string]*Device{}, machines: map[string]*Machine{}}, models: map[string]*Model{},
		networks: map[string]*Network{}, projects: map[string]*Project{}, racks: map[string]*Rack{}}
	keep(s.models, w.Models, have.Models, func(m *Model) string { return m.Name })
	keep(s.networks, w.Networks, have.Networks, func(n *Network) string { return n.Name })
	keep(s.projects, w.Projects, have.Projects, func(p *Project) string { return p.Name })
	keep(s.racks, w.Racks, have.Racks, func(r *Rack) string { return r.Name })
	s.gear = keep(s.devices, w.Devices, have.Devices, func(d *Device) string { return d.Name })
	s.standing = keep(s.machines, w.Machines, standing(have), func(m *Machine) string { return m.Name })
	return s
}

// keep indexes what the plan has and, of other names, what the inventory has.
func keep[T any](to map[string]*T, planned, have []T, name func(*T) string) (all []*T) {
	for _, list := range [][]T{planned, have} {
		for i := range list {
			if n := name(&list[i]); to[n] == nil {
				to[n], all = &list[i], append(all, &list[i])
			}
		}
	}
	return all
}

// standing are the machines in a slot; one without was only seen, a retired one is gone.
func standing(have *Inventory) []Machine {
	out := make([]Machine, 0, len(have.Machines))
	for i := range have.Machines {
		if m := &have.Machines[i]; m.Slot != nil && m.Phase != Retired {
			out = append(out, *m)
		}
	}
	return out
}

// without takes a device or machine out.
func (s *state) without(device *Device, machine *Machine) {
	if device != nil {
		delete(s.devices, device.Name)
		s.gear = drop(s.gear, func(d *Device) bool { return d.Name == device.Name })
	}
	if machine != nil {
		delete(s.machines, machine.Name)
		s.standing = drop(s.standing, func(m *Machine) bool { return m.Name == machine.Name })
	}
}

func drop[T any](list []*T, gone func(*T) bool) []*T {
	out := list[:0]
	for _, x := range list {
		if !gone(x) {
			out = append(out, x)
		}
	}
	return out
}

// things lists what stands in a rack.
func (s *state) things(rack string) (out []thing) {
	for _, d := range s.gear {
		if d.Slot != nil && d.Slot.Rack == rack {
			out = append(out, thing{name: d.Name, slot: d.Slot, model: s.models[d.Model], psus: d.PSUs, device: d})
		}
	}
	for _, m := range s.standing {
		if m.Slot.Rack == rack {
			out = append(out, thing{name: m.Name, slot: m.Slot, model: s.models[m.Model], psus: m.PSUs, machine: m})
		}
	}
	return out
}

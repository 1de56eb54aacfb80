package plan

import (
	"slices"

	"rackwright/inventory"
)

// state is the inventory as it would be with a plan applied: what the plan names comes
// from the plan, and what is removed is not in it.
type state struct {
	owners
	models   map[string]*inventory.Model
	networks map[string]*inventory.Network
	projects map[string]*inventory.Project
	racks    map[string]*inventory.Rack
	standing []*inventory.Machine    // in a slot and not retired, the plan's first
	gear     []*inventory.Device     // the plan's first
	byRelay  map[relayWords][]string // see relayed; nil until it is asked for
}

// after is the state with the plan applied, and what the inventory had of each name.
func after(w *Wanted, have *inventory.Inventory) *state {
	s := &state{owners: owners{devices: map[string]*inventory.Device{}, machines: map[string]*inventory.Machine{}}, models: map[string]*inventory.Model{},
		networks: map[string]*inventory.Network{}, projects: map[string]*inventory.Project{}, racks: map[string]*inventory.Rack{}}
	keep(s.models, w.Models, have.Models, func(m *inventory.Model) string { return m.Name })
	keep(s.networks, w.Networks, have.Networks, func(n *inventory.Network) string { return n.Name })
	keep(s.projects, w.Projects, have.Projects, func(p *inventory.Project) string { return p.Name })
	keep(s.racks, w.Racks, have.Racks, func(r *inventory.Rack) string { return r.Name })
	s.gear = keep(s.devices, w.Devices, have.Devices, func(d *inventory.Device) string { return d.Name })
	s.standing = keep(s.machines, w.Machines, standing(have), func(m *inventory.Machine) string { return m.Name })
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
func standing(have *inventory.Inventory) []inventory.Machine {
	out := make([]inventory.Machine, 0, len(have.Machines))
	for i := range have.Machines {
		if m := &have.Machines[i]; m.Slot != nil && m.Phase != inventory.Retired {
			out = append(out, *m)
		}
	}
	return out
}

// without takes a device or machine out.
func (s *state) without(device *inventory.Device, machine *inventory.Machine) {
	if device != nil {
		delete(s.devices, device.Name)
		s.gear = drop(s.gear, func(d *inventory.Device) bool { return d.Name == device.Name })
	}
	if machine != nil {
		delete(s.machines, machine.Name)
		s.standing = drop(s.standing, func(m *inventory.Machine) bool { return m.Name == machine.Name })
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

// bucket is what a rack holds, and what hangs on its PDUs from other racks.
type bucket struct{ things, guests []thing }

// byRack sorts everything into racks.
func (s *state) byRack() map[string]*bucket {
	out := map[string]*bucket{}
	of := func(rack string) *bucket {
		if out[rack] == nil {
			out[rack] = &bucket{}
		}
		return out[rack]
	}
	sort := func(t thing) {
		home := of(t.slot.Rack)
		home.things = append(home.things, t)
		for _, rack := range s.fedFrom(t) {
			guest := of(rack)
			guest.guests = append(guest.guests, t)
		}
	}
	for _, d := range s.gear {
		if d.Slot != nil {
			sort(thing{name: d.Name, slot: d.Slot, model: s.models[d.Model], psus: d.PSUs, device: d})
		}
	}
	for _, m := range s.standing {
		sort(thing{name: m.Name, slot: m.Slot, model: s.models[m.Model], psus: m.PSUs, machine: m})
	}
	return out
}

// fedFrom lists the other racks whose PDUs a thing hangs on.
func (s *state) fedFrom(t thing) (out []string) {
	for i := range t.psus {
		if c := t.psus[i].Cable; c != nil {
			if d := s.owners.devices[c.To.Owner]; d != nil && d.Slot != nil && d.Slot.Rack != t.slot.Rack && !slices.Contains(out, d.Slot.Rack) {
				out = append(out, d.Slot.Rack)
			}
		}
	}
	return out
}

// around lists what a rack's load depends on: what stands there, what hangs on its PDUs
// from elsewhere, and the PDUs elsewhere that those hang on.
func (s *state) around(b *bucket) (devices []inventory.Device, machines []inventory.Machine) {
	seen := map[string]bool{}
	add := func(d *inventory.Device) {
		if !seen[d.Name] {
			seen[d.Name] = true
			devices = append(devices, *d)
		}
	}
	for _, list := range [][]thing{b.things, b.guests} {
		for i := range list {
			t := &list[i]
			if t.device != nil {
				add(t.device)
			} else {
				machines = append(machines, *t.machine)
			}
			for j := range t.psus {
				if c := t.psus[j].Cable; c != nil && s.owners.devices[c.To.Owner] != nil {
					add(s.owners.devices[c.To.Owner])
				}
			}
		}
	}
	return devices, machines
}

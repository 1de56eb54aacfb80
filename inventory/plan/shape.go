package plan

import (
	"cmp"
	"fmt"
	"slices"

	"rackwright/inventory"
)

// misfit is what is wrong with a thing that is to be of a model, or a node of a chassis;
// field is the one of the plan.
type misfit struct{ field, says string }

func misfitf(field, format string, args ...any) []misfit {
	return []misfit{{field, fmt.Sprintf(format, args...)}}
}

// shapeSlot gives the slot the height, face and width of a model where the plan says none.
func shapeSlot(s *inventory.Slot, model *inventory.Model) []misfit {
	var b inventory.Build
	if model != nil {
		b = model.Build
	}
	s.Height = cmp.Or(s.Height, b.Height, 1)
	if s.Face == "" {
		s.Face = inventory.Front
		if b.FullDepth {
			s.Face = inventory.Both
		}
	}
	switch {
	case b.HalfWidth && s.Side == inventory.FullWidth && s.U > 0:
		return misfitf(".side", "model %s is of half width: say left or right", model.Name)
	case model != nil && !b.HalfWidth && s.Side != inventory.FullWidth:
		return misfitf(".side", "model %s is of full width", model.Name)
	}
	return nil
}

// shapeMachine fills in what the plan leaves to the machine's model; nil is one that nobody
// declared. A node's place is its chassis', see seatIn.
func shapeMachine(m *inventory.Machine, model *inventory.Model) (bad []misfit) {
	if m.Slot.Chassis == "" {
		bad = shapeSlot(m.Slot, model)
	}
	if model == nil {
		return bad
	}
	if model.Kind != inventory.KindMachine {
		bad = append(bad, misfitf(".model", "model %s is a %s, not a machine", model.Name, model.Kind)...)
	}
	m.Vendor = cmp.Or(m.Vendor, model.Vendor)
	m.PSUs = overlayPSUs(model.PSUs, m.PSUs)
	return bad
}

// seatIn puts a node into its chassis: the place is the chassis'.
func seatIn(m *inventory.Machine, chassis *inventory.Device) []misfit {
	s, c := m.Slot, chassis.Slot
	switch {
	case chassis.Kind != inventory.KindChassis:
		return misfitf(".chassis", "%s is a %s, not a chassis", chassis.Name, chassis.Kind)
	case c == nil || c.Rack != s.Rack:
		return misfitf(".chassis", "%s does not stand in rack %s", chassis.Name, s.Rack)
	case !slices.Contains(chassis.Bays, s.Bay):
		return misfitf(".bay", "chassis %s has no bay %q", chassis.Name, s.Bay)
	}
	s.U, s.Height, s.Face, s.Side = c.U, c.Height, c.Face, c.Side
	return nil
}

// shapeDevice fills in what the plan leaves to the device's model; nil is one that nobody
// declared.
func shapeDevice(d *inventory.Device, model *inventory.Model) []misfit {
	bad := shapeSlot(d.Slot, model)
	if model != nil {
		d.Kind = cmp.Or(d.Kind, model.Kind)
		if d.Kind != model.Kind {
			bad = append(bad, misfitf(".kind", "model %s is a %s, not a %s", model.Name, model.Kind, d.Kind)...)
		}
		d.PSUs = overlayPSUs(model.PSUs, d.PSUs)
		d.Ports = overlayPorts(expandPorts(model.Ports), d.Ports)
		if len(d.Bays) == 0 {
			d.Bays = slices.Clone(model.Bays)
		}
	}
	for i := range d.Ports {
		d.Ports[i].Circuit = circuitOf(d.Ports[i].Circuit, d.Ports[i].Name)
	}
	switch {
	case d.Kind == "":
		bad = append(bad, misfitf(".kind", "say switch, pdu, chassis, panel or other: there is no model to tell it")...)
	case d.Kind == inventory.KindMachine:
		bad = append(bad, misfitf(".kind", "a machine stands under machines")...)
	case len(d.Ports) > maxPorts:
		bad = append(bad, misfitf(".ports", "%d ports are more than %d", len(d.Ports), maxPorts)...)
	}
	return append(bad, doubles(d)...)
}

// doubles finds a port and a power supply of one name: a cable could not tell them apart.
func doubles(d *inventory.Device) []misfit {
	for _, p := range d.PSUs {
		if slices.ContainsFunc(d.Ports, func(o inventory.Port) bool { return o.Name == p.Name }) {
			return misfitf(".psus", "%s is a port too", p.Name)
		}
	}
	return nil
}

// overlayPSUs are a model's power supplies with what the plan says of them, and then
// those that only the plan knows.
func overlayPSUs(model, own []inventory.PSU) []inventory.PSU {
	out := slices.Clone(model)
	for _, p := range own {
		i := slices.IndexFunc(out, func(o inventory.PSU) bool { return o.Name == p.Name })
		if i < 0 {
			out = append(out, p)
			continue
		}
		was := out[i]
		out[i] = inventory.PSU{Name: p.Name, Connector: cmp.Or(p.Connector, was.Connector), Watts: cmp.Or(p.Watts, was.Watts),
			Serial: cmp.Or(p.Serial, was.Serial), Model: cmp.Or(p.Model, was.Model), Cable: p.Cable}
	}
	return out
}

// overlayPorts does the same for ports.
func overlayPorts(model, own []inventory.Port) []inventory.Port {
	where := make(map[string]int, len(model))
	for i, p := range model {
		where[p.Name] = i
	}
	for _, p := range own {
		i, known := where[p.Name]
		if !known {
			model = append(model, p)
			continue
		}
		was := model[i]
		model[i] = inventory.Port{Name: p.Name, Connector: cmp.Or(p.Connector, was.Connector), Circuit: cmp.Or(p.Circuit, was.Circuit), Cable: p.Cable}
	}
	return model
}

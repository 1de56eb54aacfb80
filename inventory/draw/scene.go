package draw

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// reservation is the kind of a place that is kept free.
const reservation inventory.Kind = "reserved"

// item is one thing in the rack.
type item struct {
	kind       inventory.Kind
	slot       inventory.Slot
	name       string
	model      string
	serial     string
	state      string // phase of a machine, "" for gear
	conditions []inventory.Condition
	held       bool
	nodes      []item // of a chassis, in the order of its bays; an empty name is an empty bay
}

// scene is what there is to draw.
type scene struct{ items []item }

// sceneOf collects what stands in the rack, in the order of units, so that the same
// inventory is always the same picture.
func sceneOf(inv *inventory.Inventory, rack *inventory.Rack) (scene, error) {
	var s scene
	nodes := map[string][]item{}
	for i := range inv.Machines {
		m := &inv.Machines[i]
		switch {
		case m.Slot == nil || m.Phase == inventory.Retired:
		case m.Slot.Chassis != "":
			nodes[m.Slot.Chassis] = append(nodes[m.Slot.Chassis], machineItem(m))
		case m.Slot.Rack == rack.Name:
			s.items = append(s.items, machineItem(m))
		}
	}
	for i := range inv.Devices {
		d := &inv.Devices[i]
		if d.Slot == nil || d.Slot.Rack != rack.Name {
			continue
		}
		it := item{kind: d.Kind, slot: *d.Slot, name: d.Name, model: d.Model, serial: d.Serial}
		if d.Kind == inventory.KindChassis {
			it.nodes = bays(inv, d, nodes[d.Name])
		}
		s.items = append(s.items, it)
	}
	for _, r := range rack.Reserved {
		slot := r.Slot(rack.Name)
		slot.Height = max(1, slot.Height)
		s.items = append(s.items, item{kind: reservation, slot: slot, name: r.Reason})
	}
	s.items = slices.DeleteFunc(s.items, func(it item) bool { return !inside(it.slot, rack.Units) })
	if len(s.items) > maxItems {
		return s, fault.Invalidf("rack %s holds %d things; at most %d can be drawn", rack.Name, len(s.items), maxItems)
	}
	slices.SortStableFunc(s.items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.slot.U, b.slot.U), cmp.Compare(a.slot.Side, b.slot.Side), cmp.Compare(a.slot.Face, b.slot.Face), cmp.Compare(a.name, b.name))
	})
	return s, nil
}

// inside leaves out what an older plan left outside a rack that shrank.
func inside(s inventory.Slot, units int) bool {
	return s.U == 0 || s.U >= 1 && s.Height >= 1 && s.Height <= units && s.U <= units-s.Height+1
}

func machineItem(m *inventory.Machine) item {
	it := item{kind: inventory.KindMachine, slot: *m.Slot, name: m.Name, model: m.Model, serial: m.Serial, state: string(m.Phase), held: m.Hold != nil}
	for _, c := range m.Conditions {
		if c.Waived.At.IsZero() {
			it.conditions = append(it.conditions, c)
		}
	}
	return it
}

// maxBays bounds the nodes drawn of one chassis.
const maxBays = 64

// bays lists a chassis' bays, taken or empty.
func bays(inv *inventory.Inventory, d *inventory.Device, nodes []item) []item {
	names := d.Bays
	if model := inv.Model(d.Model); len(names) == 0 && model != nil {
		names = model.Bays
	}
	var out []item
	for _, name := range names {
		out = append(out, item{kind: inventory.KindMachine, slot: inventory.Slot{Bay: name}})
	}
	slices.SortFunc(nodes, func(a, b item) int { return cmp.Compare(a.slot.Bay, b.slot.Bay) })
	for _, n := range nodes {
		if i := slices.Index(names, n.slot.Bay); i >= 0 {
			out[i] = n
		} else {
			out = append(out, n)
		}
	}
	return out[:min(len(out), maxBays)]
}

// seen reports whether something shows at a face. What takes the full depth shows at both.
func (it *item) seen(f inventory.Face) bool {
	return it.slot.Face == f || it.slot.Face == inventory.Both || it.slot.Face == ""
}

// lanes are the things beside the units of a face.
func (s scene) lanes(f inventory.Face) []*item {
	var out []*item
	for i := range s.items {
		if s.items[i].slot.U == 0 && s.items[i].seen(f) && len(out) < maxLanes {
			out = append(out, &s.items[i])
		}
	}
	return out
}

// whole is all that is known of an item, for the tip and for who cannot see the picture.
func (it *item) whole() string {
	var b strings.Builder
	b.WriteString(it.name)
	switch {
	case it.name == "":
		return "empty " + units(it.slot)
	case it.kind == reservation:
		return "reserved: " + it.name + " (" + units(it.slot) + ")"
	}
	for _, part := range []string{string(it.kind), it.model, it.serial, units(it.slot), it.state} {
		if part != "" {
			b.WriteString(", " + part)
		}
	}
	if it.held {
		b.WriteString(", held")
	}
	for _, c := range it.conditions {
		b.WriteString("; " + strings.TrimSpace(c.Type+" "+c.Subject))
		if c.Hint != "" {
			b.WriteString(": " + c.Hint)
		}
	}
	return b.String()
}

// units names a slot: U10, U10 to U11, bay 2.
func units(s inventory.Slot) string {
	switch {
	case s.Bay != "":
		return "bay " + s.Bay
	case s.U < 1:
		return ""
	case s.Height > 1:
		return "U" + strconv.Itoa(s.U) + " to U" + strconv.Itoa(s.U+s.Height-1)
	}
	return "U" + strconv.Itoa(s.U)
}

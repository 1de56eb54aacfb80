package draw

import (
	"cmp"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// RackLabel is the sticker of a rack.
func RackLabel(r *inventory.Rack) Label {
	return Label{Code: inventory.Code{Kind: inventory.RackCode, Value: r.Name},
		Lines: []string{r.Name, where(r)}}
}

// MachineLabel is the sticker of a machine: name, place, asset tag or serial number, model.
func MachineLabel(m *inventory.Machine) Label {
	return gear(m.Name, place(m.Slot), owned(m.AssetTag, m.Serial), m.Model)
}

// deviceLabel is the sticker of a device.
func deviceLabel(d *inventory.Device) Label {
	return gear(d.Name, place(d.Slot), owned(d.AssetTag, d.Serial), d.Model)
}

func gear(name string, more ...string) Label {
	return Label{Code: inventory.Code{Kind: inventory.MachineCode, Value: name}, Lines: append([]string{name}, more...)}
}

// Stickers of a rack.
const (
	ForRack     = "rack"
	ForSlots    = "slots"    // its units
	ForMachines = "machines" // and devices
	ForCables   = "cables"
)

// Labels lists the labels of a rack: its own, those of its units, those of what stands in
// it by unit, or two for each of its cables.
func Labels(inv *inventory.Inventory, rack, kind string) ([]Label, error) {
	r := inv.Rack(rack)
	if r == nil {
		return nil, fault.NotFoundf("no rack %q", rack).WithHint("'rackwright rack list' shows the racks")
	}
	switch kind {
	case ForRack:
		return []Label{RackLabel(r)}, nil
	case ForSlots:
		return slotLabels(inv, r), nil
	case ForMachines:
		return machineLabels(inv, rack), nil
	case ForCables:
		return cableLabels(inv, rack), nil
	}
	return nil, fault.Invalidf("no labels of kind %q", kind).WithHint("ask for rack, slots, machines or cables")
}

func machineLabels(inv *inventory.Inventory, rack string) []Label {
	type placed struct {
		slot  *inventory.Slot
		label Label
	}
	var all []placed
	for i := range inv.Machines {
		if m := &inv.Machines[i]; m.Slot != nil && m.Slot.Rack == rack && m.Phase != inventory.Retired {
			all = append(all, placed{m.Slot, MachineLabel(m)})
		}
	}
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Slot != nil && d.Slot.Rack == rack {
			all = append(all, placed{d.Slot, deviceLabel(d)})
		}
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.slot.U, b.slot.U), cmp.Compare(a.label.Code.Value, b.label.Code.Value))
	})
	var out []Label
	for _, p := range all {
		out = append(out, p.label)
	}
	return out
}

// cableLabels are the flags of the cables planned from what stands in the rack: one for each end,
// with its own end first.
func cableLabels(inv *inventory.Inventory, rack string) []Label {
	var out []Label
	add := func(owner, port string, c *inventory.Cable) {
		if c == nil || c.To.Owner == "" {
			return
		}
		from := inventory.End{Owner: owner, Port: port}
		out = append(out, flag(from, c.To, from, c), flag(c.To, from, from, c))
	}
	for i := range inv.Machines {
		m := &inv.Machines[i]
		if m.Slot == nil || m.Slot.Rack != rack || m.Phase == inventory.Retired {
			continue
		}
		for _, n := range m.NICs {
			add(m.Name, n.Name, n.Cable)
		}
		for _, p := range m.PSUs {
			add(m.Name, p.Name, p.Cable)
		}
	}
	for i := range inv.Devices {
		d := &inv.Devices[i]
		if d.Slot == nil || d.Slot.Rack != rack {
			continue
		}
		for _, p := range d.Ports {
			add(d.Name, p.Name, p.Cable)
		}
		for _, p := range d.PSUs {
			add(d.Name, p.Name, p.Cable)
		}
	}
	return out
}

// flag is the label at one end of a cable. Both ends have the cable's code: its label, or
// the end that plans it where the label cannot stand in a QR code.
func flag(here, there, planned inventory.End, c *inventory.Cable) Label {
	code := inventory.Code{Kind: inventory.CableCode, Value: planned.String()}
	if c.Label != "" && ascii(c.Label) {
		code.Value = c.Label
	}
	return Label{Code: code, Lines: []string{here.String(), "→ " + there.String(), c.Label, strings.TrimSpace(c.Type + " " + metres(c.LengthM))}}
}

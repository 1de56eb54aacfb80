package racking

import (
	"slices"
	"strings"

	"rackwright/inventory"
)

// read says what one code is.
func (v *View) read(c inventory.Code, at *Standing) Reading {
	r := Reading{Code: c.String(), Is: string(c.Kind)}
	switch c.Kind {
	case inventory.RackCode:
		r.Owner, r.Says = c.Value, "rack "+c.Value
		if v.Inventory.Rack(c.Value) == nil {
			r.Owner, r.Says = "", "there is no rack "+c.Value
		}
	case inventory.MachineCode:
		r.machine, r.device = v.Inventory.Machine(c.Value), v.Inventory.Device(c.Value)
		r.own("label")
	case inventory.SlotCode:
		s := inventory.Slot{Rack: c.Value, U: c.U, Height: 1, Face: c.Face, Side: c.Side}
		r.Slot, r.Says = &s, "slot "+s.String()
	case inventory.CableCode:
		v.readCable(&r, c.Value)
	case inventory.HardwareCode:
		v.readHardware(&r, c.Value, at)
	}
	return r
}

// own fills in whose a code is.
func (r *Reading) own(what string) {
	switch {
	case r.machine != nil:
		r.Owner, r.Slot = r.machine.Name, r.machine.Slot
	case r.device != nil:
		r.Owner, r.Slot = r.device.Name, r.device.Slot
		if r.Is == string(inventory.MachineCode) {
			r.Is = "device"
		}
	default:
		r.Says = "nothing has this " + what
		return
	}
	r.Says = r.Owner + "'s " + what
	if r.Slot != nil {
		r.Says += ", " + r.Slot.String()
	}
}

func (v *View) readCable(r *Reading, label string) {
	try := func(owner string, s *inventory.Slot, run Run) {
		if r.Owner == "" && (run.Cable.Label == label || owner+":"+run.Port == label) {
			r.Owner, r.Slot, r.Says = owner, s, "cable "+owner+":"+run.String()
		}
	}
	for i := range v.Inventory.Machines {
		m := &v.Inventory.Machines[i]
		nics, psus := v.runs(m)
		for _, run := range slices.Concat(nics, psus) {
			try(m.Name, m.Slot, run)
		}
	}
	for i := range v.Inventory.Devices {
		for _, run := range deviceRuns(&v.Inventory.Devices[i]) {
			try(v.Inventory.Devices[i].Name, v.Inventory.Devices[i].Slot, run)
		}
	}
	if r.Owner == "" {
		r.Says = "the plan has no cable " + label
	}
}

// readHardware finds who has an identifier in the plan. Of several the one at the place
// counts. Twelve hexadecimal digits may be a MAC and a serial number.
func (v *View) readHardware(r *Reading, code string, at *Standing) {
	r.field, r.value = Hardware(code)
	v.claim(r, at)
	if r.machine == nil && r.device == nil && r.field == BMCMAC && !strings.ContainsAny(code, ":-.") {
		other := Reading{Code: r.Code, field: text, value: code}
		if v.claim(&other, at); other.machine != nil || other.device != nil {
			*r = other
		}
	}
	r.Is = string(r.field)
	r.own(map[Field]string{Serial: "serial number", AssetTag: "asset tag", UUID: "system UUID", BMCMAC: "BMC", NICMAC: "NIC"}[r.field])
	if r.Owner == "" {
		r.Says = "nobody has " + r.value + " yet"
	}
}

// claim finds the machine or device that has the reading's value.
func (v *View) claim(r *Reading, at *Standing) {
	field := r.field
	for i := range v.Inventory.Machines {
		m := &v.Inventory.Machines[i]
		here := at != nil && at.ID == m.ID
		if f := has(m, field, r.value); f != "" && m.Phase != inventory.Retired && (r.machine == nil || here) {
			r.field, r.machine = f, m
		}
	}
	if r.machine != nil && (at == nil || at.Kind == inventory.KindMachine) {
		return
	}
	for i := range v.Inventory.Devices {
		d := &v.Inventory.Devices[i]
		here := at != nil && at.ID == d.ID
		f := has(&inventory.Machine{Serial: d.Serial, AssetTag: d.AssetTag}, field, r.value)
		if f != "" && (here || (r.machine == nil && r.device == nil)) {
			r.field, r.device, r.machine = f, d, nil
		}
	}
}

// has returns which identifier of a machine a value is, "" for none.
func has(m *inventory.Machine, f Field, value string) Field {
	is := func(own string, as Field) bool {
		return own != "" && strings.EqualFold(strings.TrimSpace(own), value) && (f == as || f == text)
	}
	switch {
	case is(m.Serial, Serial) && !inventory.JunkSerial(m.Serial):
		return Serial
	case is(m.AssetTag, AssetTag):
		return AssetTag
	case is(m.UUID, UUID) && !inventory.JunkUUID(m.UUID):
		return UUID
	}
	mac, err := inventory.ParseMAC(value)
	if err != nil || (f != BMCMAC && f != text) {
		return ""
	}
	if m.BMC != nil && m.BMC.MAC == mac {
		return BMCMAC
	}
	if slices.ContainsFunc(m.NICs, func(n inventory.NIC) bool { return n.MAC == mac }) {
		return NICMAC
	}
	return ""
}

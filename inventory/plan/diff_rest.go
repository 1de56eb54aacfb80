package plan

import (
	"cmp"
	"fmt"
	"slices"

	"rackwright/inventory"
)

// rest goes through what stands in the plan's racks and the plan does not name: it is left
// alone, or with prune removed.
func (c *comparer) rest() (removed []Change) {
	for i := range c.have.Machines {
		m := &c.have.Machines[i]
		if c.machine[m.Name] || m.Phase == inventory.Retired || m.Slot == nil || c.racked[m.Slot.Rack] == nil {
			continue
		}
		switch {
		case !c.w.prune:
			c.diff.Unplanned = append(c.diff.Unplanned, m.Name)
		case m.Phase != inventory.Planned:
			c.fail("machine "+m.Name, "is %s and not in the plan: retire it first: 'rackwright machine retire %s'", m.Phase, m.Name)
		default:
			removed = append(removed, removal("machine", m.Name, m.Slot, nil))
			c.after.without(nil, m)
		}
	}
	for i := range c.have.Devices {
		d := &c.have.Devices[i]
		if c.device[d.Name] || d.Slot == nil || c.racked[d.Slot.Rack] == nil {
			continue
		}
		if !c.w.prune {
			c.diff.Unplanned = append(c.diff.Unplanned, d.Name)
			continue
		}
		var risks []string
		if d.Kind == inventory.KindSwitch || d.Kind == inventory.KindPDU {
			risks = []string{fmt.Sprintf("what is really plugged into %s is no longer known", d.Name)}
		}
		removed = append(removed, removal("device", d.Name, d.Slot, risks))
		c.after.without(d, nil)
	}
	slices.Sort(c.diff.Unplanned)
	return removed
}

func removal(noun, name string, from *inventory.Slot, risks []string) Change {
	return Change{Action: "remove", Noun: noun, Name: name, Fields: []FieldChange{{Field: "slot", Old: slotText(from)}}, Risks: risks}
}

// holdings finds cells, MACs, addresses, serials and names that something else holds.
// What the plan does not name takes first.
func (c *comparer) holdings() {
	held := make(holders, c.w.size())
	for _, d := range c.after.gear {
		if !c.device[d.Name] {
			c.stays(d.Slot, d.Name, "")
			held.seat(*cmp.Or(d.Slot, &inventory.Slot{}), d.Name)
			held.takeAll(deviceClaims(d), d.Name)
			held.take(claim{what: "name", text: d.Name}, "a device")
		}
	}
	for _, m := range c.after.standing {
		if !c.machine[m.Name] {
			c.stays(m.Slot, m.Name, m.Project)
			c.keepsNode(m)
			c.keepsAddress(m)
			held.seat(*m.Slot, m.Name)
			held.takeAll(machineClaims(m), m.Name)
			held.take(claim{what: "name", text: m.Name}, "a machine")
		}
	}
	for i := range c.w.Devices {
		d := &c.w.Devices[i]
		c.holds(held, "device", d.Name, d.Slot, "", deviceClaims(d))
	}
	for i := range c.w.Machines {
		m := &c.w.Machines[i]
		c.holds(held, "machine", m.Name, m.Slot, m.Project, machineClaims(m))
	}
}

func (h holders) takeAll(list []claim, owner string) {
	for _, c := range list {
		h.take(c, owner)
	}
}

// holds takes what a thing of the plan is to hold.
func (c *comparer) holds(held holders, noun, name string, s *inventory.Slot, project string, list []claim) {
	path := noun + " " + name
	rack := c.racked[s.Rack]
	if s.Chassis == "" && s.U > 0 && !fitsRack(*s, rack.Units) {
		c.fail(path, "unit %d with height %d does not fit rack %s of %d units", s.U, s.Height, s.Rack, rack.Units)
		return
	}
	for _, x := range held.seat(*s, name) {
		c.fail(path, "%s belongs to %s", x.claim, x.by)
	}
	if v := reservation(rack, *s, project); v != nil {
		c.fail(path, "unit %d is reserved: %s", max(v.U, s.U), v.Reason)
	}
	for _, x := range append(list, claim{what: "name", text: name}) {
		if by, taken := held.take(x, name); taken {
			c.fail(path, "%s belongs to %s", x, by)
		}
	}
}

// stays checks that what the plan does not name still fits the rack as the plan has it.
func (c *comparer) stays(s *inventory.Slot, name, project string) {
	if s == nil || c.racked[s.Rack] == nil || s.U < 1 || s.Chassis != "" {
		return
	}
	rack := c.racked[s.Rack]
	if top := s.U + s.Height - 1; top > rack.Units {
		c.fail("rack "+s.Rack, "%s stands in unit %d", name, top)
	} else if v := reservation(rack, *s, project); v != nil {
		c.fail("rack "+s.Rack, "%s stands in unit %d, which is reserved: %s", name, max(v.U, s.U), v.Reason)
	}
}

// keepsNode checks that a node the plan does not name stays where its chassis is.
func (c *comparer) keepsNode(m *inventory.Machine) {
	if m.Slot.Chassis == "" {
		return
	}
	d := c.after.owners.devices[m.Slot.Chassis]
	moved := *m
	at := *m.Slot
	moved.Slot = &at
	switch {
	case d == nil && c.have.Device(m.Slot.Chassis) != nil:
		c.fail("device "+m.Slot.Chassis, "%s is in its bay %s", m.Name, m.Slot.Bay)
	case d == nil || !c.device[d.Name]:
	case len(seatIn(&moved, d)) > 0 || at != *m.Slot:
		c.fail("device "+d.Name, "%s is in its bay %s: name it in the plan too", m.Name, m.Slot.Bay)
	}
}

func (c *comparer) keepsAddress(m *inventory.Machine) {
	for _, h := range m.Addresses() {
		net := c.after.networks[h.Network]
		switch {
		case net == nil:
		case h.Address.Is6() && !net.Prefix6.IsValid():
			c.fail("network "+h.Network, "%s has address %s in it: it needs a cidr6", m.Name, h.Address)
		case h.Address.Is6() && !net.Prefix6.Contains(h.Address):
			c.fail("network "+h.Network, "%s has address %s, outside %s", m.Name, h.Address, net.Prefix6)
		case h.Address.Is4() && !net.Prefix.Contains(h.Address):
			c.fail("network "+h.Network, "%s has address %s, outside %s", m.Name, h.Address, net.Prefix)
		}
	}
}

// cables checks every cable of the plan's things, and that those of others still lead
// somewhere.
func (c *comparer) cables() {
	plugged := make(map[inventory.End]inventory.End, c.w.size())
	for _, planned := range []bool{false, true} {
		for _, d := range c.after.gear {
			if c.device[d.Name] == planned {
				deviceWires(d, func(w wire) { c.wire("device "+d.Name, w, planned, plugged) })
			}
		}
		for _, m := range c.after.standing {
			if c.machine[m.Name] == planned {
				machineWires(m, func(w wire) { c.wire("machine "+m.Name, w, planned, plugged) })
			}
		}
	}
}

func (c *comparer) wire(path string, w wire, planned bool, plugged map[inventory.End]inventory.End) {
	for _, end := range [...]inventory.End{w.from, w.cable.To} {
		if first, taken := plugged[end]; taken && planned {
			c.fail(path, "%s: the cable in %s belongs to %s", w.from.Port, end, first)
		}
		plugged[end] = w.from
	}
	b, state := c.after.socket(w.cable.To)
	switch {
	case !planned && state == noOwner && c.have.Device(w.cable.To.Owner) == nil:
		return // out of what was loaded
	case !planned && !c.device[w.cable.To.Owner] && !c.machine[w.cable.To.Owner] && state != noOwner:
		return // as it was
	case state == noOwner:
		c.fail(path, "%s is cabled to %s, which is not there", w.from.Port, w.cable.To.Owner)
	case state == noPort:
		c.fail(path, "%s is cabled to %s, which has no port %q", w.from.Port, w.cable.To.Owner, w.cable.To.Port)
	default:
		kind := w.cable.Type
		if says := w.join(b); says != "" {
			c.fail(path, "%s: %s", w.from.Port, says)
		}
		if !planned {
			w.cable.Type = kind // not the plan's to fill in
		}
	}
}

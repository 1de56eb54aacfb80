package racking

import (
	"cmp"
	"fmt"
	"slices"

	"rackwright/inventory"
)

// Place is one place of a rack and what is in it, in a word.
type Place struct {
	Slot  inventory.Slot `json:"slot"`
	State Word           `json:"state" enum:"empty,reserved,planned,racked,discovered,verified,ready,active,attention"`
	Kind  inventory.Kind `json:"kind,omitempty" enum:"machine,switch,pdu,chassis,panel,other"`
	Name  string         `json:"name,omitempty" doc:"Machine or device"`
	Model string         `json:"model,omitempty"`
	Note  string         `json:"note,omitempty" doc:"Why it is reserved, or what needs attention"`

	machine     *inventory.Machine
	device      *inventory.Device
	reservation *inventory.Reservation
}

// Word is how a place stands.
type Word string

// The words; the others are the phases of the machine in it.
const (
	Empty     Word = "empty"
	Reserved  Word = "reserved"
	Attention Word = "attention" // a condition that nobody waived, or somebody holds it
)

// Places lists every place of the view's rack by unit: what stands there, what is kept
// free, and the free units. What is beside the units comes first.
func (v *View) Places() []Place {
	out := append(v.taken(), v.reserved()...)
	rack := v.Inventory.Rack(v.Rack)
	if rack == nil {
		return out
	}
	used := map[inventory.Cell]bool{}
	for _, p := range out {
		for _, c := range p.Slot.Cells() {
			used[c] = true
		}
	}
	for u := 1; u <= rack.Units; u++ {
		if s := free(used, u); s != nil {
			s.Rack = v.Rack
			out = append(out, Place{Slot: *s, State: Empty})
		}
	}
	slices.SortStableFunc(out, func(a, b Place) int { return slices.Compare(a.Key(), b.Key()) })
	return out
}

// Key is what the places of a rack are sorted by, as texts.
func (p *Place) Key() []string {
	return []string{fmt.Sprintf("%04d %d", p.Slot.U, order(p)), string(p.Slot.Side), p.Slot.Bay, p.Name}
}

// order puts what is seen from the front first, and nodes behind their chassis.
func order(p *Place) int {
	n := 0
	if p.Slot.Face == inventory.Rear {
		n += 2
	}
	if p.Slot.Chassis != "" {
		n++
	}
	return n
}

// free is the largest part of a unit that is free: all of it, its front, or one half of
// its front. The rear behind something is not offered.
func free(used map[inventory.Cell]bool, u int) *inventory.Slot {
	cell := func(f inventory.Face, s inventory.Side) bool { return used[inventory.Cell{Face: f, U: u, Side: s}] }
	left, right := cell(inventory.Front, inventory.LeftHalf), cell(inventory.Front, inventory.RightHalf)
	s := &inventory.Slot{U: u, Height: 1, Face: inventory.Front}
	switch {
	case left && right:
		return nil
	case left:
		s.Side = inventory.RightHalf
	case right:
		s.Side = inventory.LeftHalf
	case !cell(inventory.Rear, inventory.LeftHalf) && !cell(inventory.Rear, inventory.RightHalf):
		s.Face = inventory.Both
	}
	return s
}

// taken lists what stands in the rack.
func (v *View) taken() (out []Place) {
	for i := range v.Inventory.Machines {
		m := &v.Inventory.Machines[i]
		if m.Slot == nil || m.Slot.Rack != v.Rack {
			continue
		}
		p := Place{Slot: *m.Slot, State: Word(m.Phase), Kind: inventory.KindMachine, Name: m.Name, Model: m.Model, machine: m}
		p.attend(m)
		out = append(out, p)
	}
	for i := range v.Inventory.Devices {
		d := &v.Inventory.Devices[i]
		if d.Slot == nil || d.Slot.Rack != v.Rack {
			continue
		}
		p := Place{Slot: *d.Slot, State: Word(inventory.Planned), Kind: d.Kind, Name: d.Name, Model: d.Model, device: d}
		if m := v.mark(d.ID, Mount); m != nil && m.State != Held {
			p.State = Word(inventory.Racked)
		}
		out = append(out, p)
	}
	return out
}

// attend says that a machine needs attention, if it does.
func (p *Place) attend(m *inventory.Machine) {
	if c := open(m, ""); len(c) > 0 {
		p.State, p.Note = Attention, conditionName(c[0])+": "+cmp.Or(c[0].Evidence, c[0].Reason)
		return
	}
	if m.Phase != inventory.Maintenance {
		return
	}
	p.State, p.Note = Attention, "in maintenance"
	if m.Hold != nil {
		p.Note = "held by " + m.Hold.By + ": " + m.Hold.Reason
	}
}

// reserved lists what is kept free, without what stands in it already.
func (v *View) reserved() (out []Place) {
	rack := v.Inventory.Rack(v.Rack)
	if rack == nil {
		return nil
	}
	for i := range rack.Reserved {
		r := &rack.Reserved[i]
		s := r.Slot(v.Rack)
		s.Height, s.Face = cmp.Or(s.Height, 1), cmp.Or(s.Face, inventory.Both)
		used := slices.ContainsFunc(v.taken(), func(p Place) bool { return overlap(p.Slot, s) })
		if !used {
			out = append(out, Place{Slot: s, State: Reserved, Note: r.Reason, reservation: r})
		}
	}
	return out
}

func overlap(a, b inventory.Slot) bool {
	cells := b.Cells()
	return slices.ContainsFunc(a.Cells(), func(c inventory.Cell) bool { return slices.Contains(cells, c) })
}

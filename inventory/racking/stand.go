package racking

import (
	"fmt"

	"rackwright/fault"
	"rackwright/inventory"
)

// stand finds the machine or device at the place that the spot or the codes name.
func (v *View) stand(s *Scan, codes []inventory.Code, spot *Spot) error {
	if spot != nil {
		if err := v.standAt(s, v.Rack, *spot); err != nil {
			return err
		}
	}
	for _, c := range codes {
		if c.Kind == inventory.SlotCode {
			if err := v.standAt(s, c.Value, Spot{U: c.U, Face: c.Face, Side: c.Side}); err != nil {
				return err
			}
		}
	}
	for _, c := range codes {
		if c.Kind == inventory.MachineCode && s.Place == nil {
			if m := v.Inventory.Machine(c.Value); m != nil && m.Slot != nil {
				s.machine, s.Place = m, &Standing{Owner: m.Name, ID: m.ID, Kind: inventory.KindMachine, Slot: *m.Slot}
			} else if d := v.Inventory.Device(c.Value); d != nil && d.Slot != nil {
				s.device, s.Place = d, &Standing{Owner: d.Name, ID: d.ID, Kind: d.Kind, Slot: *d.Slot}
			}
		}
	}
	return nil
}

// standAt takes a spot for the place. A second spot must be the same place, and a spot
// where several things are is none: their labels tell them apart.
func (v *View) standAt(s *Scan, rack string, spot Spot) error {
	there := View{Inventory: v.Inventory, Rack: rack, Marks: v.Marks}
	p, also, err := there.find(spot)
	if err != nil {
		return err
	}
	switch {
	case p.Name == "":
		return fault.Conflictf("the plan has nothing at %s", p.Slot).WithHint("'rackwright rack slots %s' shows what belongs where", rack)
	case s.Place != nil && s.Place.Owner != p.Name:
		s.Problems = append(s.Problems, fmt.Sprintf("two places were named: %s and %s", s.Place.Slot, p.Slot))
		return nil
	case len(also) > 0 && spot.Face == "" && spot.Side == "" && spot.Bay == "":
		return fault.Conflictf("several things are in %s u%d: %s and %s", rack, spot.U, p.Name, words(also)).WithHint("scan the label of the one you mean")
	}
	s.machine, s.device, s.Place = p.machine, p.device, &Standing{Owner: p.Name, Kind: p.Kind, Slot: p.Slot}
	if p.machine != nil {
		s.Place.ID = p.machine.ID
	} else {
		s.Place.ID = p.device.ID
	}
	return nil
}

// checkLabels finds labels of ours that do not belong where the person stands.
func (v *View) checkLabels(s *Scan) {
	if s.Place == nil {
		return
	}
	for _, r := range s.Codes {
		switch {
		case r.Is == string(inventory.RackCode) && r.Owner != "" && r.Owner != s.Place.Slot.Rack:
			s.problem("this is rack %s; %s belongs in %s", r.Owner, s.Place.Owner, s.Place.Slot)
		case (r.Is == string(inventory.MachineCode) || r.Is == "device") && r.Owner != "" && r.Owner != s.Place.Owner:
			s.problem("this is the label of %s; you stand at %s (%s)", r.Owner, s.Place.Slot, s.Place.Owner)
		}
	}
}

func (s *Scan) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

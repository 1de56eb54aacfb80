package racking

import (
	"cmp"
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
		return fault.Conflictf("the plan has nothing at %s", place(p.Slot)).WithHint("'rackwright rack slots %s' shows what belongs where", rack)
	case s.Place != nil && s.Place.Owner != p.Name:
		s.Problems = append(s.Problems, fmt.Sprintf("two places were named: %s and %s", place(s.Place.Slot), place(p.Slot)))
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
			s.problem("this is rack %s; %s belongs in %s", r.Owner, s.Place.Owner, place(s.Place.Slot))
		case (r.Is == string(inventory.MachineCode) || r.Is == "device") && r.Owner != "" && r.Owner != s.Place.Owner:
			s.problem("this is the label of %s; you stand at %s (%s)", r.Owner, place(s.Place.Slot), s.Place.Owner)
		}
	}
}

func (s *Scan) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

// bind works out what the hardware codes say of the thing at the place.
func (v *View) bind(s *Scan) {
	if s.Place == nil {
		return
	}
	b := &Binding{}
	var unknown []*Reading
	for i := range s.Codes {
		switch r := &s.Codes[i]; {
		case r.field == "":
		case r.Owner == s.Place.Owner:
			b.Agree = append(b.Agree, Setting{r.field, r.value})
		case r.Owner != "":
			s.problem("this is %s; you stand at %s (%s)", r.Says, place(s.Place.Slot), s.Place.Owner)
		default:
			unknown = append(unknown, r)
		}
	}
	for _, r := range unknown { // what is known first: it tells what the others are
		v.learn(s, b, r)
	}
	if len(b.Agree)+len(b.Set)+len(s.Problems) == 0 {
		return
	}
	if s.machine != nil && len(s.Problems) == 0 {
		b.Phase = v.moves(s.machine)
	}
	s.Binding = b
}

// learn takes an identifier that nobody has for the thing at the place, where the plan
// says none. A text without a name is the serial number, unless that is known to be
// another one that was scanned too.
func (v *View) learn(s *Scan, b *Binding, r *Reading) {
	for _, seen := range v.Seen {
		if seen.Machine != s.Place.ID && sameValue(seen.Value, r.value) {
			s.problem("%s was seen at %s (%s); you stand at %s (%s)", r.value, v.nameOf(seen.Machine), seen.Source, place(s.Place.Slot), s.Place.Owner)
			return
		}
	}
	if r.field == text {
		r.field = Serial
		for _, known := range b.All() {
			if known.Field == Serial {
				r.field = AssetTag
			}
		}
		r.Is = string(r.field)
	}
	have, can := s.has(r.field)
	for _, known := range b.All() {
		if known.Field == r.field {
			s.problem("two %ss were scanned: %s and %s", r.field, known.Value, r.value)
			return
		}
	}
	switch {
	case !can:
		s.problem("%s has no %s to compare %s with", s.Place.Owner, r.field, r.value)
	case r.field == Serial && inventory.JunkSerial(r.value), r.field == UUID && inventory.JunkUUID(r.value):
		s.problem("%s %s is a placeholder that many machines have, no identity", r.field, r.value)
	case have != "":
		s.problem("the plan has %s %s for %s in %s, %s was scanned", r.field, have, s.Place.Owner, place(s.Place.Slot), r.value)
	default:
		b.Set = append(b.Set, Setting{r.field, r.value})
		r.Says = fmt.Sprintf("new: becomes the %s of %s", r.field, s.Place.Owner)
	}
}

func sameValue(a, b string) bool { return has(&inventory.Machine{AssetTag: a}, AssetTag, b) != "" }

func (v *View) nameOf(id string) string {
	for _, m := range v.Inventory.Machines {
		if m.ID == id {
			return m.Name
		}
	}
	return "machine " + id
}

// has is what the plan says of a field, and whether the thing can have it.
func (s *Scan) has(f Field) (value string, can bool) {
	if d := s.device; d != nil {
		return map[Field]string{Serial: d.Serial, AssetTag: d.AssetTag}[f], f == Serial || f == AssetTag
	}
	m := s.machine
	switch f {
	case Serial:
		if inventory.JunkSerial(m.Serial) {
			return "", true
		}
		return m.Serial, true
	case UUID:
		if inventory.JunkUUID(m.UUID) {
			return "", true
		}
		return m.UUID, true
	case AssetTag:
		return m.AssetTag, true
	}
	if m.BMC == nil || m.BMC.MAC.IsZero() {
		return "", true
	}
	return m.BMC.MAC.String(), true
}

// moves is the phase that a confirmed scan brings a machine to, "" when it stays: racked,
// because a person says it is in its slot; discovered, when an identifier that was seen on
// the wire agrees with it.
func (v *View) moves(m *inventory.Machine) inventory.Phase {
	if m.Phase != inventory.Planned && m.Phase != inventory.Racked {
		return ""
	}
	if len(open(m, inventory.IdentityMismatch)) == 0 {
		for _, s := range v.Seen {
			if s.Machine == m.ID && s.Source != Scanned && owns(m, s.Value) {
				return inventory.Discovered
			}
		}
	}
	if m.Phase == inventory.Planned {
		return inventory.Racked
	}
	return ""
}

// Refuse returns why a scan cannot be bound, nil when it can.
func (s *Scan) Refuse() error {
	switch {
	case len(s.Problems) > 0:
		return fault.Conflictf("%s", cmp.Or(words(s.Problems), "the codes contradict the plan")).
			WithHint("see which machine is really there; correct the plan if it is wrong")
	case s.Place == nil:
		return fault.Invalidf("the codes name no place").WithHint("scan the label of the slot or of the machine too, or say --rack and --u")
	case s.Binding == nil:
		return fault.Invalidf("no hardware was scanned").WithHint("scan the serial number, the asset tag or the BMC's sticker too")
	}
	return nil
}

package racking

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

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
			s.problem("this is %s; you stand at %s (%s)", r.Says, s.Place.Slot, s.Place.Owner)
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
		b.Phase = v.moves(s.machine, b)
	}
	s.Binding = b
}

// learn takes an identifier that nobody has for the thing at the place, where the plan
// says none. A text without a name is the serial number, unless that is known to be
// another one that was scanned too.
func (v *View) learn(s *Scan, b *Binding, r *Reading) {
	for _, seen := range v.Seen {
		if seen.Machine != s.Place.ID && sameValue(seen.Value, r.value) {
			s.problem("%s was seen at %s (%s); you stand at %s (%s)", r.value, v.nameOf(seen.Machine), seen.Source, s.Place.Slot, s.Place.Owner)
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
		s.problem("the plan has %s %s for %s in %s, %s was scanned", r.field, have, s.Place.Owner, s.Place.Slot, r.value)
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

// moves is the phase that a confirmed scan brings a machine to, "" when it stays.
func (v *View) moves(m *inventory.Machine, b *Binding) inventory.Phase {
	then := *m
	b.Give(&then)
	if Adopt(&then, v.identifiers(m.ID), time.Time{}); then.Phase != m.Phase {
		return then.Phase
	}
	return ""
}

// Give writes what a scan learned to a machine.
func (b *Binding) Give(m *inventory.Machine) {
	for _, s := range b.Set {
		switch s.Field {
		case Serial:
			m.Serial = s.Value
		case AssetTag:
			m.AssetTag = s.Value
		case UUID:
			m.UUID = s.Value
		case BMCMAC:
			if mac, err := inventory.ParseMAC(s.Value); err == nil && m.BMC != nil {
				board := *m.BMC
				board.MAC, m.BMC = mac, &board
			}
		}
	}
}

// Adopt moves a machine on that a person scanned in its slot: planned becomes racked. All
// that was scanned is one identifier; with one that was seen on the wire and none that
// disagrees the machine is discovered. It returns the sentence for the journal, "" when
// nothing moved.
func Adopt(m *inventory.Machine, seen []inventory.Identifier, now time.Time) string {
	if m.Phase != inventory.Planned && m.Phase != inventory.Racked {
		return ""
	}
	was := m.Phase
	wire := slices.DeleteFunc(slices.Clone(seen), func(i inventory.Identifier) bool { return i.Source == Scanned })
	e := inventory.Gather(wire)
	agree, disagree := e.Match(m)
	if len(wire) > 0 {
		if said, _ := inventory.Bind(m, e, now); len(disagree) > 0 {
			m.Phase = inventory.Racked
			return said
		}
	}
	m.Phase = inventory.Racked
	if len(agree) > 0 && len(open(m, inventory.IdentityMismatch)) == 0 {
		m.Phase = inventory.Discovered
		return "discovered: what was scanned agrees with " + words(agree) + ", seen on the wire"
	}
	if m.Phase == was {
		return ""
	}
	return "racked: a technician says it is in its slot"
}

// Refuse returns why a scan cannot be bound, nil when it can.
func (s *Scan) Refuse() error {
	switch {
	case len(s.Problems) > 0:
		return fault.Conflictf("%s", cmp.Or(words(s.Problems), "the codes contradict the plan")).
			WithHint("see which machine is really there; correct the plan if it is wrong")
	case s.Place == nil:
		return fault.Invalidf("the codes name no place").WithHint("scan the label of the slot or of the machine too, or say rack and u (--rack, --u)")
	case s.Binding == nil:
		return fault.Invalidf("no hardware was scanned").WithHint("scan the serial number, the asset tag or the BMC's sticker too")
	}
	return nil
}

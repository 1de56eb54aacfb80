package apitest

import (
	"context"
	"slices"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/journal"
	"rackwright/store"
)

// racks is what people said and signed.
type racks struct {
	marks  []racking.Mark
	seen   []racking.Sighting
	signed []racking.SignOff
	left   []racking.Past
}

// Saw lets a test play the wire: an identifier of a machine was seen.
func (s *Store) Saw(machine, kind, value, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(machine)
	if err != nil {
		panic(err)
	}
	s.racks.seen = append(s.racks.seen, racking.Sighting{Machine: m.ID, Kind: kind, Value: value, Source: source, First: s.now(), Last: s.now()})
}

// RackView is what is known of one rack.
func (s *Store) RackView(_ context.Context, rack string) (*racking.View, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	return s.rackView(rack)
}

func (s *Store) rackView(rack string) (*racking.View, error) {
	inv := s.inv
	inv.Machines, inv.Devices = slices.Clone(inv.Machines), slices.Clone(inv.Devices)
	v := &racking.View{Inventory: &inv, Rack: rack, Marks: slices.Clone(s.racks.marks), Seen: slices.Clone(s.racks.seen), Blinking: map[string]time.Time{}}
	for _, o := range s.ops {
		if st := o.Step(); o.Kind == deploy.Locate && o.State == deploy.Running && st != nil {
			v.Blinking[o.Machine] = st.Started.Add(time.Duration(o.Order.Seconds) * time.Second)
		}
	}
	if inv.Rack(rack) == nil {
		return nil, fault.NotFoundf("there is no rack %q", rack).WithHint("'rackwright rack list' shows them")
	}
	return v, nil
}

// MarkStep does what a person does to a step.
func (s *Store) MarkStep(_ context.Context, rack, owner string, step racking.StepName, action racking.Action, reason, actor string) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	v, err := s.rackView(rack)
	if err != nil {
		return err
	}
	id, machine := "", false
	if m := v.Inventory.Machine(owner); m != nil && m.Slot != nil && m.Slot.Rack == rack {
		id, machine = m.ID, true
	} else if d := v.Inventory.Device(owner); d != nil && d.Slot != nil && d.Slot.Rack == rack {
		id = d.ID
	} else {
		return fault.NotFoundf("there is no machine or device %q in rack %s", owner, rack).WithHint("'rackwright rack tasks %s' shows them", rack)
	}
	changed, err := s.mark(action, racking.Mark{Owner: id, Step: step, By: actor, At: s.now(), Reason: reason})
	if err != nil || !changed {
		return err
	}
	e := journal.Event{Kind: journal.RackStep, Name: owner, Actor: actor, Summary: string(step) + " of " + owner + ": " + string(action)}
	if machine {
		e.Machine = id
		if step == racking.Mount && action == racking.DoDone {
			s.moved(id, inventory.Racked)
		}
	}
	s.append(e)
	return nil
}

// mark changes one mark.
func (s *Store) mark(action racking.Action, now racking.Mark) (bool, error) {
	at := slices.IndexFunc(s.racks.marks, func(m racking.Mark) bool { return m.Owner == now.Owner && m.Step == now.Step })
	var before *racking.Mark
	if at >= 0 {
		was := s.racks.marks[at]
		before = &was
	}
	after, changed, err := racking.Act(action, before, now)
	if err != nil || !changed {
		return false, err
	}
	if at >= 0 {
		s.racks.marks = slices.Delete(s.racks.marks, at, at+1)
	}
	if after != nil {
		s.racks.marks = append(s.racks.marks, *after)
	}
	return true, nil
}

// moved moves a machine that is only planned, or racked.
func (s *Store) moved(id string, to inventory.Phase) {
	if m, err := s.machine(id); err == nil && (m.Phase == inventory.Planned || m.Phase == inventory.Racked) {
		m.Phase = to
		m.Version++
	}
}

// SlotHistory is what retired from the rack, the last first.
func (s *Store) SlotHistory(_ context.Context, rack string) ([]racking.Past, error) {
	unlock, err := s.lock()
	defer unlock()
	out := []racking.Past{}
	for _, p := range slices.Backward(s.racks.left) {
		if p.Slot.Rack == rack {
			out = append(out, p)
		}
	}
	return out, err
}

// leaves notes where a machine stood that retires.
func (r *racks) leaves(m *inventory.Machine, now time.Time) {
	if m.Slot != nil {
		r.left = append(r.left, racking.Past{Slot: *m.Slot, Machine: m.ID, Name: m.Name, Serial: m.Serial, Model: m.Model, Phase: inventory.Retired, Until: now})
	}
}

// ScanCodes reads codes, and binds when it is confirmed.
func (s *Store) ScanCodes(_ context.Context, codes []string, rack string, spot *racking.Spot, confirm bool, actor string) (*racking.Scan, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	read, err := racking.ReadCodes(codes)
	if err != nil {
		return nil, err
	}
	v := &racking.View{Inventory: &s.inv, Rack: rack, Marks: s.racks.marks, Seen: s.racks.seen}
	if rack != "" && s.inv.Rack(rack) == nil {
		return nil, fault.NotFoundf("there is no rack %q", rack).WithHint("'rackwright rack list' shows them")
	}
	out, err := v.Scan(read, spot)
	if err != nil || !confirm {
		return out, err
	}
	if err := out.Refuse(); err != nil {
		return nil, err
	}
	out.Bound = true
	return out, s.bind(out, actor)
}

// bind writes a confirmed scan.
func (s *Store) bind(scan *racking.Scan, actor string) error {
	id := scan.Place.ID
	var said []string
	for _, set := range scan.Binding.All() {
		said = append(said, set.String())
	}
	for _, n := range []racking.StepName{racking.Receive, racking.Mount} {
		if _, err := s.mark(racking.DoDone, racking.Mark{Owner: id, Step: n, By: actor, At: s.now(), Codes: said}); err != nil {
			return err
		}
	}
	for _, set := range scan.Binding.All() {
		s.racks.seen = append(s.racks.seen, racking.Sighting{Machine: id, Kind: string(set.Field), Value: set.Value, Source: racking.Scanned, First: s.now(), Last: s.now()})
	}
	if m, err := s.machine(id); err == nil {
		for _, set := range scan.Binding.Set {
			switch set.Field {
			case racking.Serial:
				m.Serial = set.Value
			case racking.AssetTag:
				m.AssetTag = set.Value
			case racking.UUID:
				m.UUID = set.Value
			}
		}
	}
	s.append(journal.Event{Kind: journal.RackScan, Machine: id, Name: scan.Place.Owner, Actor: actor, Summary: "scanned"})
	if scan.Binding.Phase != "" {
		s.moved(id, scan.Binding.Phase)
	}
	return nil
}

// SignOffRack records that a rack is done.
func (s *Store) SignOffRack(_ context.Context, rack, note, actor string) (*racking.SignOff, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	v, err := s.rackView(rack)
	if err != nil {
		return nil, err
	}
	out, err := v.SignOff(actor, note, s.now())
	if err != nil {
		return nil, err
	}
	out.ID = s.id("signoff")
	s.racks.signed = append([]racking.SignOff{*out}, s.racks.signed...)
	s.append(journal.Event{Kind: journal.RackSigned, Name: rack, Actor: actor, Summary: "rack " + rack + " signed off"})
	return out, nil
}

// SignOffs lists the records of a rack, newest first.
func (s *Store) SignOffs(_ context.Context, rack string, p store.Page) ([]racking.SignOff, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	if _, err := s.rackView(rack); err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(slices.Clone(s.racks.signed), func(r racking.SignOff) bool { return r.Rack != rack })
	return page(list, p, true, func(r racking.SignOff) []string { return since(r.At, r.ID) }), nil
}

// SignOff returns one record.
func (s *Store) SignOff(ctx context.Context, rack, id string) (*racking.SignOff, error) {
	all, err := s.SignOffs(ctx, rack, store.Page{})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, fault.NotFoundf("rack %s has no sign-off %q", rack, id).WithHint("'rackwright rack signoffs %s' shows them", rack)
}

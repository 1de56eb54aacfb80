package apitest

import (
	"context"
	"slices"

	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// LastEvent is the id of the newest event.
func (s *Store) LastEvent(context.Context) (int64, error) {
	unlock, err := s.lock()
	defer unlock()
	return int64(len(s.event)), err
}

// PlacedEvents lists events with their places.
func (s *Store) PlacedEvents(ctx context.Context, f store.EventFilter) ([]journal.Placed, error) {
	limit := f.Limit
	f.Limit = 0
	events, err := s.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []journal.Placed
	for _, e := range events {
		if limit == 0 || len(out) < limit {
			out = append(out, journal.Placed{Event: e, Place: s.whereabouts(e.Machine)})
		}
	}
	return out, nil
}

func (s *Store) whereabouts(machine string) (p journal.Place) {
	m, err := s.machine(machine)
	if err != nil {
		return p
	}
	p.Project = m.Project
	if m.Slot != nil {
		p.Rack = m.Slot.Rack
		for _, r := range s.inv.Racks {
			if r.Name == p.Rack {
				p.Site = r.Site
			}
		}
	}
	return p
}

// OperationsTold are those of which events tell.
func (s *Store) OperationsTold(_ context.Context, after, until int64) ([]store.Told, error) {
	return s.told(after, until, func(e *journal.Event) string { return e.Operation })
}

// MachinesTold are those of which events tell.
func (s *Store) MachinesTold(_ context.Context, after, until int64) ([]store.Told, error) {
	return s.told(after, until, func(e *journal.Event) string { return e.Machine })
}

func (s *Store) told(after, until int64, of func(*journal.Event) string) (out []store.Told, err error) {
	unlock, err := s.lock()
	defer unlock()
	last := map[string]int64{}
	for i := range s.event {
		last[of(&s.event[i])] = s.event[i].ID
	}
	for i := range s.event {
		e := &s.event[i]
		if id := of(e); id != "" && e.ID > after && e.ID <= until && last[id] == e.ID {
			out = append(out, store.Told{ID: id, Event: e.ID})
		}
	}
	return out, err
}

// OperationsOf returns operations by id.
func (s *Store) OperationsOf(_ context.Context, ids []string) (out []deploy.Operation, err error) {
	unlock, err := s.lock()
	defer unlock()
	for _, o := range s.ops {
		if slices.Contains(ids, o.ID) {
			o.Steps = slices.Clone(o.Steps)
			out = append(out, o)
		}
	}
	return out, err
}

// MachinesOf returns machines by id.
func (s *Store) MachinesOf(_ context.Context, ids []string) (out []inventory.Machine, err error) {
	unlock, err := s.lock()
	defer unlock()
	for _, m := range s.inv.Machines {
		if slices.Contains(ids, m.ID) {
			m.Facts = nil
			out = append(out, m)
		}
	}
	return out, err
}

// Places says where machines stand.
func (s *Store) Places(_ context.Context, ids []string) (map[string]journal.Place, error) {
	unlock, err := s.lock()
	defer unlock()
	out := map[string]journal.Place{}
	for _, id := range ids {
		out[id] = s.whereabouts(id)
	}
	return out, err
}

// OpenVersions are those of operations that have not ended.
func (s *Store) OpenVersions(_ context.Context, limit int) (map[string]int64, error) {
	unlock, err := s.lock()
	defer unlock()
	out := map[string]int64{}
	for _, o := range s.ops {
		if !o.State.Ended() && len(out) < limit {
			out[o.ID] = o.Version
		}
	}
	return out, err
}

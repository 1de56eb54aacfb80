package apitest

import (
	"context"
	"slices"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/fleet"
	"rackwright/store"
)

// Fleets are newest first.
func (s *Store) Fleets(_ context.Context, kind fleet.Kind, p store.Page) ([]fleet.Fleet, error) {
	unlock, err := s.lock()
	defer unlock()
	list := slices.DeleteFunc(slices.Clone(s.fleet), func(f fleet.Fleet) bool { return f.Kind != kind })
	return page(list, p, true, func(f fleet.Fleet) []string { return since(f.Created, f.ID) }), err
}

// Fleet returns a fleet by id or name.
func (s *Store) Fleet(ctx context.Context, kind fleet.Kind, name string) (*fleet.Fleet, error) {
	list, err := s.Fleets(ctx, kind, store.Page{})
	for i := range list {
		if list[i].Name == name || list[i].ID == name {
			return &list[i], err
		}
	}
	if err == nil {
		err = fault.NotFoundf("there is no %s %q", kind, name).WithHint("'%s list' shows them", kind.Command())
	}
	return nil, err
}

// CreateFleet is Conflict when there is one of that kind and name.
func (s *Store) CreateFleet(ctx context.Context, f *fleet.Fleet, _ deploy.Order, actor string) error {
	if _, err := s.Fleet(ctx, f.Kind, f.Name); err == nil {
		return fault.Conflictf("there is a %s %s already", f.Kind, f.Name).WithHint("give the new one a name of its own")
	}
	unlock, err := s.lock()
	defer unlock()
	f.ID, f.Actor, f.Created, f.Updated, f.Version = s.id(string(f.Kind)), actor, s.now(), s.now(), 1
	s.fleet = append(s.fleet, *f)
	return err
}

// SteerFleet changes a fleet.
func (s *Store) SteerFleet(ctx context.Context, kind fleet.Kind, name, _, _ string, change func(*fleet.Fleet, time.Time) error) (*fleet.Fleet, error) {
	f, err := s.Fleet(ctx, kind, name)
	if err == nil {
		err = change(f, s.now())
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.fleet {
		if s.fleet[i].ID == f.ID {
			f.Version++
			s.fleet[i] = *f
		}
	}
	return f, nil
}

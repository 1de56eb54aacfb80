package apitest

import (
	"context"
	"slices"
	"time"

	"rackwright/deploy"
	"rackwright/deploy/rollout"
	"rackwright/fault"
)

// Rollouts are newest first.
func (s *Store) Rollouts(context.Context) ([]rollout.Fleet, error) {
	unlock, err := s.lock()
	defer unlock()
	out := slices.Clone(s.fleet)
	slices.Reverse(out)
	return out, err
}

// Rollout returns a rollout by id or name.
func (s *Store) Rollout(ctx context.Context, name string) (*rollout.Fleet, error) {
	list, err := s.Rollouts(ctx)
	for i := range list {
		if list[i].Name == name || list[i].ID == name {
			return &list[i], err
		}
	}
	if err == nil {
		err = fault.NotFoundf("there is no rollout %q", name).WithHint("'rackwright rollout list' shows them")
	}
	return nil, err
}

// CreateRollout is Conflict when there is one of that name.
func (s *Store) CreateRollout(ctx context.Context, f *rollout.Fleet, _ deploy.Order, actor string) error {
	if _, err := s.Rollout(ctx, f.Name); err == nil {
		return fault.Conflictf("there is a rollout %s already", f.Name).WithHint("give the new one a name of its own")
	}
	unlock, err := s.lock()
	defer unlock()
	f.ID, f.Actor, f.Created, f.Updated, f.Version = s.id("rollout"), actor, s.now(), s.now(), 1
	s.fleet = append(s.fleet, *f)
	return err
}

// SteerRollout changes a rollout.
func (s *Store) SteerRollout(ctx context.Context, name, _, _ string, change func(*rollout.Fleet, time.Time) error) (*rollout.Fleet, error) {
	f, err := s.Rollout(ctx, name)
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

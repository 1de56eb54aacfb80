package apitest

import (
	"context"
	"maps"

	"rackwright/boot"
	"rackwright/fault"
)

// Rungs are where the ladders of models stand: one model's loader worked.
func (s *Store) Rungs(context.Context) (map[string]boot.Rung, error) {
	unlock, err := s.lock()
	defer unlock()
	return maps.Clone(s.rungs), err
}

// SetRung moves a model's ladder from where it stands.
func (s *Store) SetRung(_ context.Context, model string, was, now boot.Rung, _ string) error {
	unlock, err := s.lock()
	defer unlock()
	if s.rungs[model] != was {
		return fault.Conflictf("the loader of model %.80q was changed meanwhile", model)
	}
	s.rungs[model] = now
	return err
}

// ResetRung forgets what worked for a model.
func (s *Store) ResetRung(_ context.Context, model string) error {
	unlock, err := s.lock()
	defer unlock()
	if _, ok := s.rungs[model]; !ok {
		return fault.NotFoundf("no loader is remembered for model %.80q", model).WithHint("'rackwright loader list' shows which are")
	}
	delete(s.rungs, model)
	return err
}

package apitest

import (
	"context"
	"maps"
	"slices"
)

// Together makes calls one. Tests make no others beside them.
func (s *Store) Together(ctx context.Context, keep bool, fn func(ctx context.Context) error) error {
	back := s.remember()
	err := fn(ctx)
	if err != nil || !keep {
		back()
	}
	return err
}

// remember returns what brings everything back to how it is now.
func (s *Store) remember() (back func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	machines, ops, tokens, hooks := slices.Clone(s.inv.Machines), slices.Clone(s.ops), slices.Clone(s.tokens), s.hooks
	for i := range machines {
		machines[i].Conditions = slices.Clone(machines[i].Conditions)
	}
	for i := range ops {
		ops[i].Steps = slices.Clone(ops[i].Steps)
	}
	hooks.list, hooks.deliveries = slices.Clone(hooks.list), slices.Clone(hooks.deliveries)
	image, files, cache, left := slices.Clone(s.image), slices.Clone(s.flash.files), slices.Clone(s.cache), slices.Clone(s.racks.left)
	event, next := slices.Clone(s.event), s.next
	job, imports, rungs, lease := slices.Clone(s.job), slices.Clone(s.uploads.list), maps.Clone(s.rungs), slices.Clone(s.lease)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inv.Machines, s.ops, s.tokens, s.hooks = machines, ops, tokens, hooks
		s.image, s.flash.files, s.cache, s.racks.left, s.event, s.next = image, files, cache, left, event, next
		s.job, s.uploads.list, s.rungs, s.lease = job, imports, rungs, lease
	}
}

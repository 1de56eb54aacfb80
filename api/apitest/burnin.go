package apitest

import (
	"context"
	"slices"

	"rackwright/deploy"
)

// Burn keeps what a burn-in of a machine found; the newest is first.
func (s *Store) Burn(name string, b deploy.BurnRecord) {
	unlock, _ := s.lock()
	defer unlock()
	m, err := s.machine(name)
	if err != nil {
		panic(err)
	}
	b.Machine, b.Name, b.Began = m.ID, m.Name, s.now()
	s.burns = append([]deploy.BurnRecord{b}, s.burns...)
}

// BurnIns are newest first.
func (s *Store) BurnIns(_ context.Context, machineID string, limit int) ([]deploy.BurnRecord, error) {
	unlock, err := s.lock()
	defer unlock()
	list := slices.DeleteFunc(slices.Clone(s.burns), func(b deploy.BurnRecord) bool { return b.Machine != machineID })
	return list[:min(len(list), limit)], err
}

// BurnSiblings are the last of every machine: all are alike here.
func (s *Store) BurnSiblings(_ context.Context, _ string, limit int) ([]deploy.BurnRecord, error) {
	unlock, err := s.lock()
	defer unlock()
	seen := map[string]bool{}
	var out []deploy.BurnRecord
	for _, b := range s.burns {
		if !seen[b.Machine] && b.Over() {
			seen[b.Machine] = true
			out = append(out, b)
		}
	}
	return out[:min(len(out), limit)], err
}

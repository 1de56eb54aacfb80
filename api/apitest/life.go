package apitest

import (
	"context"
	"fmt"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Identifiers are what the machine's facts say of it.
func (s *Store) Identifiers(_ context.Context, machineID string) ([]inventory.Identifier, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	m, err := s.machine(machineID)
	if err != nil || m.Facts == nil {
		return nil, err
	}
	return inventory.FromFacts(m.Facts).Identifiers(), nil
}

// live changes a machine and says so in the journal; nothing is kept when change fails.
func (s *Store) live(name, actor string, change func(*inventory.Machine) (string, error)) (*inventory.Machine, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	m, err := s.machine(name)
	if err != nil {
		return nil, err
	}
	next := *m
	said, err := change(&next)
	if err != nil {
		return nil, err
	}
	next.Version++
	*m = next
	s.append(journal.Event{Kind: journal.PhaseMoved, Machine: m.ID, Name: m.Name, Actor: actor, Summary: said})
	return &next, nil
}

// Hold keeps a machine in maintenance.
func (s *Store) Hold(_ context.Context, name, reason string, long time.Duration, actor string) (*inventory.Machine, error) {
	return s.live(name, actor, func(m *inventory.Machine) (string, error) {
		h, err := inventory.NewHold(actor, reason, long, s.now())
		if err == nil {
			err = inventory.Keep(m, h, s.now())
		}
		return "held: " + reason, err
	})
}

// ReleaseHold ends a hold.
func (s *Store) ReleaseHold(_ context.Context, name, actor string, admin bool) (*inventory.Machine, error) {
	return s.live(name, actor, func(m *inventory.Machine) (string, error) {
		return "released", inventory.Release(m, nil, actor, admin, s.now())
	})
}

// Retire takes a machine out; it is found by its id alone after that.
func (s *Store) Retire(_ context.Context, name string, r inventory.Retirement, actor string) (*inventory.Machine, error) {
	return s.live(name, actor, func(m *inventory.Machine) (string, error) {
		if err := s.busy(m, "retire"); err != nil {
			return "", err
		}
		if err := r.Retire(m); err != nil {
			return "", err
		}
		s.racks.leaves(m, s.now())
		m.Slot, m.NICs, m.BMC, m.Hold, m.Conditions = nil, nil, nil, nil, nil
		return "retired: " + r.Reason, nil
	})
}

func (s *Store) busy(m *inventory.Machine, what string) error {
	for _, o := range s.ops {
		if o.Machine == m.ID && !o.State.Ended() {
			return fault.Conflictf("%s cannot %s while operation %s has not ended", m.Name, what, o.ID).WithHint("wait for it, or 'rackwright operation cancel %s'", o.ID)
		}
	}
	return nil
}

// Replace puts a new machine in the place of another.
func (s *Store) Replace(_ context.Context, name string, r inventory.Replacement, actor string) (*inventory.Machine, error) {
	var next *inventory.Machine
	_, err := s.live(name, actor, func(m *inventory.Machine) (string, error) {
		if err := r.Check(m); err != nil {
			return "", err
		}
		if err := s.busy(m, "be replaced"); err != nil {
			return "", err
		}
		next = r.Successor(m)
		next.ID, next.Version, next.CreatedAt = s.id("machine"), 1, s.now()
		s.racks.leaves(m, s.now())
		m.Phase, m.Slot, m.NICs, m.BMC, m.Hold = inventory.Retired, nil, nil, nil, nil
		return fmt.Sprintf("%s replaced: %s", r.Part, r.Reason), nil
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inv.Machines = append(s.inv.Machines, *next)
	return next, nil
}

// History follows what each machine replaces.
func (s *Store) History(_ context.Context, name string) ([]inventory.Machine, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	m, err := s.machine(name)
	if err != nil {
		return nil, err
	}
	out := []inventory.Machine{*m}
	for m.Replaces != "" {
		if m, err = s.machine(m.Replaces); err != nil {
			break
		}
		out = append(out, *m)
	}
	return out, nil
}

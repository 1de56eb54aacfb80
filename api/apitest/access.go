package apitest

import (
	"context"
	"slices"

	"rackwright/access"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

// MachinePlace is where a machine stands.
func (s *Store) MachinePlace(_ context.Context, idOrName string) (access.Place, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return access.Place{}, err
	}
	m, err := s.machine(idOrName)
	if err != nil {
		return access.Place{}, err
	}
	return s.accessPlace(m), nil
}

func (s *Store) accessPlace(m *inventory.Machine) access.Place {
	at := access.Place{Project: m.Project}
	if m.Slot != nil {
		at.Rack = m.Slot.Rack
		if r := s.inv.Rack(at.Rack); r != nil {
			at.Site = r.Site
		}
	}
	return at
}

// RackPlace is where a rack stands.
func (s *Store) RackPlace(ctx context.Context, name string) (access.Place, error) {
	r, err := s.Rack(ctx, name)
	if err != nil {
		return access.Place{}, err
	}
	return access.Place{Site: r.Site, Rack: r.Name}, nil
}

// OperationPlace is where the machine of an operation stands.
func (s *Store) OperationPlace(_ context.Context, id string) (access.Place, error) {
	unlock, err := s.lock()
	defer unlock()
	i := slices.IndexFunc(s.ops, func(o deploy.Operation) bool { return o.ID == id })
	if err == nil && i < 0 {
		err = fault.NotFoundf("there is no operation %q", id).WithHint("'rackwright operation list' shows them")
	}
	if err != nil {
		return access.Place{}, err
	}
	m, err := s.machine(s.ops[i].Machine)
	if err != nil {
		return access.Place{}, err
	}
	return s.accessPlace(m), nil
}

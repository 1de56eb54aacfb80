package apitest

import (
	"context"
	"slices"
	"strings"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// BMCsWithin lists machines that have a BMC by name.
func (s *Store) BMCsWithin(_ context.Context, scope access.Scope, after string, limit int) (out []inventory.Machine, err error) {
	unlock, err := s.lock()
	defer unlock()
	for _, m := range s.inv.Machines {
		if m.BMC != nil && m.Name > after && m.Phase != inventory.Retired && scope.Holds(s.accessPlace(&m)) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b inventory.Machine) int { return strings.Compare(a.Name, b.Name) })
	return out[:min(len(out), limit)], err
}

// Meet records a BMC that is in no plan.
func (s *Store) Meet(b inventory.StrangeBMC) {
	unlock, _ := s.lock()
	defer unlock()
	b.Since, b.Seen = s.now(), s.now()
	s.strange = append(s.strange, b)
}

// StrangeBMCs lists those.
func (s *Store) StrangeBMCs(_ context.Context, p store.Page) ([]inventory.StrangeBMC, error) {
	unlock, err := s.lock()
	defer unlock()
	return page(s.strange, p, true, func(b inventory.StrangeBMC) []string { return since(b.Since, b.MAC.String()) }), err
}

// GivePassword keeps nothing: the machine's BMC is not claimed any more.
func (s *Store) GivePassword(_ context.Context, machineID, _ string) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	m, err := s.machine(machineID)
	if err == nil && m.BMC == nil {
		err = fault.Conflictf("%s has no BMC", m.Name)
	}
	return err
}

// BMCLog says that m1's BMC pushes its events, and no other.
func (s *Store) BMCLog(_ context.Context, machineID string) (l store.BMCLog, err error) {
	unlock, err := s.lock()
	defer unlock()
	if m, _ := s.machine(machineID); m != nil && m.Name == "m1" {
		l.Subscription = "1"
	}
	return l, err
}

// BMCAuthority is NotFound: nothing here signs.
func (s *Store) BMCAuthority(context.Context, func() ([]byte, []byte, error)) (certificate, key []byte, err error) {
	return nil, nil, fault.NotFoundf("there is no authority for BMCs yet").WithHint("the first 'rackwright bmc claim --certificate' makes it")
}

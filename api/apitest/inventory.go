package apitest

import (
	"context"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
)

// Inventory returns everything.
func (s *Store) Inventory(context.Context) (*inventory.Inventory, error) {
	unlock, err := s.lock()
	defer unlock()
	inv := s.whole()
	return &inv, err
}

// SwitchMates are none: RackInventory returns what stands in other racks too.
func (s *Store) SwitchMates(context.Context, string, int) ([]inventory.Machine, error) {
	return nil, nil
}

// RackInventory returns everything too, if the rack is known: who asks narrows it.
func (s *Store) RackInventory(_ context.Context, rack string) (*inventory.Inventory, error) {
	unlock, err := s.lock()
	defer unlock()
	if err == nil && s.inv.Rack(rack) == nil {
		err = fault.NotFoundf("there is no rack %q", rack).WithHint("'rackwright rack list' names the racks")
	}
	inv := s.whole()
	return &inv, err
}

func (s *Store) whole() inventory.Inventory {
	inv := s.inv
	inv.Machines, inv.Devices = slices.Clone(inv.Machines), slices.Clone(inv.Devices)
	return inv
}

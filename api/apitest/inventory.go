package apitest

import (
	"context"

	"rackwright/fault"
	"rackwright/inventory"
)

// Inventory returns everything.
func (s *Store) Inventory(context.Context) (*inventory.Inventory, error) {
	unlock, err := s.lock()
	defer unlock()
	inv := s.inv
	return &inv, err
}

// RackInventory returns everything too, if the rack is known: who asks narrows it.
func (s *Store) RackInventory(_ context.Context, rack string) (*inventory.Inventory, error) {
	unlock, err := s.lock()
	defer unlock()
	if err == nil && s.inv.Rack(rack) == nil {
		err = fault.NotFoundf("there is no rack %q", rack).WithHint("rackwright rack list names the racks")
	}
	inv := s.inv
	return &inv, err
}

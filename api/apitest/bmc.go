package apitest

import (
	"context"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/fault"
	"rackwright/inventory"
)

// Hands are at BMCs in memory, with passwords that need no store.
type Hands struct {
	*bmctest.Rack
	store *Store
}

var _ bmc.Hands = (*Hands)(nil)

// BMCs gives the machines of Rack that have a BMC one in memory; M1 is that of m1.
func BMCs(s *Store) (hands *Hands, m1 *bmctest.BMC) {
	hands = &Hands{Rack: bmctest.NewRack(), store: s}
	return hands, hands.Add(bmc.Access{Address: "https://192.0.2.1", Username: "root"}, inventory.Facts{})
}

// Hand opens a machine's BMC.
func (h *Hands) Hand(ctx context.Context, machineID string) (bmc.Controller, error) {
	m, err := h.store.Machine(ctx, machineID)
	if err != nil {
		return nil, err
	}
	if m.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", m.Name)
	}
	return h.Dial(ctx, bmc.Access{Address: m.BMC.Address, Username: m.BMC.Username})
}

// Status says that a session is open.
func (h *Hands) Status(context.Context, string) (broker.Standing, error) {
	return broker.Standing{State: broker.Open, Owner: "rackwright-1", Since: h.store.now()}, nil
}

// HandAs is refused: the interface claims nothing by itself.
func (h *Hands) HandAs(context.Context, string, bmc.Access) (bmc.Controller, error) {
	return nil, fault.Internalf("the interface does not log in as somebody else")
}

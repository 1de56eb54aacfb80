package store

import (
	"context"

	"rackwright/inventory"
)

// openBurns are the machines that a burn-in has.
const openBurns = `SELECT b.machine_id FROM burn_in b JOIN operation o ON o.id = b.operation_id JOIN machine m ON m.id = b.machine_id
	WHERE b.ended_at IS NULL AND o.state = 'running' `

// RackPower is what decides whether another machine of a rack may draw its highest.
func (db *DB) RackPower(ctx context.Context, rack string) (*inventory.RackPower, error) {
	p, err := db.rackPower(ctx, db.sql, rack)
	return p, db.fault(err)
}

// budget says whether a machine may draw its highest beside those that do. Its rack is held
// until the transaction ends, so that no two get the same power.
func (db *DB) budget(ctx context.Context, tx *txn, m *inventory.Machine) (inventory.Budget, error) {
	free := inventory.Budget{Fits: true, Ever: true}
	if m.Slot == nil {
		return free, nil
	}
	if r, err := rack(ctx, tx, m.Slot.Rack); err != nil || len(r.Feeds) == 0 {
		return free, err
	}
	if _, err := db.lock(ctx, tx, `SELECT 1 FROM rack WHERE name = $1`, m.Slot.Rack); err != nil {
		return free, err
	}
	p, err := db.rackPower(ctx, tx, m.Slot.Rack)
	if err != nil {
		return free, err
	}
	return p.Admit(m), nil
}

// rackPower counts at full whose burn-in was given its power, and who is deployed or gets
// firmware. Other open operations may start their machine at any moment.
func (db *DB) rackPower(ctx context.Context, q queryer, rack string) (*inventory.RackPower, error) {
	inv, err := db.rackInventory(ctx, q, rack)
	if err != nil {
		return nil, err
	}
	full, begun := map[string]bool{}, map[string]bool{}
	for _, look := range []struct {
		into map[string]bool
		text string
	}{
		{full, openBurns + `AND b.power_turn = o.turn`},
		{full, `SELECT machine_id FROM operation WHERE kind IN ('deploy', 'firmware') AND state IN ('queued', 'running')`},
		{begun, `SELECT machine_id FROM operation WHERE state IN ('queued', 'running')`},
	} {
		ids, err := collect(ctx, q, readText, look.text)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			look.into[id] = true
		}
	}
	for i := range inv.Machines {
		if o := &inv.Machines[i]; o.Power == inventory.PowerOff && begun[o.ID] {
			o.Power = inventory.PowerUnknown // it is off for now
		}
	}
	return &inventory.RackPower{Rack: inv.Racks[0], Devices: inv.Devices, Machines: inv.Machines, Model: inv.Model, Full: func(id string) bool { return full[id] }}, nil
}

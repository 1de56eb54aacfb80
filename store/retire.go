package store

import (
	"context"
	"fmt"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

// Retire takes a machine out for good, if its gate lets it: see inventory.Retirement. Its
// slot, ports, addresses, cables and BMC are free at once, its credentials are gone, and
// its id is never used again; its events and the parts it had stay.
func (db *DB) Retire(ctx context.Context, idOrName string, r inventory.Retirement, actor string) (*inventory.Machine, error) {
	return db.changeMachine(ctx, idOrName, func(tx *txn, m *inventory.Machine) ([]journal.Event, error) {
		if err := db.onePlan(ctx, tx); err != nil {
			return nil, err
		}
		was, slot := m.Phase, m.Slot
		if m.Held(db.now()) && m.Hold.By != actor {
			return nil, inventory.Guard(m, actor, true, db.now())
		}
		if err := r.Retire(m); err != nil {
			return nil, err
		}
		m.Hold, m.Conditions, m.Power = nil, nil, inventory.PowerUnknown
		summary := fmt.Sprintf("%s -> retired: %s", was, r.Reason)
		if r.Disks != "" {
			summary += "; disks " + r.Disks
		}
		return []journal.Event{{Kind: journal.PhaseMoved, Actor: actor, Summary: summary,
			Detail: map[string]any{"reason": r.Reason, "disks": r.Disks, "slot": slot, "serial": m.Serial, "image": m.Image}}}, nil
	})
}

// onePlan waits until no plan is being applied, and keeps others from beginning.
func (db *DB) onePlan(ctx context.Context, tx *txn) error {
	if db.dialect.onePlan == "" {
		return nil
	}
	_, err := exec(ctx, tx, db.dialect.onePlan)
	return err
}

// openWork is Conflict while an operation on the machine has not ended.
func openWork(ctx context.Context, tx *txn, m *inventory.Machine, what string) error {
	open, err := collect(ctx, tx, readText, `SELECT id FROM operation WHERE machine_id = $1 AND state IN ('queued', 'running', 'parked') ORDER BY id`, m.ID)
	if err == nil && len(open) > 0 {
		return fault.Conflictf("%s cannot %s while operation %s has not ended", m.Name, what, open[0]).WithHint("wait for it, or 'rackwright operation cancel %s'", open[0])
	}
	return err
}

// retire gives up what a machine held, so that its slot, MACs, addresses and BMC are
// free for others and its credentials are gone. Work on it must have ended.
func (db *DB) retire(ctx context.Context, tx *txn, m *inventory.Machine) error {
	if err := openWork(ctx, tx, m, "retire"); err != nil {
		return err
	}
	if err := db.cut(ctx, tx, []string{m.ID}); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM lease WHERE mac IN (SELECT mac FROM nic WHERE machine_id = $1)`,
		`DELETE FROM boot_secret WHERE operation_id IN (SELECT id FROM operation WHERE machine_id = $1)`,
		`DELETE FROM slot_cell WHERE machine_id = $1`,
		`DELETE FROM nic WHERE machine_id = $1`,
		`DELETE FROM bond WHERE machine_id = $1`,
		`DELETE FROM vlan WHERE machine_id = $1`,
		`DELETE FROM machine_address WHERE machine_id = $1`,
		`DELETE FROM bmc WHERE machine_id = $1`,
		`DELETE FROM machine_word WHERE machine_id = $1`,
		`DELETE FROM machine_label WHERE machine_id = $1`,
		`UPDATE machine SET left_rack_id = rack_id, rack_id = NULL, u = NULL, height = NULL, face = NULL, side = '', chassis_id = NULL, bay = '', verify_due = false WHERE id = $1`,
	} {
		if _, err := exec(ctx, tx, statement, m.ID); err != nil {
			return err
		}
	}
	if _, err := exec(ctx, tx, `UPDATE machine SET left_slot = $1 WHERE id = $2`, jsonOrNull(m.Slot), m.ID); err != nil {
		return err
	}
	m.Slot, m.NICs, m.Bonds, m.BMC, m.Labels, m.Tags, m.PSUs = nil, nil, nil, nil, nil, nil, unplugged(m.PSUs)
	return writeSpec(ctx, tx, m)
}

// unplugged are power supplies without their cables.
func unplugged(psus []inventory.PSU) []inventory.PSU {
	out := slices.Clone(psus)
	for i := range out {
		out[i].Cable = nil
	}
	return out
}

// loadAgain writes anew what racks carry after a machine left one or was replaced: its
// own, and those whose PDUs it hung on. Others of its rack are compared with the plan again.
func (db *DB) loadAgain(ctx context.Context, tx *txn, s *inventory.Slot, outlets []string) error {
	if s == nil {
		return nil
	}
	look := &plan.Wanted{Racks: []inventory.Rack{{Name: s.Rack}}}
	for _, pdu := range outlets {
		look.Devices = append(look.Devices, inventory.Device{Name: pdu})
	}
	have, err := db.around(ctx, tx, look)
	if err != nil {
		return err
	}
	a := application{db: db, tx: tx, want: &plan.Wanted{}, have: &have, diff: &plan.Diff{}}
	for i := range have.Racks {
		a.touched = append(a.touched, have.Racks[i].Name)
	}
	if err := a.loads(ctx); err != nil {
		return err
	}
	_, err = exec(ctx, tx, `UPDATE machine SET verify_due = true WHERE facts IS NOT NULL AND rack_id = $1`, have.Rack(s.Rack).ID)
	return err
}

// outletsOf are the PDUs that power supplies hang on.
func outletsOf(psus []inventory.PSU) (names []string) {
	for i := range psus {
		if c := psus[i].Cable; c != nil {
			names = append(names, c.To.Owner)
		}
	}
	return names
}

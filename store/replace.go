package store

import (
	"context"
	"fmt"

	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/racking"
	"rackwright/journal"
)

// Replace puts new hardware in the place of a machine: the old record retires with its
// history, and a new planned machine takes over its name, slot, ports, networks, cables
// and the way to its BMC; see inventory.Replacement. It returns the new machine.
func (db *DB) Replace(ctx context.Context, idOrName string, r inventory.Replacement, actor string) (*inventory.Machine, error) {
	var out *inventory.Machine
	err := db.tx(ctx, func(tx *txn) error {
		if err := db.onePlan(ctx, tx); err != nil {
			return err
		}
		old, err := db.machineToChange(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		if err := r.Check(old); err != nil {
			return err
		}
		if err := inventory.Guard(old, actor, false, db.now()); err != nil {
			return err
		}
		if err := openWork(ctx, tx, old, "be replaced"); err != nil {
			return err
		}
		next := r.Successor(old)
		next.ID = newID()
		events, err := db.succeed(ctx, tx, old, next, r, actor)
		if err != nil {
			return err
		}
		out = next
		return db.append(ctx, tx, events)
	})
	if err != nil {
		return nil, err
	}
	db.wakeMachine()
	return out, nil
}

// succeed retires one machine and writes the other in its place.
func (db *DB) succeed(ctx context.Context, tx *txn, old, next *inventory.Machine, r inventory.Replacement, actor string) ([]journal.Event, error) {
	have, err := db.rackInventory(ctx, tx, next.Slot.Rack)
	if err != nil {
		return nil, err
	}
	password, err := db.passwordOf(ctx, tx, old.ID)
	if err != nil {
		return nil, err
	}
	if _, err := exec(ctx, tx, `UPDATE cable_end SET owner_id = $1 WHERE owner_id = $2`, next.ID, old.ID); err != nil {
		return nil, err
	}
	was, oldPhase := stateOf(old), old.Phase
	old.Phase, old.Hold, old.Conditions, old.Power = inventory.Retired, nil, nil, inventory.PowerUnknown
	if err := db.writeState(ctx, tx, was, old); err != nil {
		return nil, err
	}
	a := application{db: db, tx: tx, want: &plan.Wanted{Machines: []inventory.Machine{*next}}, have: have, diff: &plan.Diff{},
		machines: []*inventory.Machine{next}, touched: []string{next.Slot.Rack}}
	a.want.Passwords = map[string]string{}
	if r.KeepBMC && password != "" {
		a.want.Passwords[next.Name] = password
	}
	a.have.HasPassword = func(string, string) bool { return false }
	a.ids = identitiesOf(a.want, have)
	if err := a.writeMachines(ctx); err != nil {
		return nil, err
	}
	if err := db.inherit(ctx, tx, next); err != nil {
		return nil, err
	}
	if err := db.loadAgain(ctx, tx, next.Slot, outletsOf(next.PSUs)); err != nil {
		return nil, err
	}
	detail := map[string]any{"part": r.Part, "reason": r.Reason, "replaces": old.ID, "successor": next.ID, "slot": next.Slot}
	return []journal.Event{
		{Kind: journal.PhaseMoved, Machine: old.ID, Name: old.Name, Actor: actor, Detail: detail,
			Summary: fmt.Sprintf("%s -> retired: %s replaced: %s", oldPhase, r.Part, r.Reason)},
		{Kind: journal.MachinePlan, Machine: next.ID, Name: next.Name, Actor: actor, Detail: detail,
			Summary: fmt.Sprintf("planned in place of %s: %s replaced: %s", old.ID, r.Part, r.Reason)},
	}, bump(ctx, tx, old.ID, next.ID)
}

// inherit writes what a new machine has of the one it replaces and no plan says.
func (db *DB) inherit(ctx context.Context, tx *txn, m *inventory.Machine) error {
	_, err := exec(ctx, tx, `UPDATE machine SET replaces = $1, erased_at = $2 WHERE id = $3`, m.Replaces, timeOrNull(m.Erased), m.ID)
	return err
}

// passwordOf opens the password of a machine's BMC, "" without one.
func (db *DB) passwordOf(ctx context.Context, tx *txn, machineID string) (string, error) {
	sealed, err := collect(ctx, tx, readText, `SELECT password_sealed FROM bmc WHERE machine_id = $1 AND password_sealed <> ''`, machineID)
	if err != nil || len(sealed) == 0 {
		return "", err
	}
	plain, err := db.seal.Open(sealed[0], sealContext(machineID))
	return string(plain), err
}

// longestChain bounds how many machines are followed back in one place.
const longestChain = 100

// History lists a machine and those that it replaced, one after the other, the newest
// first.
func (db *DB) History(ctx context.Context, idOrName string) ([]inventory.Machine, error) {
	m, err := db.machine(ctx, db.sql, idOrName)
	if err != nil {
		return nil, db.fault(err)
	}
	out, seen := []inventory.Machine{*m}, map[string]bool{m.ID: true}
	for len(out) < longestChain {
		id := out[len(out)-1].Replaces
		if id == "" || seen[id] {
			break
		}
		before, err := db.machines(ctx, db.sql, "m.id = $1", id)
		if err != nil {
			return nil, db.fault(err)
		}
		if len(before) == 0 {
			break
		}
		seen[id] = true
		out = append(out, before[0])
	}
	return out, nil
}

// longestPast bounds how many machines are told that left a rack.
const longestPast = 1000

// SlotHistory lists the machines that retired from a rack, the last first, each with the
// place it left: those that were replaced and those that nothing followed.
func (db *DB) SlotHistory(ctx context.Context, rack string) ([]racking.Past, error) {
	out, err := collect(ctx, db.sql, func(scan func(...any) error) (p racking.Past, err error) {
		err = scan(asText{&p.Machine}, &p.Name, &p.Serial, &p.Model, &p.Phase, asTime{&p.Until}, asJSON{&p.Slot})
		return p, err
	}, `SELECT m.id, m.name, m.serial, m.model, m.phase, m.updated_at, m.left_slot FROM machine m JOIN rack r ON r.id = m.left_rack_id
		WHERE r.name = $1 ORDER BY m.updated_at DESC, m.id DESC LIMIT $2`, rack, longestPast)
	return out, db.fault(err)
}

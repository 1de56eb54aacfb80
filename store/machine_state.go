package store

import (
	"context"
	"database/sql"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// ChangeMachine reads a machine, lets change alter it, and writes phase, power, facts,
// image, conditions and observed identity back in one transaction together with the
// events change returns. Of several writers each sees what the one before it left; change
// may be run more than once and must do nothing else. The machine is not written when
// change leaves it as it was.
func (db *DB) ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error) {
	var out *inventory.Machine
	err := db.tx(ctx, func(tx *sql.Tx) error {
		m, err := db.machineToChange(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		before := *m
		before.Conditions = slices.Clone(m.Conditions)
		facts := toJSON(m.Facts)
		events, err := change(m)
		if err != nil {
			return err
		}
		out = m
		if err := db.writeState(ctx, tx, &before, facts, m); err != nil {
			return err
		}
		return db.append(ctx, tx, named(events, m))
	})
	if err == nil {
		db.events.wake(everything)
		db.changed.wake(everything)
		db.unjudged.wake(everything)
	}
	return out, err
}

// machineToChange reads a machine that no other transaction changes until this one ends.
func (db *DB) machineToChange(ctx context.Context, tx *sql.Tx, idOrName string) (*inventory.Machine, error) {
	m, err := machine(ctx, tx, idOrName)
	if err != nil || db.dialect.lock == "" {
		return m, err
	}
	if _, err := db.lock(ctx, tx, `SELECT 1 FROM machine WHERE id = $1`, m.ID); err != nil {
		return nil, err
	}
	return machine(ctx, tx, m.ID) // as it is now that it is held
}

// named fills in whose events they are.
func named(events []journal.Event, m *inventory.Machine) []journal.Event {
	for i := range events {
		events[i].Machine, events[i].Name = m.ID, m.Name
	}
	return events
}

func (db *DB) writeState(ctx context.Context, tx *sql.Tx, before *inventory.Machine, facts string, m *inventory.Machine) error {
	moved, conditions := before.Phase != m.Phase, !slices.Equal(before.Conditions, m.Conditions)
	same := !moved && !conditions && before.Power == m.Power && facts == toJSON(m.Facts) && before.Image == m.Image &&
		before.Serial == m.Serial && before.UUID == m.UUID
	if same {
		return nil
	}
	if moved {
		if err := inventory.Move(before.Phase, m.Phase); err != nil {
			return err
		}
	}
	if err := db.noticed(ctx, tx, before, facts, m); err != nil {
		return err
	}
	n, err := exec(ctx, tx, `UPDATE machine SET phase = $1, power = $2, facts = $3, image = $4, serial = $5, serial_key = $6, uuid = $7, updated_at = $8,
			version = version + 1 WHERE id = $9 AND version = $10`,
		m.Phase, m.Power, jsonOrNull(m.Facts), m.Image, m.Serial, orNull(m.SerialKey()), m.UUID, db.now(), m.ID, before.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return changedMeanwhile(m.Name, "try again")
	}
	m.Version, m.UpdatedAt = before.Version+1, db.now()
	if conditions {
		if err := db.writeConditions(ctx, tx, m); err != nil {
			return err
		}
	}
	if moved && m.Phase == inventory.Retired {
		if err := retire(ctx, tx, m); err != nil {
			return err
		}
	}
	if shownOtherwise(before, m) {
		return bump(ctx, tx, m.ID)
	}
	return nil
}

func changedMeanwhile(name, hint string) error {
	return &fault.Error{Kind: fault.Conflict, Message: name + " was changed by somebody else meanwhile", Hint: hint, Err: errStale}
}

func (db *DB) writeConditions(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	if _, err := exec(ctx, tx, `DELETE FROM condition WHERE machine_id = $1`, m.ID); err != nil {
		return err
	}
	for i := range m.Conditions {
		c := &m.Conditions[i]
		if c.Since.IsZero() {
			c.Since = db.now()
		}
		if _, err := exec(ctx, tx, `INSERT INTO condition (machine_id, type, subject, reason, evidence, hint, since,
				waived_by, waived_reason, waived_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			m.ID, c.Type, c.Subject, c.Reason, c.Evidence, c.Hint, c.Since, c.Waived.By, c.Waived.Reason, timeOrNull(c.Waived.At)); err != nil {
			return err
		}
	}
	return nil
}

// retire gives up what a machine held, so that its slot, MACs, addresses and BMC are
// free for others and its credentials are gone. Work on it must have ended.
func retire(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	open, err := collect(ctx, tx, readText, `SELECT id FROM operation WHERE machine_id = $1 AND state IN ('queued', 'running', 'parked') ORDER BY id`, m.ID)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return fault.Conflictf("%s cannot retire while operation %s has not ended", m.Name, open[0]).WithHint("wait for it, or 'rackwright operation cancel %s'", open[0])
	}
	for _, table := range []string{"slot_cell", "nic", "bmc"} {
		if _, err := exec(ctx, tx, `DELETE FROM `+table+` WHERE machine_id = $1`, m.ID); err != nil {
			return err
		}
	}
	m.Slot, m.NICs, m.BMC = nil, nil, nil
	_, err = exec(ctx, tx, `UPDATE machine SET rack_id = NULL, u = NULL, height = NULL, face = NULL WHERE id = $1`, m.ID)
	return err
}

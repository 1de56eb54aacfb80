package store

import (
	"context"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// ChangeMachine reads a machine, lets change alter it, and writes its state back in one
// transaction together with the events change returns: phase, power, facts, image,
// conditions, hold, proof of empty disks, and what was learned of its identity (serial,
// UUID, vendor, asset tag, the MACs of its ports). Of several writers each sees what the
// one before it left; change may be run more than once and must do nothing else. The
// machine is not written when change leaves it as it was.
func (db *DB) ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error) {
	return db.changeMachine(ctx, idOrName, func(_ *txn, m *inventory.Machine) ([]journal.Event, error) { return change(m) })
}

// changeMachine is ChangeMachine for a change that asks the database.
func (db *DB) changeMachine(ctx context.Context, idOrName string, change func(*txn, *inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error) {
	var out *inventory.Machine
	err := db.tx(ctx, func(tx *txn) error {
		m, err := db.machineToChange(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		was := stateOf(m)
		events, err := change(tx, m)
		if err != nil {
			return err
		}
		out = m
		if err := db.writeState(ctx, tx, was, m); err != nil {
			return err
		}
		return db.append(ctx, tx, named(events, m))
	})
	if err == nil {
		db.wakeMachine()
	}
	return out, err
}

func (db *DB) wakeMachine() {
	db.events.wake(everything)
	db.changed.wake(everything)
	db.unjudged.wake(everything)
}

// state is a machine as it was read, with copies of what a change may alter in place.
type state struct {
	inventory.Machine
	facts string
}

func stateOf(m *inventory.Machine) *state {
	s := &state{Machine: *m, facts: toJSON(m.Facts)}
	s.Conditions, s.NICs = slices.Clone(m.Conditions), slices.Clone(m.NICs)
	if m.Hold != nil {
		hold := *m.Hold
		s.Hold = &hold
	}
	return s
}

// same reports whether a change left the state as it was.
func (s *state) same(m *inventory.Machine) bool {
	return s.Phase == m.Phase && slices.Equal(s.Conditions, m.Conditions) && s.Power == m.Power && s.facts == toJSON(m.Facts) && s.Image == m.Image &&
		!s.otherIdentity(m) && holdOf(&s.Machine) == holdOf(m) && s.Erased.Equal(m.Erased) && s.Replaces == m.Replaces
}

// otherIdentity reports whether something was learned of what the machine is.
func (s *state) otherIdentity(m *inventory.Machine) bool {
	return s.Serial != m.Serial || s.UUID != m.UUID || s.Vendor != m.Vendor || s.AssetTag != m.AssetTag || s.otherMACs(m)
}

func (s *state) otherMACs(m *inventory.Machine) bool {
	return !slices.EqualFunc(s.NICs, m.NICs, func(a, b inventory.NIC) bool { return a.MAC == b.MAC })
}

func holdOf(m *inventory.Machine) (h inventory.Hold) {
	if m.Hold != nil {
		h = *m.Hold
	}
	return h
}

// machineToChange reads a machine that no other transaction changes until this one ends;
// Conflict when the call expects another version (see Expect).
func (db *DB) machineToChange(ctx context.Context, tx *txn, idOrName string) (*inventory.Machine, error) {
	m, err := db.machine(ctx, tx, idOrName)
	if err == nil && db.dialect.lock != "" {
		if _, err = db.lock(ctx, tx, `SELECT 1 FROM machine WHERE id = $1`, m.ID); err == nil {
			m, err = db.machine(ctx, tx, m.ID) // as it is now that it is held
		}
	}
	if err == nil {
		err = asSeen(ctx, "machines", m.Name, m.Version)
	}
	return m, err
}

// named fills in whose events they are.
func named(events []journal.Event, m *inventory.Machine) []journal.Event {
	for i := range events {
		events[i].Machine, events[i].Name = m.ID, m.Name
	}
	return events
}

func (db *DB) writeState(ctx context.Context, tx *txn, was *state, m *inventory.Machine) error {
	if was.same(m) {
		return nil
	}
	moved := was.Phase != m.Phase
	if moved {
		if err := inventory.Move(was.Phase, m.Phase); err != nil {
			return err
		}
	}
	if err := db.noticed(ctx, tx, &was.Machine, was.facts, m); err != nil {
		return err
	}
	hold := holdOf(m)
	n, err := exec(ctx, tx, `UPDATE machine SET phase = $1, power = $2, facts = $3, image = $4, serial = $5, serial_key = $6, uuid = $7, updated_at = $8,
			vendor = $9, asset_tag = $10, hold_by = $11, hold_reason = $12, hold_since = $13, hold_until = $14, erased_at = $15, replaces = $16,
			version = version + 1 WHERE id = $17 AND version = $18`,
		m.Phase, m.Power, jsonOrNull(m.Facts), m.Image, m.Serial, ownSerial(m), m.UUID, db.now(), m.Vendor, m.AssetTag,
		hold.By, hold.Reason, timeOrNull(hold.Since), timeOrNull(hold.Until), timeOrNull(m.Erased), orNull(m.Replaces), m.ID, was.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return changedMeanwhile(m.Name, "try again")
	}
	m.Version, m.UpdatedAt = was.Version+1, db.now()
	if err := db.writeLearned(ctx, tx, was, m); err != nil {
		return err
	}
	if !slices.Equal(was.Conditions, m.Conditions) {
		if err := db.writeConditions(ctx, tx, m); err != nil {
			return err
		}
	}
	if moved && m.Phase == inventory.Retired {
		outlets := outletsOf(m.PSUs)
		if err := db.retire(ctx, tx, m); err != nil {
			return err
		}
		if err := db.loadAgain(ctx, tx, was.Slot, outlets); err != nil {
			return err
		}
	}
	if shownOtherwise(&was.Machine, m) {
		return bump(ctx, tx, m.ID)
	}
	return nil
}

// ownSerial is the serial number that no other planned machine may have. A machine in no
// plan has none of its own: it may turn out to be a planned one.
func ownSerial(m *inventory.Machine) any {
	if m.Slot == nil {
		return nil
	}
	return orNull(m.SerialKey())
}

// writeLearned writes the MACs of ports, and the words by which the machine is found.
func (db *DB) writeLearned(ctx context.Context, tx *txn, was *state, m *inventory.Machine) error {
	if !was.otherIdentity(m) {
		return nil
	}
	for i := range m.NICs {
		n := &m.NICs[i]
		if i < len(was.NICs) && was.NICs[i].MAC == n.MAC {
			continue
		}
		if _, err := exec(ctx, tx, `UPDATE nic SET mac = $1 WHERE machine_id = $2 AND name = $3`, macOrNull(n.MAC), m.ID, n.Name); err != nil {
			return err
		}
	}
	if was.otherMACs(m) {
		if err := writeSpec(ctx, tx, m); err != nil {
			return err
		}
	}
	return rewriteWords(ctx, tx, m)
}

func changedMeanwhile(name, hint string) error {
	return &fault.Error{Kind: fault.Conflict, Message: name + " was changed by somebody else meanwhile", Hint: hint, Err: errStale}
}

func (db *DB) writeConditions(ctx context.Context, tx *txn, m *inventory.Machine) error {
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

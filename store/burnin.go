package store

import (
	"context"
	"database/sql"
	"slices"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

// BeginBurnIn writes down that a burn-in of a machine begins; it waits for power.
func (db *DB) BeginBurnIn(ctx context.Context, o *deploy.Operation) (*deploy.BurnRecord, error) {
	b := &deploy.BurnRecord{ID: newID(), Operation: o.ID, Machine: o.Machine, Name: o.Name, State: deploy.BurnWaiting, Began: db.now(), Turn: o.Turn, Power: -1, Version: 1}
	if o.Order.Burn != nil {
		b.Order = *o.Order.Burn
	}
	_, err := exec(ctx, db.sql, `INSERT INTO burn_in (id, operation_id, machine_id, state, power_turn, spec, began_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 1)`,
		b.ID, b.Operation, b.Machine, b.State, b.Power, toJSON(b), b.Began)
	return b, db.fault(err)
}

// SaveBurnIn writes a burn-in back. Conflict when it was changed meanwhile.
func (db *DB) SaveBurnIn(ctx context.Context, b *deploy.BurnRecord) error {
	if b.Over() && b.Ended.IsZero() {
		b.Ended = db.now()
	}
	n, err := exec(ctx, db.sql, `UPDATE burn_in SET state = $1, power_turn = $2, spec = $3, ended_at = $4, version = version + 1 WHERE id = $5 AND version = $6`,
		b.State, b.Power, toJSON(b), timeOrNull(b.Ended), b.ID, b.Version)
	if err == nil && n == 0 {
		return fault.Conflictf("the burn-in of %s was changed meanwhile", b.Name).WithHint("look at it again")
	}
	if err == nil {
		b.Version++
	}
	return db.fault(err)
}

// BurnInOf returns the newest burn-in of an operation, nil when it has not begun.
func (db *DB) BurnInOf(ctx context.Context, operation string) (*deploy.BurnRecord, error) {
	found, err := burnIns(ctx, db.sql, `b.operation_id = $1 ORDER BY b.began_at DESC, b.id DESC LIMIT 1`, operation)
	return first(found), db.fault(err)
}

// BurnIns lists the burn-ins of a machine, newest first.
func (db *DB) BurnIns(ctx context.Context, machineID string, limit int) ([]deploy.BurnRecord, error) {
	found, err := burnIns(ctx, db.sql, `b.machine_id = $1 ORDER BY b.began_at DESC, b.id DESC LIMIT $2`, machineID, limit)
	return found, db.fault(err)
}

// BurnSiblings lists of each machine of a machine's model and batch, itself among them, the
// newest burn-in that ended with a verdict, the latest first. A machine without a model
// has only itself.
func (db *DB) BurnSiblings(ctx context.Context, machineID string, limit int) ([]deploy.BurnRecord, error) {
	found, err := burnIns(ctx, db.sql, `b.ended_at IS NOT NULL AND m.phase <> 'retired'
		AND (m.id = $1 OR m.model <> '' AND (m.model, m.batch) IN (SELECT s.model, s.batch FROM machine s WHERE s.id = $1))
		AND NOT EXISTS (SELECT 1 FROM burn_in n WHERE n.machine_id = b.machine_id AND n.ended_at IS NOT NULL AND (n.ended_at > b.ended_at OR n.ended_at = b.ended_at AND n.id > b.id))
		ORDER BY b.ended_at DESC, b.id DESC LIMIT $2`, machineID, limit)
	return found, db.fault(err)
}

func burnIns(ctx context.Context, q queryer, pick string, args ...any) ([]deploy.BurnRecord, error) {
	return collect(ctx, q, func(scan func(...any) error) (b deploy.BurnRecord, err error) {
		var is deploy.BurnState
		var power int
		var of deploy.State
		err = scan(asText{&b.ID}, asJSON{&b}, &b.Name, &is, &power, &b.Version, &of)
		if b.State, b.Power = is, power; of.Ended() && !b.Over() {
			b.State = deploy.BurnGivenUp
		}
		return b, err
	}, `SELECT b.id, b.spec, m.name, b.state, b.power_turn, b.version, o.state FROM burn_in b JOIN operation o ON o.id = b.operation_id
		JOIN machine m ON m.id = b.machine_id WHERE `+pick, args...)
}

// PowerBurnIn lets a burn-in draw full power when its rack has that, beside those that do
// so already: one after the other in the order they began, so that none waits for ever.
// What does not fit goes on waiting; the budget says why.
func (db *DB) PowerBurnIn(ctx context.Context, b *deploy.BurnRecord, o *deploy.Operation) (inventory.Budget, error) {
	var out inventory.Budget
	err := db.tx(ctx, func(tx *sql.Tx) error {
		m, err := machine(ctx, tx, b.Machine)
		if err != nil {
			return err
		}
		out = inventory.Budget{Fits: true, Ever: true}
		if m.Slot != nil {
			if out, err = db.budget(ctx, tx, m, b); err != nil {
				return err
			}
		}
		if !out.Fits {
			return nil
		}
		b.Power, b.State = o.Turn, deploy.BurnRunning
		n, err := exec(ctx, tx, `UPDATE burn_in SET power_turn = $1, state = $2, spec = $3, version = version + 1 WHERE id = $4 AND version = $5`, b.Power, b.State, toJSON(b), b.ID, b.Version)
		if err == nil && n == 0 {
			return fault.Conflictf("the burn-in of %s was changed meanwhile", b.Name).WithHint("look at it again")
		}
		return err
	})
	if err == nil && out.Fits {
		b.Version++
	}
	return out, err
}

// budget is the power of a machine's rack, which is held until the transaction ends.
func (db *DB) budget(ctx context.Context, tx *sql.Tx, m *inventory.Machine, b *deploy.BurnRecord) (inventory.Budget, error) {
	if _, err := db.lock(ctx, tx, `SELECT 1 FROM rack WHERE name = $1`, m.Slot.Rack); err != nil {
		return inventory.Budget{}, err
	}
	inv, err := rackInventory(ctx, tx, m.Slot.Rack)
	if err != nil {
		return inventory.Budget{}, err
	}
	const open = `SELECT b.machine_id FROM burn_in b JOIN operation o ON o.id = b.operation_id JOIN machine m ON m.id = b.machine_id
		WHERE b.ended_at IS NULL AND o.state = 'running' AND b.id <> $1 AND `
	burning, err := collect(ctx, tx, readText, open+`b.power_turn = o.turn`, b.ID)
	if err != nil {
		return inventory.Budget{}, err
	}
	before, err := collect(ctx, tx, readText, open+`b.power_turn <> o.turn AND m.rack_id = $2 AND (b.began_at < $3 OR b.began_at = $3 AND b.id < $1) LIMIT 1`, b.ID, inv.Racks[0].ID, b.Began)
	if err != nil {
		return inventory.Budget{}, err
	}
	begun, err := collect(ctx, tx, readText, `SELECT machine_id FROM operation WHERE state IN ('queued', 'running')`)
	if err != nil {
		return inventory.Budget{}, err
	}
	for i := range inv.Machines {
		if o := &inv.Machines[i]; o.Power == inventory.PowerOff && slices.Contains(begun, o.ID) {
			o.Power = inventory.PowerUnknown // it is off for now: its operation may start it at any moment
		}
	}
	full := map[string]bool{}
	for _, id := range burning {
		full[id] = true
	}
	at := inventory.Admit(m, inv.Racks[0], inv.Devices, inv.Machines, inv.Model, func(id string) bool { return full[id] })
	at.Fits = at.Fits && len(before) == 0
	return at, nil
}

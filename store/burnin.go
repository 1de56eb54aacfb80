package store

import (
	"context"

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
	err := db.tx(ctx, func(tx *txn) error {
		m, err := db.machine(ctx, tx, b.Machine)
		if err != nil {
			return err
		}
		if out, err = db.budget(ctx, tx, m); err != nil || !out.Fits {
			return err
		}
		before, err := collect(ctx, tx, readText, openBurns+`AND b.power_turn <> o.turn AND m.rack_id = (SELECT rack_id FROM machine WHERE id = $1)
			AND (b.began_at < $2 OR b.began_at = $2 AND b.id < $3) LIMIT 1`, m.ID, b.Began, b.ID)
		if err != nil {
			return err
		}
		if out.Fits = len(before) == 0; !out.Fits {
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

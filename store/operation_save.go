package store

import (
	"context"
	"database/sql"
	"errors"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
)

// SaveOperation writes an operation back in one transaction with the events of what was
// done, and gives up the lease. A stale fence is Conflict and writes nothing. A request
// to cancel that came meanwhile is kept, and what came in since the claim (see
// PokeOperation) makes the operation due at once, whatever o.Due says.
func (db *DB) SaveOperation(ctx context.Context, o *deploy.Operation, events ...journal.Event) error {
	var w written
	err := db.tx(ctx, func(tx *txn) (err error) {
		w, err = db.writeOperation(ctx, tx, o, events)
		return err
	})
	if err != nil {
		return err
	}
	o.Version++
	db.wakeOperation(o.ID, w)
	return nil
}

// wakeOperation tells whoever waits for an operation to be saved.
func (db *DB) wakeOperation(id string, w written) {
	db.saved.wake(id)
	db.events.wake(everything)
	if w.view {
		db.changed.wake(everything)
	}
	if w.due {
		db.work.wake(everything)
	}
}

// OperationSaved returns a signal that this process saved the operation; other processes
// find it by polling. The function ends the subscription.
func (db *DB) OperationSaved(id string) (<-chan struct{}, func()) { return db.saved.listen(id) }

// written is what saving an operation brought about.
type written struct {
	view bool // what its machine is told at its next netboot changed
	due  bool // there is more to do at once
}

// writeOperation is SaveOperation inside a transaction.
func (db *DB) writeOperation(ctx context.Context, tx *txn, o *deploy.Operation, events []journal.Event) (w written, err error) {
	var netboots, woken bool
	var was deploy.State
	err = tx.QueryRowContext(ctx, `SELECT netboots, woken, state FROM operation WHERE id = $1 AND fence = $2`+db.dialect.lock, o.ID, o.Fence).
		Scan(&netboots, &woken, &was)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return w, fault.Conflictf("operation %s was taken over by another worker", o.ID)
	case err != nil:
		return w, err
	case was.Ended() && was != o.State:
		return w, fault.Conflictf("operation %s %s", o.ID, was.Ending())
	}
	o.Updated = db.now()
	if o.State.Ended() && o.Finished.IsZero() {
		o.Finished = o.Updated
	}
	due := o.Due
	if woken {
		due = o.Updated
	}
	n, err := exec(ctx, tx, `UPDATE operation SET state = $1, steps = $2, current = $3, reason = $4, message = $5, hint = $6, disk = $7, turn = $8,
			updated_at = $9, finished_at = $10, due = $11, netboots = $12, lease_owner = '', version = version + 1
		WHERE id = $13 AND fence = $14`,
		o.State, toJSON(o.Steps), o.Current, o.Reason, o.Message, o.Hint, o.Disk, o.Turn, o.Updated, timeOrNull(o.Finished), due, o.Netboots(), o.ID, o.Fence)
	if err != nil {
		return w, err
	}
	if n == 0 {
		return w, fault.Conflictf("operation %s was taken over by another worker", o.ID)
	}
	w = written{view: netboots != o.Netboots(), due: !o.State.Ended() && !due.After(o.Updated)}
	if w.view {
		if err := bump(ctx, tx, o.Machine); err != nil {
			return w, err
		}
	}
	return w, db.append(ctx, tx, events)
}

// PokeOperation makes an operation due now. While a worker holds it, which may have
// looked before this came in, it is due again as soon as the worker saves it.
func (db *DB) PokeOperation(ctx context.Context, id string) error {
	err := db.poke(ctx, db.sql, id)
	db.work.wake(everything)
	return db.fault(err)
}

func (db *DB) poke(ctx context.Context, q queryer, id string) error {
	_, err := exec(ctx, q, `UPDATE operation SET due = CASE WHEN due > $1 THEN $1 ELSE due END, woken = true
		WHERE id = $2 AND state IN ('queued', 'running')`, db.now(), id)
	return err
}

// WorkDue returns a signal that work may have become due, by what this process did or, as
// PostgreSQL told it, another (see Listener). The function ends the subscription.
func (db *DB) WorkDue() (<-chan struct{}, func()) { return db.work.listen(everything) }

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
)

// CancelOperation asks for the end of an operation: a worker ends it before its next
// act; one that is parked, or queued and in no worker's hands, ends at once. One that has
// ended stays as it is.
func (db *DB) CancelOperation(ctx context.Context, id, actor string) (*deploy.Operation, error) {
	return db.steer(ctx, id, actor, "cancel", func(o *deploy.Operation, held bool) (bool, error) {
		if o.State.Ended() || (o.Cancel && o.State == deploy.Running) {
			return false, nil
		}
		o.Cancel = true
		if o.State != deploy.Running && !held {
			o.State = deploy.Cancelled
		}
		return true, nil
	})
}

// RetryOperation starts a parked operation again at the step it parked at. One that is
// running already goes on.
func (db *DB) RetryOperation(ctx context.Context, id, actor string) (*deploy.Operation, error) {
	return db.steer(ctx, id, actor, "retry", func(o *deploy.Operation, _ bool) (bool, error) {
		switch o.State {
		case deploy.Running, deploy.Queued:
			return false, nil
		case deploy.Parked:
			o.Restart()
			return true, nil
		}
		return false, fault.Conflictf("operation %s has %s; it cannot be retried", o.ID, o.State).WithHint("start a new one")
	})
}

// steer lets a person change an operation. One that stays in its state gets no more than
// its cancel flag set, so that the worker's own save still holds; one that is moved is
// taken out of the hands of whoever held it.
func (db *DB) steer(ctx context.Context, id, actor, what string, change func(o *deploy.Operation, held bool) (bool, error)) (*deploy.Operation, error) {
	var out *deploy.Operation
	var w written
	err := db.tx(ctx, func(tx *txn) error {
		o, held, err := db.operationToChange(ctx, tx, id)
		if err != nil {
			return err
		}
		out = o
		was := o.State
		changed, err := change(o, held)
		if err != nil || !changed {
			return err
		}
		o.Due = db.now()
		events := []journal.Event{operationEvent(o, actor, fmt.Sprintf("%s of %s asked for", what, o.Kind))}
		if o.State == was {
			o.Version++
			return db.flagCancel(ctx, tx, o, events)
		}
		o.Fence++
		if _, err := exec(ctx, tx, `UPDATE operation SET cancel = $1, fence = $2 WHERE id = $3`, o.Cancel, o.Fence, o.ID); err != nil {
			return err
		}
		o.Version++
		w, err = db.writeOperation(ctx, tx, o, events)
		return err
	})
	if err != nil {
		return nil, err
	}
	db.work.wake(everything)
	db.wakeOperation(out.ID, w)
	return out, nil
}

func (db *DB) flagCancel(ctx context.Context, tx *txn, o *deploy.Operation, events []journal.Event) error {
	if _, err := exec(ctx, tx, `UPDATE operation SET cancel = $1, due = $2, woken = true, version = $3 WHERE id = $4`, o.Cancel, o.Due, o.Version, o.ID); err != nil {
		return err
	}
	return db.append(ctx, tx, events)
}

// operationToChange reads an operation that no other transaction changes until this one
// ends, and whether a worker holds it.
func (db *DB) operationToChange(ctx context.Context, tx *txn, id string) (o *deploy.Operation, held bool, err error) {
	if isID(id) {
		err = tx.QueryRowContext(ctx, `SELECT lease_owner <> '' AND lease_until > $1 FROM operation WHERE id = $2`+db.dialect.lock, db.now(), strings.ToLower(id)).Scan(&held)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, false, err
		}
	}
	o, err = db.operation(ctx, tx, id)
	if err == nil {
		err = asSeen(ctx, "operations", "operation "+o.ID, o.Version)
	}
	return o, held, err
}

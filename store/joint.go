package store

import (
	"context"
	"errors"
)

// jointKey is by which a call finds the transaction of Together on the same database.
type jointKey struct{ of *pool }

// errTakenBack ends a transaction that is to change nothing.
var errTakenBack = errors.New("taken back")

// Together runs calls that change the database as one: with the context that fn gets they
// are all done, or none when fn fails. One of them that fails by itself has changed nothing,
// and fn may go on. Without keep all is taken back in the end: then it is known what would
// be and what speaks against it. fn runs again when it lost against another transaction; it
// must return an error that is no fault of what was asked.
func (db *DB) Together(ctx context.Context, keep bool, fn func(ctx context.Context) error) error {
	err := db.tx(ctx, func(tx *txn) error {
		err := fn(context.WithValue(ctx, jointKey{db.sql}, tx))
		if err == nil && !keep {
			return errTakenBack
		}
		return err
	})
	if errors.Is(err, errTakenBack) {
		return nil
	}
	if err == nil { // what woke before the end saw nothing new
		db.wakeMachine()
		db.work.wake(everything)
	}
	return err
}

// within runs fn as a part of a transaction that is under way. What it did is taken back
// when it fails.
func (db *DB) within(ctx context.Context, tx *txn, fn func(tx *txn) error) error {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT part`); err != nil {
		return err
	}
	err := fn(tx)
	if err == nil {
		_, err = tx.ExecContext(ctx, `RELEASE SAVEPOINT part`)
		return err
	}
	if _, bad := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT part`); bad != nil {
		return errors.Join(err, bad)
	}
	if db.lost(err) {
		return err // the whole is tried again
	}
	return db.fault(err)
}

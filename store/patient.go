package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"rackwright/fault"
)

// Pending reports whether the database was away when a patient store was opened and
// Ready has not found it yet. Until then every method is Unreachable.
func (db *DB) Pending() bool { return db.pending.Load() }

// Ready does what Open could not: it connects and migrates the schema. Unreachable: the
// database is still away. It is called by one task, and does nothing once it succeeded.
func (db *DB) Ready(ctx context.Context) error {
	if !db.Pending() {
		return nil
	}
	pool := stdlib.OpenDB(*db.listen)
	defer pool.Close()
	pool.SetMaxOpenConns(4)
	if err := pool.PingContext(ctx); err != nil {
		return db.fault(err)
	}
	if err := db.migrate(ctx, pool); err != nil {
		return err
	}
	db.pending.Store(false)
	return nil
}

// gate keeps everyone off a database whose schema was not looked at yet.
func (db *DB) gate(context.Context, *pgx.ConnConfig) error {
	if db.Pending() {
		return fault.Unreachablef("the database does not answer since the server was started").WithHint("it is tried again; see the server's log")
	}
	return nil
}

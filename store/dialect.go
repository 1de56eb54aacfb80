package store

import (
	"context"
	"database/sql"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"rackwright/fault"
)

// dialect is all in which the two databases differ.
type dialect struct {
	goose   goose.Dialect
	files   func() (fs.FS, error)
	single  bool             // one process alone has the database
	skip    string           // appended to the query that picks a row to claim
	lock    string           // appended to the query of rows that the transaction will change
	onePlan string           // run first, it lets one plan at a time be applied
	inOrder string           // run before events are written, it makes their ids grow as they become visible
	again   func(error) bool // a transaction that failed so is tried again
	fault   func(error) error
	session bool // the migrator takes a session lock

	params    int                   // of a statement that inserts many rows
	mark      func(n int) string    // of its nth parameter
	oneOf     string                // behind a column: whether it is one of the array that is parameter %d
	array     func([]string) string // as that parameter
	aggregate string                // function that makes a JSON array of rows
	object    string                // function that makes a JSON object of names and values
	leases    string                // selects rows of leases in network $1 until $2, of $3: addresses and MACs in pairs, as JSON
	weighed   []any                 // before the arguments of a statement that is to be planned for their values
	shrink    string                // gives back the memory that reading much took, of the same connection

	snapshot sql.IsolationLevel // of a transaction that only reads

	uncounted string // finds a row if the tables were small, when last counted, beside $1 changes
	recount   string // counts their rows
}

func (db *DB) migrate(ctx context.Context, pool *sql.DB) error {
	files, err := db.dialect.files()
	if err != nil {
		return fault.Internalf("migrations: %w", err)
	}
	opts := []goose.ProviderOption{goose.WithSlog(db.log)}
	if db.dialect.session {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 60))
		if err != nil {
			return fault.Internalf("migration lock: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(db.dialect.goose, pool, files, opts...)
	if err != nil {
		return fault.Internalf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return db.fault(err)
	}
	return db.fault(db.complete(ctx, pool))
}

// Package store keeps the nouns in a database: PostgreSQL, or SQLite in one file, behind
// the same methods and, but for a small dialect, the same text of every query. It holds
// no rule of the domain that the domain can hold itself.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rackwright/fault"
)

// Sealer hides secrets before they are written. context names the row, so that a sealed
// value copied to another row does not open.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// Options say where the database is and what the store needs beside it.
type Options struct {
	DSN      string // a file path, or postgres://...
	Password string // of the PostgreSQL user, when not in the DSN
	Patient  bool   // open although PostgreSQL does not answer: see Ready
	Sealer   Sealer
	Log      *slog.Logger
	Now      func() time.Time
}

// DB is the open store. It is safe for concurrent use.
type DB struct {
	sql     *pool
	dialect dialect
	seal    Sealer
	log     *slog.Logger
	now     func() time.Time
	release func() // gives up the SQLite file lock

	listen  *pgx.ConnConfig // of PostgreSQL; nil on SQLite
	pending atomic.Bool     // not migrated yet: see Ready

	changed  signal // the boot view's inputs changed
	events   signal // events were appended
	work     signal // an operation became due
	unjudged signal // a machine is to be compared with its plan
	saved    signal // the operation of that id was saved
	holds    signal // a BMC is wanted, or free for who wanted it

	fleets  signal // a rollout or a firmware campaign is to be looked after
	imports signal // an import of an image, or a job of the catalogue, is to be done

	tokens  tokenCache
	lenders lenders
	recent  recent

	byName, byID *machineDesk // nil: each machine is read alone
}

// Open connects, migrates the schema (guarded against two starters) and returns the
// store. An unreachable server is Unreachable, a locked SQLite file Conflict.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{seal: o.Sealer, log: o.Log, now: func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }, release: func() {}}
	connect := db.openSQLite
	if strings.HasPrefix(o.DSN, "postgres://") || strings.HasPrefix(o.DSN, "postgresql://") {
		connect = db.openPostgres
	}
	if err := connect(ctx, o); err != nil {
		db.Close()
		return nil, err
	}
	if db.Pending() {
		return db, nil
	}
	if err := db.migrate(ctx, db.sql.DB); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close ends the connections and gives up the file lock.
func (db *DB) Close() error {
	defer db.release()
	if db.sql == nil {
		return nil
	}
	return db.sql.Close()
}

// Ping returns Unreachable if the database does not answer.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.fault(db.sql.QueryRowContext(ctx, `SELECT 1`).Scan(&one))
}

// Single reports whether this process is the only one on the database, as on SQLite.
func (db *DB) Single() bool { return db.dialect.single }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// isID tells an id from a name: names have at most 63 characters of another form.
func isID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }

// queryer is what *sql.DB and *txn share.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// txTries bounds how often a transaction that lost against another is begun again.
const txTries = 5

// errStale marks a write that lost against another since its row was read.
var errStale = errors.New("changed meanwhile")

// tx runs fn in a transaction. One that lost against another transaction is run again:
// what it reads then says who won, in better words than the schema has. Inside of Together
// it is a part of that.
func (db *DB) tx(ctx context.Context, fn func(tx *txn) error) error {
	if tx, ok := ctx.Value(jointKey{db.sql}).(*txn); ok {
		return db.within(ctx, tx, fn)
	}
	for try := 1; ; try++ {
		err := db.once(ctx, fn)
		if !db.lost(err) || try == txTries || ctx.Err() != nil {
			return db.fault(err)
		}
	}
}

// lost reports whether a transaction failed because another was quicker.
func (db *DB) lost(err error) bool { return errors.Is(err, errStale) || db.dialect.again(err) }

// lock holds the rows a query picks until the transaction ends and reports whether
// there were any. SQLite's transactions hold the whole database anyway.
func (db *DB) lock(ctx context.Context, tx *txn, query string, args ...any) (bool, error) {
	var found int
	err := tx.QueryRowContext(ctx, query+db.dialect.lock, args...).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (db *DB) once(ctx context.Context, fn func(tx *txn) error) error {
	end, err := db.sql.toWrite(ctx)
	if err != nil {
		return err
	}
	defer end()
	tx, err := db.sql.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	began := db.now()
	if err := fn(tx); err != nil {
		return err
	}
	writes(ctx)
	err = tx.Commit()
	if err == nil && db.now().Sub(began) > muchWritten {
		db.sql.desk.giveBack(ctx, db.dialect.shrink)
	}
	return err
}

// muchWritten is how long a transaction takes that leaves memory to give back: a plan of
// thousands of machines.
const muchWritten = time.Second

// fault gives a database error its kind; faults of the domain pass as they are.
func (db *DB) fault(err error) error {
	if err == nil {
		return nil
	}
	if fault.KindOf(err) != fault.Internal || fault.HintOf(err) != "" {
		return err
	}
	return db.dialect.fault(err)
}

// exec runs a statement and returns how many rows it touched. Inside of Together it is a
// part of that.
func exec(ctx context.Context, q queryer, query string, args ...any) (int64, error) {
	run := q.ExecContext
	if p, ok := q.(*pool); ok {
		if tx, ok := ctx.Value(jointKey{p}).(*txn); ok {
			run = tx.ExecContext
		} else {
			run = p.write
		}
	}
	res, err := run(ctx, query, storable(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// collect runs a query and scans each row with read.
func collect[T any](ctx context.Context, q queryer, read func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, storable(args)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := read(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// signal wakes whoever listens to a topic; a listener that is busy finds one wake waiting.
type signal struct {
	mu        sync.Mutex
	listeners map[string]map[chan struct{}]struct{}
}

// everything is the topic of signals that have only one.
const everything = ""

func (s *signal) listen(topic string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		s.listeners = map[string]map[chan struct{}]struct{}{}
	}
	if s.listeners[topic] == nil {
		s.listeners[topic] = map[chan struct{}]struct{}{}
	}
	s.listeners[topic][c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners[topic], c)
		if len(s.listeners[topic]) == 0 {
			delete(s.listeners, topic)
		}
	}
}

func (s *signal) wake(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.listeners[topic] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"rackwright/fault"
	"rackwright/migrations"
)

// openSQLite opens the file and takes the lock beside it, because SQLite is for one
// process: leases of work and caches would not be seen by another.
func (db *DB) openSQLite(_ context.Context, o Options) error {
	// The driver looks for the value of a numbered parameter among all of them, so those of
	// long statements have no numbers.
	db.dialect = dialect{goose: goose.DialectSQLite3, files: migrations.SQLite, single: true, again: sqliteAgain, fault: sqliteFault,
		params: 200, mark: func(int) string { return "?" },
		oneOf: " IN (SELECT value FROM json_each($%d))", array: func(values []string) string { return toJSON(values) },
		aggregate: "json_group_array", object: "json_object", shrink: "PRAGMA shrink_memory",
		leases: "$1, value ->> 0, value ->> 1, $2 FROM json_each($3) WHERE true"}
	release, err := lockFile(o.DSN + ".lock")
	if err != nil {
		return err
	}
	db.release = release
	// FULL: what was answered or done must not be forgotten by a power cut. The cache, in KiB
	// for each connection, holds the upper pages of all indexes at 100,000 machines.
	q := url.Values{"_txlock": {"immediate"}, "_time_integer_format": {"unix_micro"},
		"_pragma": {"journal_mode(WAL)", "busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)", "cache_size(-16000)"}}
	if err := private(o.DSN); err != nil {
		return err
	}
	connections, err := sql.Open("sqlite", "file:"+(&url.URL{Path: o.DSN}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return fault.Internalf("open %s: %w", o.DSN, err)
	}
	db.sql = embedded(connections)
	db.sql.SetMaxOpenConns(8)
	db.sql.SetMaxIdleConns(8) // a new one has nothing in its cache
	db.sql.SetConnMaxIdleTime(idleTime)
	return nil
}

// private makes the database's file readable by its owner alone; SQLite gives the files
// beside it the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fault.Invalidf("database file: %w", err).WithHint("set state_dir to a folder this user may write")
	}
	return f.Close()
}

func lockFile(path string) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Invalidf("state directory: %w", err).WithHint("set state_dir to a folder this user may write")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Invalidf("database lock: %w", err).WithHint("set state_dir to a folder this user may write")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.Conflictf("%s is in use by another rackwright", strings.TrimSuffix(path, ".lock")).
			WithHint("stop the other one, or set database to a PostgreSQL that several may share")
	}
	return func() { f.Close() }, nil
}

func sqliteAgain(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

func sqliteFault(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFoundf("no such row").WithHint("it may have been removed meanwhile")
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return taken(e.Error(), err)
	case sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return ruled(e.Error(), err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: // its message does not say which
		return fault.Conflictf("something it names does not exist, or is still in use: %w", err)
	case sqlite3.SQLITE_NOTADB:
		return fault.Invalidf("the database file is not one of SQLite").WithHint("set database or state_dir to the right place; nothing was changed")
	case sqlite3.SQLITE_FULL:
		return fault.New(fault.Unreachable, "the disk of the database is full").WithHint("free space under state_dir")
	}
	return fault.Internalf("database: %w", err)
}

// unfit tells a cable that does not fit apart from what else may be missing: SQLite does
// not say which rule it is.
func unfit(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
		return taken("cable_fits", err)
	}
	return err
}

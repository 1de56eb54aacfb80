package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"rackwright/fault"
	"rackwright/migrations"
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

	params int                   // of a statement that inserts many rows
	mark   func(n int) string    // of its nth parameter
	oneOf  string                // behind a column: whether it is one of the array that is parameter %d
	array  func([]string) string // as that parameter

	snapshot sql.IsolationLevel // of a transaction that only reads
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

// openSQLite opens the file and takes the lock beside it, because SQLite is for one
// process: leases of work and caches would not be seen by another.
func (db *DB) openSQLite(_ context.Context, o Options) error {
	// The driver looks for the value of a numbered parameter among all of them, so those of
	// long statements have no numbers.
	db.dialect = dialect{goose: goose.DialectSQLite3, files: migrations.SQLite, single: true, again: sqliteAgain, fault: sqliteFault,
		params: 200, mark: func(int) string { return "?" },
		oneOf: " IN (SELECT value FROM json_each($%d))", array: func(values []string) string { return toJSON(values) }}
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
	db.sql, err = sql.Open("sqlite", "file:"+(&url.URL{Path: o.DSN}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return fault.Internalf("open %s: %w", o.DSN, err)
	}
	db.sql.SetMaxOpenConns(8)
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

func (db *DB) openPostgres(ctx context.Context, o Options) error {
	db.dialect = dialect{goose: goose.DialectPostgres, files: migrations.Postgres, session: true,
		snapshot: sql.LevelRepeatableRead,
		skip:     " FOR UPDATE SKIP LOCKED", lock: " FOR NO KEY UPDATE",
		onePlan: `SELECT pg_advisory_xact_lock(7287, 1)`, inOrder: `SELECT pg_advisory_xact_lock(7287, 2)`,
		again: postgresAgain, fault: postgresFault,
		params: 2000, mark: numbered, oneOf: " = ANY($%d)", array: postgresArray}
	cfg, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		// the parser's error repeats the URL, password and all
		return fault.Invalidf("database is not a PostgreSQL URL").WithHint("write it as postgres://user@host:5432/name")
	}
	if o.Password != "" {
		cfg.Password = o.Password
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTime
	}
	db.listen = cfg
	db.sql = stdlib.OpenDB(*cfg, stdlib.OptionBeforeConnect(db.gate))
	db.sql.SetMaxOpenConns(16)
	db.sql.SetMaxIdleConns(8)
	err = postgresFault(db.sql.PingContext(ctx))
	if o.Patient && fault.Is(err, fault.Unreachable) {
		db.pending.Store(true)
		return nil
	}
	return err
}

// connectTime is how long a PostgreSQL that says nothing is waited for.
const connectTime = 10 * time.Second

// postgresArray writes an array as PostgreSQL reads it.
func postgresArray(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

func postgresAgain(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "23505", "23P01": // lost a race; deadlock; another was first to what is unique
		return true
	}
	return false
}

func postgresFault(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFoundf("no such row").WithHint("it may have been removed meanwhile")
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "23505", "23P01":
			return taken(e.ConstraintName, err)
		case "23514":
			return ruled(e.ConstraintName, err)
		case "23503":
			if e.ConstraintName == "cable_fits" {
				return taken(e.ConstraintName, err)
			}
			return fault.Conflictf("something it names does not exist, or is still in use: %s", e.Detail)
		case "28P01", "28000":
			return fault.Deniedf("PostgreSQL refused the user or password").WithHint("check database and database_password_file")
		case "3D000":
			return fault.NotFoundf("%s", e.Message).WithHint("create it: createdb NAME")
		case "22P02", "22021":
			return fault.Invalidf("%s", e.Message)
		case "53300", "57P01", "57P02", "57P03":
			return fault.Unreachablef("PostgreSQL: %s", e.Message).WithHint("it is tried again")
		}
		return fault.Internalf("database: %s (%s)", e.Message, e.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fault.Unreachablef("PostgreSQL does not answer").WithHint("check that it runs and that database names its host and port")
	}
	_, broken := errors.AsType[*net.OpError](err)
	if broken || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) {
		return fault.Unreachablef("the connection to PostgreSQL broke").WithHint("it is tried again")
	}
	return err
}

// unfit tells a cable that does not fit apart from what else may be missing: SQLite does
// not say which rule it is.
func unfit(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
		return taken("cable_fits", err)
	}
	return err
}

// ruled is taken for a rule about one row: unknown ones are not a clash with another.
func ruled(what string, err error) error {
	for _, known := range []string{"rack_weight", "rack_feed_power", "network_cidr"} {
		if strings.Contains(what, known) {
			return taken(known, err)
		}
	}
	return &fault.Error{Kind: fault.Invalid, Message: "a value is not one that the schema allows: " + what, Err: err}
}

// taken turns a violation of the schema into words. The names of the rules, or of the
// columns, say which it is.
func taken(what string, err error) error {
	for _, rule := range []struct{ mark, words, hint string }{
		{"slot_cell", "the slot is taken or reserved", ""},
		{"nic_mac", "a MAC belongs to another machine", ""}, {"nic.mac", "a MAC belongs to another machine", ""},
		{"nic_network", "an address belongs to another machine", ""}, {"nic.network_id", "an address belongs to another machine", ""},
		{"nic_pkey", "the machine has two ports of one name", "give each port a name of its own"}, {"nic.machine_id", "the machine has two ports of one name", "give each port a name of its own"},
		{"cable_end_pkey", "a port or outlet has a cable already", ""}, {"cable_end.owner_id", "a port or outlet has a cable already", ""},
		{"cable_fits", "the cable does not fit the connectors at its ends", "correct the cable's type, or the connector of the port"},
		{"rack_weight", "the rack would carry more than its weight limit", "move something to another rack, or correct the weights"},
		{"rack_feed_power", "a feed of the rack would carry more than it may when another is lost", "move something to another rack, or correct the draw of the models"},
		{"bmc", "a BMC belongs to another machine", ""},
		{"machine_serial", "a serial number belongs to another machine", ""}, {"machine.serial_key", "a serial number belongs to another machine", ""},
		{"machine_asset_tag", "an asset tag belongs to another machine", ""}, {"machine.asset_tag", "an asset tag belongs to another machine", ""},
		{"machine_bay", "the bay is taken by another machine", ""}, {"machine.chassis_id", "the bay is taken by another machine", ""},
		{"machine_name", "a machine of that name exists", ""}, {"machine.name", "a machine of that name exists", ""},
		{"device_name", "a device of that name exists", ""}, {"device.name", "a device of that name exists", ""},
		{"operation_exclusive", "another operation on the machine has not ended", ""}, {"operation.machine_id", "another operation on the machine has not ended", ""},
		{"network_cidr", "the network overlaps another", ""},
		{"image", "an image of that name exists", ""},
	} {
		if strings.Contains(what, rule.mark) {
			return &fault.Error{Kind: fault.Conflict, Message: rule.words, Err: err, Hint: cmp.Or(rule.hint, "look at what holds it, then try again")}
		}
	}
	return &fault.Error{Kind: fault.Conflict, Message: "it exists already", Err: err}
}

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"rackwright/fault"
	"rackwright/migrations"
)

// connectTime is how long a PostgreSQL that says nothing is waited for.
const connectTime = 10 * time.Second

// connections is how many an instance holds at most: reading an answer takes a core of ours,
// so with more than a few for each core every answer only waits longer.
func connections() int { return min(16, 4*runtime.GOMAXPROCS(0)) }

func (db *DB) openPostgres(ctx context.Context, o Options) error {
	db.dialect = dialect{goose: goose.DialectPostgres, files: migrations.Postgres, session: true,
		snapshot: sql.LevelRepeatableRead,
		skip:     " FOR UPDATE SKIP LOCKED", lock: " FOR NO KEY UPDATE",
		onePlan: `SELECT pg_advisory_xact_lock(7287, 1)`, inOrder: `SELECT pg_advisory_xact_lock(7287, 2)`,
		again: postgresAgain, fault: postgresFault,
		params: 2000, mark: numbered, oneOf: " = ANY($%d)", array: postgresArray, leases: "CAST($1 AS uuid), CAST(value ->> 0 AS inet), CAST(value ->> 1 AS macaddr), CAST($2 AS timestamptz) FROM jsonb_array_elements(CAST($3 AS jsonb))",
		aggregate: "json_agg", object: "json_build_object",
		weighed:   []any{pgx.QueryExecModeCacheDescribe},
		uncounted: `SELECT relname FROM pg_class WHERE oid = to_regclass('machine') AND reltuples < 4 * $1::integer`,
		recount:   `ANALYZE rack, slot_cell, device, machine, nic, bmc, cable, cable_end, machine_label, machine_word`}
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
	db.sql = &pool{DB: stdlib.OpenDB(*cfg, stdlib.OptionBeforeConnect(db.gate), stdlib.OptionAfterConnect(inMemory(cfg)))}
	db.sql.SetMaxOpenConns(connections())
	db.sql.SetMaxIdleConns(connections())
	db.sql.SetConnMaxIdleTime(idleTime)
	db.openDesks()
	err = postgresFault(db.sql.PingContext(ctx))
	if o.Patient && fault.Is(err, fault.Unreachable) {
		db.pending.Store(true)
		return nil
	}
	return err
}

// inMemory tells PostgreSQL that the pages of an inventory are in memory, unless the address
// of the database says what reading one costs: with the costs of turning disks, it reads
// whole tables to find the cables of a page of machines.
func inMemory(cfg *pgx.ConnConfig) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		if _, given := cfg.RuntimeParams["random_page_cost"]; given {
			return nil
		}
		_, err := c.Exec(ctx, `SET random_page_cost = 1.1`)
		return err
	}
}

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

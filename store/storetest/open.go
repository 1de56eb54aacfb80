package storetest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/migrations"
	"rackwright/store"
)

func openings() chapter {
	return chapter{
		"what was written is there when the store is opened again": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			was := b.machine("n1")
			ok(t, b.Close())
			b.DB = b.open(b.dsn)
			same(t, "n1", b.machine("n1"), was)
			ok(t, b.Ping(b.ctx()))
		},
		"what a release before wrote of cables and power supplies is read as it was": func(t *testing.T, b *bench) { b.readOlder(row()) },
		"what a release before wrote of bonds and VLANs is read as it was":           func(t *testing.T, b *bench) { b.readOlder(bonded(2)) },
		"two that open an empty database at once migrate it once": func(t *testing.T, b *bench) {
			dsn := b.kind.Empty(t)
			errs := make([]error, 3)
			race(len(errs), func(i int) {
				var db *store.DB
				db, errs[i] = store.Open(b.ctx(), store.Options{DSN: dsn, Sealer: NewSealer("k")})
				if errs[i] == nil {
					defer db.Close()
					errs[i] = db.Ping(b.ctx())
				}
			})
			opened := 0
			for _, err := range errs {
				if err == nil {
					opened++
				} else if isPostgres(dsn) {
					t.Error(err)
				} else {
					refused(t, err, fault.Conflict)
				}
			}
			if opened == 0 {
				t.Error("nobody opened it")
			}
			var rows int
			ok(t, b.kind.Raw(t, dsn).QueryRowContext(b.ctx(), "SELECT count(*) FROM revision").Scan(&rows))
			same(t, "revisions", rows, 1)
		},
		"a second process on one file is refused, and may come when the first has gone": func(t *testing.T, b *bench) {
			if isPostgres(b.dsn) {
				t.Skip("PostgreSQL is for several processes")
			}
			if !b.Single() {
				t.Error("it does not know that it is alone")
			}
			_, err := store.Open(b.ctx(), store.Options{DSN: b.dsn, Sealer: NewSealer("k")})
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, b.dsn) || fault.HintOf(err) == "" {
				t.Errorf("got %q, hint %q", said, fault.HintOf(err))
			}
			ok(t, b.Close())
			b.open(b.dsn)
		},
		"the file is its owner's alone to read": func(t *testing.T, b *bench) {
			if isPostgres(b.dsn) {
				t.Skip("PostgreSQL guards its own files")
			}
			b.apply(planOf(1))
			for _, suffix := range []string{"", "-wal", "-shm"} {
				info, err := os.Stat(b.dsn + suffix)
				ok(t, err)
				same(t, suffix, info.Mode().Perm(), 0o600)
			}
		},
		"a file that is no database is left as it is": func(t *testing.T, b *bench) {
			if isPostgres(b.dsn) {
				t.Skip("a PostgreSQL is no file")
			}
			path := b.kind.Empty(t)
			text := strings.Repeat("this is a letter, not a database\n", 40)
			ok(t, os.WriteFile(path, []byte(text), 0o600))
			_, err := store.Open(b.ctx(), store.Options{DSN: path, Sealer: NewSealer("k")})
			refused(t, err, fault.Invalid)
			same(t, "the letter", string(must(os.ReadFile(path))(t)), text)
		},
		"PostgreSQL that is not there, has no such database or knows no such user is told apart": func(t *testing.T, b *bench) {
			if !isPostgres(b.dsn) {
				t.Skip("SQLite has neither server nor users")
			}
			if _, err := b.raw().ExecContext(b.ctx(), `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'locked') THEN CREATE ROLE locked LOGIN PASSWORD 'right'; END IF; END $$`); err != nil {
				t.Fatal(err)
			}
			locked := strings.Replace(b.dsn, "postgres@", "locked@", 1)
			host := b.dsn[strings.Index(b.dsn, "?"):]
			for _, c := range []struct {
				dsn, password string
				want          fault.Kind
			}{
				{"postgres://postgres@/x?host=/nonexistent", "", fault.Unreachable},
				{"postgres://postgres@/nosuch" + host, "", fault.NotFound},
				{locked, "wrong secret", fault.Denied},
				{"postgres://user:wrong secret@[", "", fault.Invalid},
			} {
				_, err := store.Open(b.ctx(), store.Options{DSN: c.dsn, Password: c.password, Sealer: NewSealer("k")})
				if said := refused(t, err, c.want); strings.Contains(said, "wrong secret") || fault.HintOf(err) == "" {
					t.Errorf("%s: got %q, hint %q", c.dsn, said, fault.HintOf(err))
				}
			}
			_, err := store.Open(b.ctx(), store.Options{DSN: locked, Password: "right", Sealer: NewSealer("k")})
			if fault.Is(err, fault.Denied) {
				t.Errorf("the right password: %v", err)
			}
		},
		"a patient store opens without PostgreSQL, and says so to everyone until it is ready": func(t *testing.T, b *bench) {
			if !isPostgres(b.dsn) {
				t.Skip("SQLite is always there")
			}
			patient := func(dsn string) *store.DB {
				db := must(store.Open(b.ctx(), store.Options{DSN: dsn, Patient: true, Sealer: NewSealer("k")}))(t)
				t.Cleanup(func() { db.Close() })
				return db
			}
			away := patient("postgres://postgres@/x?host=/nonexistent")
			if !away.Pending() || away.Single() {
				t.Error("it does not know what it is")
			}
			for _, err := range []error{away.Ping(b.ctx()), away.Ready(b.ctx()), away.Prune(b.ctx())} {
				if said := refused(t, err, fault.Unreachable); fault.HintOf(err) == "" {
					t.Errorf("%q has no hint", said)
				}
			}
			_, err := away.View(b.ctx())
			refused(t, err, fault.Unreachable)
			there := patient(b.dsn)
			ok(t, there.Ready(b.ctx()))
			if there.Pending() {
				t.Error("it waits for what is there")
			}
			ok(t, there.Ping(b.ctx()))
			_, err = store.Open(b.ctx(), store.Options{DSN: "postgres://postgres@/nosuch" + b.dsn[strings.Index(b.dsn, "?"):], Patient: true, Sealer: NewSealer("k")})
			refused(t, err, fault.NotFound)
		},
		"a connection that PostgreSQL ends is made again": func(t *testing.T, b *bench) {
			if !isPostgres(b.dsn) {
				t.Skip("SQLite has no connections to end")
			}
			b.apply(planOf(1))
			if _, err := b.raw().ExecContext(b.ctx(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(10 * time.Second); ; {
				err := b.Ping(b.ctx())
				if err == nil {
					break
				}
				refused(t, err, fault.Unreachable)
				if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
			same(t, "n1", b.machine("n1").Name, "n1")
		},
	}
}

// hostile are things from the wire that a database could choke on.
func hostile() chapter {
	nasty := "a\x00b\xff\xfe'; DROP TABLE machine; -- \\u0000 \u2028 😀"
	return chapter{
		"nothing a packet says keeps its event from being told": func(t *testing.T, b *bench) {
			ok(t, b.AppendEvents(b.ctx(), []journal.Event{
				{Kind: journal.DHCPIgnored, Summary: nasty, Actor: nasty, Name: nasty, Detail: map[string]any{"class": nasty, nasty: 1}},
				{Kind: journal.DHCPIgnored, Summary: "after it"},
			}))
			all := must(b.Events(b.ctx(), store.EventFilter{}))(t)
			same(t, "told", len(all), 2)
			if s := all[0].Summary; !strings.HasPrefix(s, "a\uFFFDb\uFFFD'; DROP TABLE machine; -- \\u0000") || all[0].Detail["class"] == nil {
				t.Errorf("told as %q, %v", s, all[0].Detail)
			}
		},
		"nothing a machine says of itself keeps its facts from being written": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Facts, m.UUID, m.Serial = seen(), nasty, nasty
				m.Facts.System.Serial = nasty
				m.Conditions = []inventory.Condition{{Type: "t", Reason: "r", Evidence: nasty}}
				return nil, nil
			}))(t)
			if got := b.machine("n1").Facts.System.Serial; !strings.Contains(got, "\\u0000") {
				t.Errorf("a backslash was changed: %q", got)
			}
		},
		"nonsense that is asked for is not found": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			_, err := b.Machine(b.ctx(), nasty)
			refused(t, err, fault.NotFound)
			_, err = b.Image(b.ctx(), nasty)
			refused(t, err, fault.NotFound)
			_, err = b.Operation(b.ctx(), nasty)
			refused(t, err, fault.NotFound)
			_, err = b.TokenOf(b.ctx(), nasty)
			refused(t, err, fault.Denied)
			same(t, "events", len(must(b.Events(b.ctx(), store.EventFilter{Machine: nasty, Operation: nasty}))(t)), 0)
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{Rack: nasty, Phases: []string{nasty}, Names: []string{nasty}, After: nasty}))(t)), 0)
			same(t, "operations", len(must(b.Operations(b.ctx(), store.OperationFilter{Machine: nasty, Rack: nasty, Kinds: []string{nasty}}))(t)), 0)
		},
		"times are kept to the microsecond whatever zone they come in": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			at := time.Date(2026, 7, 1, 23, 59, 59, 999999999, time.FixedZone("east", 14*3600))
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Conditions = []inventory.Condition{{Type: "t", Reason: "r", Since: at}}
				return []journal.Event{{At: at, Kind: journal.Condition}}, nil
			}))(t)
			want := at.UTC().Truncate(time.Microsecond)
			same(t, "since", b.machine("n1").Conditions[0].Since, want)
			same(t, "at", must(b.Events(b.ctx(), store.EventFilter{Newest: true, Limit: 1}))(t)[0].At, want)
		},
	}
}

// beforeDocuments is the migration before machines became documents.
const beforeDocuments = 24

// readOlder takes a database with a plan back to a release before and opens it again.
func (b *bench) readOlder(p plan.Plan) {
	b.t.Helper()
	b.apply(p)
	was := must(b.Inventory(b.ctx()))(b.t)
	ok(b.t, b.Close())
	dialect, files := goose.DialectSQLite3, migrations.SQLite
	if isPostgres(b.dsn) {
		dialect, files = goose.DialectPostgres, migrations.Postgres
	}
	down, err := goose.NewProvider(dialect, b.raw(), must(files())(b.t))
	ok(b.t, err)
	must(down.DownTo(b.ctx(), beforeDocuments))(b.t)
	if n := b.count("SELECT count(*) FROM machine WHERE root_disk IS NULL"); n != 0 {
		b.t.Errorf("%d machines without a root disk's hint", n)
	}
	b.DB = b.open(b.dsn)
	now := must(b.Inventory(b.ctx()))(b.t)
	same(b.t, "machines", now.Machines, was.Machines)
	same(b.t, "devices", now.Devices, was.Devices)
}

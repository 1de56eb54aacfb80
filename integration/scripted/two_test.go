package scripted

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/store/storetest"
)

// postgres is a PostgreSQL of the test's own with an empty database.
func postgres(t *testing.T, w *world) (*storetest.Server, *sql.DB) {
	t.Helper()
	pg, err := storetest.Postgres(w.ctx)
	if errors.Is(err, storetest.ErrNoPostgres) {
		t.Skip(err)
	}
	ok(t, err)
	t.Cleanup(pg.Stop)
	db, err := sql.Open("pgx", pg.DSN("postgres"))
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(w.ctx, "CREATE DATABASE rackwright")
	ok(t, err)
	own, err := sql.Open("pgx", pg.DSN("rackwright"))
	ok(t, err)
	t.Cleanup(func() { own.Close() })
	return pg, own
}

// quiet is a server without the network services.
const quiet = "[dhcp]\nenabled = false\n[tftp]\nenabled = false\n[http]\nenabled = false\n[agent]\nenabled = false"

func TestOneOfTwoServersOnPostgreSQLIsKilledAndNothingIsLostOrDoneTwice(t *testing.T) {
	w := newWorld(t, nodes(20))
	pg, db := postgres(t, w)
	top := fmt.Sprintf("database = %q\nseal_key_file = %q", pg.DSN("rackwright"), filepath.Join(w.dir, "seal.key"))
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", top))
	b := w.serve("b", "http://127.0.0.1:8481", w.config("b", "127.0.0.1:8481", top, quiet))
	w.startRack()
	w.image()
	w.apply(nil)
	w.discovered()
	began := time.Now()
	ids := map[string]string{}
	for _, n := range w.nodes {
		ids[n.name] = w.deploy(n.name).ID
	}
	held := 0
	until(t, w.ctx, "operations in the hands of b", func() bool {
		ok(t, db.QueryRowContext(w.ctx, "SELECT count(*) FROM operation WHERE lease_owner LIKE $1 AND lease_until > now()", fmt.Sprintf("%%/%d", b.Process.Pid)).Scan(&held))
		return held >= 2
	}, b.output)
	b.end(syscall.SIGKILL)
	w.killed = true
	for _, n := range w.nodes {
		w.whole(n, w.succeeded(ids[n.name]))
	}
	t.Logf("20 machines active after %s, with %d operations in the hands of a server killed meanwhile", since(began), held)
}

func TestAServerOutlivesItsDatabase(t *testing.T) {
	w := newWorld(t, nodes(1))
	pg, _ := postgres(t, w)
	p := w.serve("a", w.api, w.config("a", "127.0.0.1:8480", fmt.Sprintf("database = %q", pg.DSN("rackwright"))))
	w.startRack()
	w.image()
	w.apply(nil)
	w.discovered()
	w.succeeded(w.deploy("s01").ID)

	pg.Halt()
	for path, want := range map[string]int{"/health": 503, "/machines": 503} {
		status, kind, body := problem(t, w.ctx, w.api+"/api/v1"+path, w.token())
		if status != want || kind != "application/problem+json" || !strings.Contains(body, `"type":"urn:rackwright:problem:unreachable"`) {
			t.Errorf("%s with the database away: %d %s %s", path, status, kind, body)
		}
	}
	before := strings.Count(w.console("s01"), "10.77.0.65")
	w.reset("s01", "ForceRestart")
	until(t, w.ctx, "DHCP answers while the database is away", func() bool { return strings.Count(w.console("s01"), "10.77.0.65") > before },
		func() string { return w.console("s01") + p.output() })
	logins := strings.Count(w.console("s01"), "login:")
	until(t, w.ctx, "the machine is told to boot its disk", func() bool { return logins > 1 || strings.Count(w.console("s01"), "login:") > 1 },
		func() string { return w.console("s01") + p.output() })
	if p.ended() {
		t.Fatalf("the server ended with its database:\n%s", p.output())
	}

	ok(t, pg.Resume(w.ctx))
	until(t, w.ctx, "the API is back", func() bool {
		_, err := w.client.Machine(w.ctx, "s01")
		return err == nil
	}, p.output)
	op := w.succeeded(w.deploy("s01").ID)
	if op.Kind != deploy.Deploy || strings.Count(p.output(), "panic") != 0 {
		t.Errorf("%+v\n%s", op, lab.Tail(p.log, 20))
	}
}

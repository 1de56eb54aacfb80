package scripted

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rackwright/inventory"
)

// One server has the API alone, the other answers the wire. What is applied at the first
// is what the second answers, also when it starts without the database.
func TestWhatIsAppliedAtOneServerIsAnsweredByTheOtherEvenWithoutTheirDatabase(t *testing.T) {
	s := newSite(t, 1)
	const name = "r1-u01"
	pg, db := postgres(t, s.world)
	top := fmt.Sprintf("database = %q\nseal_key_file = %q", pg.DSN("rackwright"), filepath.Join(s.dir, "seal.key"))
	s.serve("a", s.api, s.config("a", "127.0.0.1:8480", top, quiet))
	config := s.config("b", "127.0.0.1:8481", top)
	b := s.serve("b", "http://127.0.0.1:8481", config)
	s.raise()
	s.applySite()
	s.one(name, "discovered", func(m inventory.Machine) bool { return m.Phase != inventory.Planned })
	s.answered(name, "10.77.0.65")
	plan := write(t, filepath.Join(s.dir, "plan/rack.yaml"), strings.ReplaceAll(s.plan(), "10.77.0.65", "10.77.0.99"))
	saying(t, s.command("plan", "-f", filepath.Dir(plan)), "10.77.0.65", "10.77.0.99")
	s.command("apply", "-f", filepath.Dir(plan), "--yes")
	s.answered(name, "10.77.0.99")

	s.command("machine", "hold", name, "--reason", "fan", "--for", "1m")
	_, err := db.ExecContext(s.ctx, "UPDATE machine SET hold_until = now() WHERE name = $1", name) // a minute goes by
	ok(t, err)
	s.one(name, "released by itself", func(m inventory.Machine) bool { return m.Hold == nil && m.Phase != inventory.Maintenance })
	saying(t, s.command("machine", "timeline", name), "the hold of admin", " ended")

	pg.Halt()
	b.end(syscall.SIGTERM)
	b = launch(t, filepath.Join(s.dir, "b.log"), exec.Command(bin("rackwright"), "serve", "--config", config))
	s.answered(name, "10.77.0.99")
	if b.ended() {
		t.Fatalf("b ended:\n%s", b.output())
	}
	ok(t, pg.Resume(s.ctx))
	until(t, s.ctx, "the API is back", func() bool { _, err := s.client.Machine(s.ctx, name); return err == nil }, b.output)
	s.inspect(name)
	s.one(name, "verified", in(inventory.Verified))
}

// answered restarts a machine past the server and waits until it was given an address.
func (s *site) answered(name, address string) {
	s.t.Helper()
	before := strings.Count(s.console(name), address)
	s.reset(name, "ForceOff")
	s.reset(name, "On")
	until(s.t, s.ctx, "an answer with "+address, func() bool { return strings.Count(s.console(name), address) > before },
		func() string { return s.console(name) + s.servers[len(s.servers)-1].output() })
}

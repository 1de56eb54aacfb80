package scripted

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// A machine that lacks a module is not verified until somebody lets that pass, and the
// journal keeps who and why.
func TestAMissingModuleIsNamedAndPassesOnlyByName(t *testing.T) {
	s := newSite(t, 2)
	s.bay("r1-u02").dimms = 1
	s.open()
	s.inspect("r1-u01", "r1-u02")
	s.one("r1-u01", "verified", in(inventory.Verified))
	lacks := func(m inventory.Machine) bool {
		return slices.ContainsFunc(m.Conditions, func(c inventory.Condition) bool { return c.Type == verify.DIMMMissing })
	}
	m := s.one("r1-u02", "without a module", lacks)
	if c := m.Conditions[0]; m.Phase != inventory.Discovered || len(m.Conditions) != 1 || c.Subject != "B1" || !strings.Contains(c.Evidence, "expected 32 GiB at 4800 MT/s, observed no module") ||
		!strings.Contains(c.Hint, "DIMM B1 missing: reseat or replace it; r1-u02, rack r1 u2") {
		t.Errorf("%s with %+v", m.Phase, m.Conditions)
	}
	saying(t, s.command("machine", "verify", "r1-u02"), "dimm-missing", "B1")
	saying(t, s.command("machine", "gates", "r1-u02"), "DIMM B1 missing")

	refused(t, s.cmd("machine", "waive", "r1-u02", "dimm-missing/A1", "--reason", "ticket 4711"), 3, "dimm-missing")
	saying(t, s.command("machine", "waive", "r1-u02", "dimm-missing/B1", "--reason", "module ordered, ticket 4711"), "r1-u02: dimm-missing B1 waived by admin: module ordered, ticket 4711")
	m = s.one("r1-u02", "verified", in(inventory.Verified))
	if len(m.Conditions) != 1 || m.Conditions[0].Waived.By != "admin" {
		t.Errorf("%+v", m.Conditions)
	}
	saying(t, s.command("machine", "timeline", "r1-u02"), "found: dimm-missing B1", "waived: dimm-missing B1: module ordered, ticket 4711", "1 difference waived")
	events, err := s.client.Timeline(s.ctx, "r1-u02", 1000)
	ok(t, err)
	if !slices.ContainsFunc(events, func(e journal.Event) bool { return e.Actor == "admin" && strings.HasPrefix(e.Summary, "waived: ") }) {
		t.Errorf("the journal does not say who: %+v", events)
	}
}

func TestAReplacedMachineLeavesItsHistoryAndARetiredOneItsPlace(t *testing.T) {
	s := newSite(t, 3).open()
	s.inspect("r1-u01", "r1-u02", "r1-u03")
	s.all("all verified", in(inventory.Verified))

	old := *s.bay("r1-u02")
	s.command("power", old.name, "force-off")
	b := s.bay("r1-u02")
	b.serial, b.mac = "SN-2002", "52:54:00:79:02:02"
	s.command("machine", "replace", old.name, "--part", "machine", "--serial", b.serial, "--mac", "nic1="+b.mac, "--mac", "nic2="+b.second(), "--keep-bmc-credentials", "--reason", "RMA 4711", "--yes")
	s.raise()
	m := s.one(b.name, "known anew", in(inventory.Discovered))
	s.inspect(b.name)
	s.one(b.name, "verified", in(inventory.Verified))
	saying(t, s.applySite(), "No changes: the inventory is as the plan says.")
	history, err := s.client.History(s.ctx, b.name)
	ok(t, err)
	if len(history) != 2 || history[0].ID != m.ID || history[1].Serial != old.serial || history[1].Phase != inventory.Retired {
		t.Errorf("history %+v", history)
	}
	answer, err := s.client.Slot(s.ctx, "r1", racking.Spot{U: 2})
	ok(t, err)
	if answer.Adopted == nil || answer.Adopted.Machine != m.ID || len(answer.History) != 1 || answer.History[0].Serial != old.serial {
		t.Errorf("slot %+v", answer)
	}
	saying(t, s.command("part", "find", "D1-"+old.serial), old.name)

	s.retired("r1-u03")
	next := s.bay("r1-u03")
	next.name, s.nodes[2].name = "r1-u03-new", "r1-u03-new"
	copyFile(t, filepath.Join(s.dir, "rack/r1-u03/bmc.password"), filepath.Join(s.dir, "rack/r1-u03-new/bmc.password"))
	s.applySite()
	m = s.one(next.name, "known", in(inventory.Discovered))
	if m.NICs[0].MAC.String() != next.mac || m.NICs[0].Address.String() != "10.77.0.67" || m.Serial != next.serial {
		t.Errorf("%+v", m)
	}
	if text := s.command("machine", "list"); strings.Contains(text, "unknown-") {
		t.Errorf("a stranger's record is left:\n%s", text)
	}
}

// retired retires a machine: from then on its hardware is a stranger, that is lent an
// address and is looked at.
func (s *site) retired(name string) {
	s.t.Helper()
	b := *s.bay(name)
	saying(s.t, s.command("machine", "retire", name, "--reason", "sold, ticket 4712", "--yes"), "is retired")
	s.reset(name, "On")
	until(s.t, s.ctx, "a lent address", func() bool { return strings.Contains(s.console(name), "has 10.77.0.13") }, func() string { return s.console(name) + s.state() })
	var stranger inventory.Machine
	until(s.t, s.ctx, "the stranger, looked at", func() bool {
		var err error
		stranger, err = s.client.Machine(s.ctx, "unknown-"+strings.ReplaceAll(b.mac, ":", ""))
		open, openErr := s.client.Operations(s.ctx, client.OperationQuery{Open: true, Machine: stranger.ID})
		return err == nil && openErr == nil && stranger.Facts != nil && len(open) == 0
	}, s.state)
	if stranger.Slot != nil || stranger.Serial != b.serial {
		s.t.Errorf("%+v", stranger)
	}
	answer, err := s.client.Slot(s.ctx, "r1", racking.Spot{U: 3})
	ok(s.t, err)
	if answer.State != racking.Empty || answer.Expected.Kind != "nothing" {
		s.t.Errorf("the slot is %+v", answer)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	ok(t, err)
	ok(t, os.Chmod(write(t, to, string(text)), 0o600))
}

func TestAHeldMachineIsLeftAloneUntilItsHolderReleasesIt(t *testing.T) {
	s := newSite(t, 1).open()
	s.image()
	const name = "r1-u01"
	s.inspect(name)
	s.one(name, "verified", in(inventory.Verified))
	saying(t, s.command("machine", "hold", name, "--reason", "replace fan 3", "--for", "2h"), "r1-u01 is held by admin until")
	refused(t, s.cmd("deploy", name, "--image", "small"), 4, "r1-u01 is held by admin until", "replace fan 3", "machine release")
	refused(t, s.cmd("inspect", name), 4, "held by admin until", "replace fan 3", "machine release")
	saying(t, s.command("machine", "why", name), "held by admin", "replace fan 3")

	before := strings.Count(s.console(name), "agent: checked in")
	count := func(words string) int { return strings.Count(s.console(name), words) }
	s.command("power", name, "on") // the holder may
	until(t, s.ctx, "it boots no agent", func() bool { return count("nothing boots") > 0 }, func() string { return s.console(name) })
	if count("agent: checked in") != before {
		t.Errorf("it was netbooted:\n%s", s.console(name))
	}
	saying(t, s.command("machine", "release", name), "r1-u01 is released")
	s.one(name, "verified again", in(inventory.Verified))
	if op := s.succeeded(s.deploy(name).ID); op.Kind != deploy.Deploy {
		t.Errorf("%+v", op)
	}
	s.one(name, "active", in(inventory.Active))
}

func TestAPlanThatOneFeedAloneCouldNotCarryIsRefusedWithItsNumbers(t *testing.T) {
	s := newSite(t, 9)
	s.serve("a", s.api, s.config("a", "127.0.0.1:8480", "", quiet))
	for _, b := range s.bays {
		ok(t, os.Chmod(write(t, filepath.Join(s.dir, "rack", b.name, "bmc.password"), "not used\n"), 0o600))
	}
	write(t, filepath.Join(s.dir, "plan/rack.yaml"), s.plan())
	const numbers = "feed B would carry 3000 W with feed A lost, and may carry 2944 W for good"
	for _, verb := range [][]string{{"plan"}, {"apply", "--yes"}} {
		refused(t, s.cmd(append(verb, "-f", filepath.Join(s.dir, "plan"))...), 4, numbers)
	}
	if machines, err := s.client.Racks(s.ctx); err != nil || len(machines) != 0 {
		t.Errorf("something was applied: %v, %v", machines, err)
	}
	s.bay("r1-u09").gone = true
	s.applySite()
	saying(t, s.command("rack", "list"), "r1")
	s.bay("r1-u09").gone = false
	write(t, filepath.Join(s.dir, "plan/rack.yaml"), s.plan())
	refused(t, s.cmd("apply", "--yes", "-f", filepath.Join(s.dir, "plan")), 4, numbers)
}

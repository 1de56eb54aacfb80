package run_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Event shortens signatures here.
type Event = journal.Event

func TestADeploymentEndsActive(t *testing.T) {
	b := newBench(t)
	b.netboots()
	stop := b.worker("w1")
	id := b.deploy()
	op := b.at(id, deploy.StepWrite)
	b.reports(op, wire.Write, wire.Event{Stage: wire.Writing, Done: 50, Total: 100, Disk: &inventory.Disk{Serial: "DISK1"}})
	b.until(id, "a quarter of the step", func(o deploy.Operation) bool { return o.At(deploy.StepWrite) && o.Step().Done == 250 })
	b.reports(op, wire.Write, wire.Event{Stage: wire.Verifying, Done: 50, Total: 100})
	b.until(id, "three quarters", func(o deploy.Operation) bool { return o.Step().Done == 750 })
	b.reports(op, wire.Write, wire.Event{Stage: wire.Writing, Done: 90, Total: 100})
	end := b.finish(id)
	stop()
	if m := b.machine(); m.Phase != inventory.Active || m.Image != "debian" || m.Power != inventory.PowerOn {
		t.Errorf("machine is %s with image %q, power %s", m.Phase, m.Image, m.Power)
	}
	if end.Disk != "DISK1" || b.bmc.Starts() != 1 || b.bmc.Sessions() != 0 {
		t.Errorf("disk %q, %d starts, %d BMC sessions left open", end.Disk, b.bmc.Starts(), b.bmc.Sessions())
	}
	if next := b.bmc.NextBoot(); next != (bmc.Boot{Target: bmc.BootDisk, Mode: inventory.UEFI}) {
		t.Errorf("next boot is %+v", next)
	}
	for i, s := range end.Steps {
		if s.State != deploy.StepDone || s.Started.IsZero() || s.Ended.Before(s.Started) {
			t.Errorf("step %d %s: %s from %s to %s", i, s.Name, s.State, s.Started, s.Ended)
		}
	}
	if !b.said("certificate pinned") || !b.said("-> active") {
		t.Error("pin or phase is not in the journal")
	}
}

// A worker that dies at any step costs nothing: the next one goes on there, and the
// machine is started once.
func TestAWorkerMayDieAtEveryStep(t *testing.T) {
	b := newBench(t)
	b.netboots()
	id := b.deploy()
	steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: *b.machine(), Order: deploy.Order{Digest: digest}})
	b.ok(err)
	for i, s := range steps {
		stop := b.worker("w" + s.Title)
		op := b.until(id, "step "+s.Title, func(o deploy.Operation) bool { return o.Current >= i })
		stop()
		b.ok(b.db.ReleaseLeases(b.ctx)) // as a new process on an embedded database does
		switch s.Name {
		case deploy.StepWrite:
			b.reports(op, wire.Write, wire.Event{Stage: wire.Completed})
		case deploy.StepReboot:
			b.reports(op, wire.Reboot, wire.Event{Stage: wire.Restarting})
		case deploy.StepPhone:
			b.see(id, store.SawPhone, nil)
		}
	}
	b.worker("last")
	op := b.state(id, deploy.Succeeded)
	if b.bmc.Starts() != 1 || op.Turn != 0 {
		t.Errorf("the machine was started %d times, turn %d", b.bmc.Starts(), op.Turn)
	}
}

func TestTwoWorkersDoEachThingOnce(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	b.worker("w2")
	b.finish(b.deploy())
	calls := b.bmc.Calls()
	if b.bmc.Starts() != 1 || count(calls, bmctest.SetNextBoot) != 2 {
		t.Errorf("%d starts, calls %v", b.bmc.Starts(), calls)
	}
}

func TestAWrongPasswordParksAtOnceAndIsMendedByThePlan(t *testing.T) {
	b := newBench(t)
	b.apply("wrong", "DISK1")
	b.netboots()
	b.worker("w1")
	id := b.deploy()
	op := b.state(id, deploy.Parked)
	if op.Reason != "check-denied" || op.Hint == "" || strings.Contains(op.Message, "wrong\"") {
		t.Errorf("parked with %q: %s (%s)", op.Reason, op.Message, op.Hint)
	}
	if n := count(b.bmc.Calls(), bmctest.Dial); n > 1 {
		t.Errorf("the BMC was asked %d times with a wrong password; accounts lock", n)
	}
	if m := b.machine(); len(m.Conditions) != 1 || m.Conditions[0].Type != "deploy-parked" {
		t.Errorf("conditions %+v", m.Conditions)
	}
	b.apply("right", "DISK1")
	_, err := b.db.RetryOperation(b.ctx, id, "test")
	b.ok(err)
	b.finish(id)
	if m := b.machine(); len(m.Conditions) != 0 {
		t.Errorf("conditions stay: %+v", m.Conditions)
	}
}

func TestABMCThatDoesNotAnswerIsTriedAgainAndThenParks(t *testing.T) {
	b := newBench(t)
	gone := fault.Unreachablef("the BMC does not answer").WithHint("look at its cable")
	b.bmc.Fail(bmctest.SetNextBoot, gone, gone, gone, gone, gone)
	stop := b.worker("w1")
	id := b.deploy()
	for n := 1; n < 5; n++ {
		b.until(id, "another attempt", func(o deploy.Operation) bool { return o.At(deploy.StepBootNet) && o.Step().Attempts == n })
		b.clock.pass(time.Minute) // the back-off
	}
	op := b.state(id, deploy.Parked)
	stop()
	if op.Step().Name != deploy.StepBootNet || op.Reason != "boot-net-unreachable" || op.Step().Attempts != 5 || op.Hint != "look at its cable" {
		t.Errorf("parked at %s with %q after %d attempts: %s", op.Step().Name, op.Reason, op.Step().Attempts, op.Hint)
	}
}

// The restart of the operation before may use the override up between the step that set it
// and the power cycle.
func TestAnOverrideThatWasUsedUpIsSetAgainBeforeTheMachineIsStarted(t *testing.T) {
	b := newBench(t)
	b.bmc.Fail(bmctest.Cycle, fault.Unreachablef("busy"))
	b.worker("w1")
	id := b.deploy()
	b.until(id, "a cycle that failed", func(o deploy.Operation) bool { return o.At(deploy.StepPower) && o.Step().Attempts == 1 })
	b.bmc.Restart()
	b.netboots()
	b.clock.pass(time.Minute) // the back-off
	b.at(id, deploy.StepWrite)
	if n := count(b.bmc.Calls(), bmctest.SetNextBoot); n != 2 {
		t.Errorf("the next boot was set %d times", n)
	}
}

func TestAnAgentsRefusalParksAndARetryNetbootsAgain(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.deploy()
	b.reports(b.at(id, deploy.StepWrite), wire.Write, wire.Event{Stage: wire.Refused, Reason: wire.ReasonNoDisk, Detail: "no disk matches serial=DISK1", Hint: "correct root_disk"})
	op := b.state(id, deploy.Parked)
	if op.Reason != wire.ReasonNoDisk || op.Message != "no disk matches serial=DISK1" || op.Hint != "correct root_disk" {
		t.Errorf("parked with %q: %s (%s)", op.Reason, op.Message, op.Hint)
	}
	_, err := b.db.RetryOperation(b.ctx, id, "test")
	b.ok(err)
	b.finish(id)
	if b.bmc.Starts() != 2 {
		t.Errorf("%d starts", b.bmc.Starts())
	}
}

// A fetch that fails may pass: the agent gets the order anew, under another id.
func TestAFailedFetchIsOrderedAgain(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.deploy()
	first := b.at(id, deploy.StepWrite)
	b.reports(first, wire.Write, wire.Event{Stage: wire.Failed, Reason: wire.ReasonFetch, Detail: "connection reset"})
	second := b.until(id, "second attempt", func(o deploy.Operation) bool { return o.At(deploy.StepWrite) && o.Step().Attempts == 1 })
	if deploy.OrderID(&first, "write") == deploy.OrderID(&second, "write") {
		t.Error("the agent would take the order for done")
	}
	b.finish(id)
}

func TestASilentAgentIsNetbootedAgainAndAtLastParks(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.deploy()
	for turn := range 4 {
		b.until(id, "writing again", func(o deploy.Operation) bool { return o.At(deploy.StepWrite) && o.Turn == turn })
		b.clock.pass(3 * time.Minute)
	}
	b.until(id, "writing again", func(o deploy.Operation) bool { return o.At(deploy.StepWrite) && o.Turn == 4 })
	b.clock.pass(3 * time.Minute)
	op := b.state(id, deploy.Parked)
	if op.Reason != "agent-lost" || b.bmc.Starts() != 5 {
		t.Errorf("parked with %q after %d starts", op.Reason, b.bmc.Starts())
	}
}

func TestAMachineThatNeverAsksParksWithWhatToLookAt(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	id := b.deploy()
	b.at(id, deploy.StepDHCP)
	b.clock.pass(16 * time.Minute)
	op := b.state(id, deploy.Parked)
	if op.Reason != "deadline-dhcp" || !strings.Contains(op.Hint, "52:54:00:00:00:01") || !strings.Contains(op.Hint, "cable") {
		t.Errorf("parked with %q: %s", op.Reason, op.Hint)
	}
}

func TestCancelEndsAnOperationInMidWriteAndItsSession(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.deploy()
	b.at(id, deploy.StepWrite)
	_, err := b.db.CancelOperation(b.ctx, id, "test")
	b.ok(err)
	op := b.state(id, deploy.Cancelled)
	if op.Finished.IsZero() || op.Netboots() {
		t.Errorf("cancelled operation: finished %s, netboots %v", op.Finished, op.Netboots())
	}
	b.finish(b.deploy()) // the machine is free again
}

func TestPowerIsChangedAndReadBack(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	for _, c := range []struct {
		action string
		want   inventory.Power
	}{{"on", inventory.PowerOn}, {"off", inventory.PowerOff}, {"cycle", inventory.PowerOn}, {"force-off", inventory.PowerOff}} {
		op, err := b.db.CreateOperation(b.ctx, deploy.Power, "n1", deploy.Order{Power: c.action}, "test")
		b.ok(err)
		b.state(op.ID, deploy.Succeeded)
		if m := b.machine(); m.Power != c.want || b.bmc.Power() != c.want {
			t.Errorf("%s: machine says %s, BMC %s", c.action, m.Power, b.bmc.Power())
		}
	}
}

func TestARemovedImageParksBeforeAnythingIsTouched(t *testing.T) {
	b := newBench(t)
	op, err := b.db.CreateOperation(b.ctx, deploy.Deploy, "n1", deploy.Order{Digest: "sha256:gone"}, "test")
	b.ok(err)
	b.worker("w1")
	if got := b.state(op.ID, deploy.Parked); got.Reason != "image-gone" || len(b.bmc.Calls()) != 0 {
		t.Errorf("parked with %q after BMC calls %v", got.Reason, b.bmc.Calls())
	}
}

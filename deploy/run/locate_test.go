package run_test

import (
	"testing"
	"time"

	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/fault"
)

// blink asks for the locator LED.
func (b *bench) blink(seconds int) string {
	b.t.Helper()
	op, err := b.db.CreateOperation(b.ctx, deploy.Locate, "n1", deploy.Order{Locate: "on", Seconds: seconds}, "ada")
	b.ok(err)
	return op.ID
}

// lit waits until the LED is lit and that is written down.
func (b *bench) lit(id string) {
	b.t.Helper()
	b.until(id, "lit", func(o deploy.Operation) bool { return o.At(deploy.StepLocate) && o.Step().Total > 0 })
	if !b.bmc.Lit() {
		b.t.Error("the LED is dark")
	}
}

func TestALocatorLEDGoesOutByItself(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	id := b.blink(600)
	b.lit(id)
	b.clock.pass(601 * time.Second)
	if op := b.state(id, deploy.Succeeded); b.bmc.Lit() || op.Steps[0].Done != 600 {
		t.Errorf("lit %v, %+v", b.bmc.Lit(), op.Steps[0])
	}
	if !b.said("locator LED on") || !b.said("locator LED off") {
		t.Error("the journal does not say so")
	}
}

func TestALitLEDGoesOutThoughTheWorkerDied(t *testing.T) {
	b := newBench(t)
	stop := b.worker("w1")
	id := b.blink(60)
	b.lit(id)
	stop()
	b.ok(b.db.ReleaseLeases(b.ctx))
	b.clock.pass(time.Hour)
	b.worker("w2")
	b.state(id, deploy.Succeeded)
	if b.bmc.Lit() || count(b.bmc.Calls(), bmctest.Locate) != 2 {
		t.Errorf("lit %v after %v", b.bmc.Lit(), b.bmc.Calls())
	}
}

func TestACancelledBlinkIsDark(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	id := b.blink(600)
	b.lit(id)
	_, err := b.db.CancelOperation(b.ctx, id, "ada")
	b.ok(err)
	b.state(id, deploy.Cancelled)
	if b.bmc.Lit() {
		t.Error("the LED is lit")
	}
}

func TestALEDIsPutOut(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	op, err := b.db.CreateOperation(b.ctx, deploy.Locate, "n1", deploy.Order{Locate: "off"}, "ada")
	b.ok(err)
	b.state(op.ID, deploy.Succeeded)
	if b.bmc.Lit() || count(b.bmc.Calls(), bmctest.Locate) != 1 {
		t.Errorf("calls %v", b.bmc.Calls())
	}
}

func TestABMCWithoutALEDIsSaidAtOnce(t *testing.T) {
	b := newBench(t)
	b.bmc.Fail(bmctest.Locate, fault.Invalidf("no locator LED").WithHint("find the machine by its label"))
	b.worker("w1")
	op := b.state(b.blink(60), deploy.Parked)
	if op.Reason != "locate-invalid" || op.Hint != "find the machine by its label" || op.Steps[0].Total != 0 {
		t.Errorf("parked with %q (%s): %+v", op.Reason, op.Hint, op.Steps[0])
	}
}

func TestAMachineBlinksWhileItIsDeployed(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.deploy()
	b.at(id, deploy.StepWrite)
	b.lit(b.blink(600))
	b.finish(id)
}

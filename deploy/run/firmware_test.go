package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/journal"
)

func TestSeveralComponentsShareOneRestartAndAreVerified(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1", "nic": "5", "bmc": "1"})
	b.worker("w1")
	op := b.ends(b.update("bmc 1>3 1", "bios 1>2 1", "nic 5>6 1"), deploy.Succeeded)
	b.sent("bmc-3.bin bios-2.bin nic-6.bin", 1)
	if len(op.Steps) != 6 {
		t.Errorf("steps %+v", op.Steps)
	}
	m := b.machine()
	if m.Facts == nil || firmware.VersionIn(m.Facts, "bios") != "2" || firmware.VersionIn(m.Facts, "nic") != "6" {
		t.Errorf("facts after it: %+v", m.Facts)
	}
	for _, u := range b.f.urls {
		secret := strings.Split(u, "/")[5]
		if b.said(secret) {
			t.Error("a ticket stands in the journal")
		}
		if _, err := b.db.RedeemTicket(b.ctx, secret); !fault.Is(err, fault.Denied) {
			t.Errorf("a ticket lives on: %v", err)
		}
	}
}

func TestStagesFollowEachOtherWithARestartEach(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	b.worker("w1")
	b.ends(b.update("bios 1>2 1", "bios 2>3 2"), deploy.Succeeded)
	b.sent("bios-2.bin bios-3.bin", 2)
}

func TestABMCThatRestartsWithItsNewFirmwareIsWaitedFor(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	b.f.forgets, b.f.silent = true, 5
	b.worker("w1")
	op := b.ends(b.update("bmc 1>2 1"), deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
	if op.Steps[1].Attempts != 0 {
		t.Errorf("its silence counted as a failure: %+v", op.Steps[1])
	}
}

func TestWhatRunsAlreadyIsNotSent(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "2", "bmc": "1"})
	b.worker("w1")
	b.ends(b.update("bmc 1>3 1", "bios 1>2 1"), deploy.Succeeded)
	b.sent("bmc-3.bin", 0)
}

// The server dies with the file in the BMC's hands and the answer not written down: the
// next one does not send it again, and finds that it runs.
func TestAFileIsNeverSentTwiceThoughTheWorkerDied(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	dead := make(chan struct{})
	b.f.take = func(ctx context.Context, _ bmc.Update) (bmc.Task, bool, error) {
		close(dead)
		<-ctx.Done()
		return bmc.Task{}, true, ctx.Err()
	}
	stop := b.worker("w1")
	id := b.update("bmc 1>2 1")
	<-dead
	stop()
	b.ok(b.db.ReleaseLeases(b.ctx))
	b.worker("w2")
	b.until(id, "in doubt", func(o deploy.Operation) bool {
		return o.At(deploy.StepUpdate) && o.Step().Sent != nil && o.Step().Sent.Lost
	})
	b.f.mu.Lock()
	b.f.runs["bmc"] = "2"
	b.f.mu.Unlock()
	b.ends(id, deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
	if !b.said("it is not sent again") {
		t.Error("the journal does not say so")
	}
}

func TestAWorkerThatDiesBesideATaskIsFollowedByAnother(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1", "bmc": "1"})
	b.f.looks = 12
	stop := b.worker("w1")
	id := b.update("bmc 1>2 1", "bios 1>2 1")
	b.until(id, "a task", func(o deploy.Operation) bool {
		return o.At(deploy.StepUpdate) && o.Step().Sent != nil && o.Step().Sent.Task != ""
	})
	stop()
	b.ok(b.db.ReleaseLeases(b.ctx))
	b.worker("w2")
	b.ends(id, deploy.Succeeded)
	b.sent("bmc-2.bin bios-2.bin", 1)
}

func TestAFileThatTheBMCMayHaveTakenIsJudgedByItsVersion(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	b.f.refuse = []error{fault.Unreachablef("connection reset")}
	b.worker("w1")
	id := b.update("bmc 1>2 1")
	op := b.ends(id, deploy.Parked)
	if op.Reason != "update-unknown" || op.Hint == "" {
		t.Errorf("parked with %q: %s", op.Reason, op.Message)
	}
	b.sent("", 0)
	_, err := b.db.RetryOperation(b.ctx, id, "ann")
	b.ok(err)
	b.ends(id, deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
}

func TestABMCThatIsBusyIsAskedAgain(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	b.f.refuse = []error{fault.Conflictf("another update runs"), fault.Conflictf("another update runs")}
	b.worker("w1")
	b.ends(b.update("bmc 1>2 1"), deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
}

func TestAFileThatTheBMCRejectsParksWithItsWords(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	b.f.take = func(context.Context, bmc.Update) (bmc.Task, bool, error) {
		return bmc.Task{ID: "t", State: bmc.TaskFailed, Message: "signature is wrong"}, true, nil
	}
	b.worker("w1")
	op := b.ends(b.update("bios 1>2 1"), deploy.Parked)
	if op.Reason != "update-failed" || !strings.Contains(op.Message, "signature is wrong") {
		t.Errorf("parked with %q: %s", op.Reason, op.Message)
	}
	b.sent("bios-2.bin", 0)
}

// The BMC says done and stages nothing: the versions tell, and a retry sends it again.
func TestALyingBMCIsFoundOutByTheVersions(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	lies := 1
	b.f.take = func(context.Context, bmc.Update) (bmc.Task, bool, error) {
		lies--
		return bmc.Task{State: bmc.TaskDone}, lies >= 0, nil
	}
	b.worker("w1")
	id := b.update("bios 1>2 1")
	b.until(id, "verifying", func(o deploy.Operation) bool {
		b.clock.pass(time.Second)
		return o.At(deploy.StepFirmwareVerify) && strings.Contains(o.Step().Note, "bios is 1, not 2")
	})
	b.clock.pass(2 * time.Hour)
	if op := b.state(id, deploy.Parked); op.Reason != "deadline-firmware-verify" {
		t.Errorf("parked with %q: %s", op.Reason, op.Message)
	}
	_, err := b.db.RetryOperation(b.ctx, id, "ann")
	b.ok(err)
	b.ends(id, deploy.Succeeded)
	b.sent("bios-2.bin bios-2.bin", 2)
}

// BMCs repeat the address that they were given, in messages of tasks and in errors.
func TestTheSecretOfAnAddressIsNeverRepeated(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	tries, secret := 0, ""
	b.f.take = func(_ context.Context, u bmc.Update) (bmc.Task, bool, error) {
		if tries++; tries == 1 {
			secret = strings.Split(u.URI, "/")[5]
			return bmc.Task{}, true, fault.Conflictf("cannot fetch %s", u.URI).WithHint("look at %s", u.URI)
		}
		secret += " " + strings.Split(u.URI, "/")[5]
		return bmc.Task{ID: "t", State: bmc.TaskFailed, Message: "transfer of \"" + u.URI + "\"\nfailed " + strings.Repeat("x", 5000)}, true, nil
	}
	b.worker("w1")
	op := b.ends(b.update("bios 1>2 1"), deploy.Parked)
	if op.Reason != "update-failed" || !strings.Contains(op.Message, "/bmc/firmware/(hidden)/bios-2.bin\" failed xxx") || len(op.Message) > 600 {
		t.Errorf("%s: %s", op.Reason, op.Message)
	}
	for _, word := range strings.Fields(secret) {
		if text := fmt.Sprintf("%+v %+v", op, *op.Step().Sent); b.said(word) || strings.Contains(text, word) {
			t.Errorf("%s is told: %s", word, text)
		}
	}
	if !b.said("(hidden)") {
		t.Error("the journal does not say what went wrong")
	}
}

func TestNothingIsSentWhereSomethingChangedMeanwhile(t *testing.T) {
	for reason, change := range map[string]func(*flash){
		"firmware-changed": func(b *flash) { b.f.runs["bios"] = "1.7" },
		"firmware-gone":    func(b *flash) { b.shelf.missing = "sha256:bios2" },
		"machine-active": func(b *flash) {
			_, err := b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Phase = inventory.Active
				return nil, nil
			})
			b.ok(err)
		},
	} {
		b := newFlash(t, map[string]string{"bios": "1"})
		id := b.update("bios 1>2 1")
		change(b)
		b.worker("w1")
		if op := b.ends(id, deploy.Parked); op.Reason != reason || op.Hint == "" {
			t.Errorf("parked with %q (%s), want %q", op.Reason, op.Message, reason)
		}
		b.sent("", 0)
	}
}

func TestAMachineThatIsOffIsSwitchedOnForItsFirmwareAndOffAgain(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1", "nic": "1"})
	b.f.on = false
	b.worker("w1")
	b.ends(b.update("bios 1>2 1", "nic 1>3 2"), deploy.Succeeded)
	if m := b.machine(); m.Power != inventory.PowerOff || b.f.on || !b.said("switched off again") {
		t.Errorf("power %s, on: %t", m.Power, b.f.on)
	}
}

func TestAnUpdateIsPlannedForMachinesThatMayHaveIt(t *testing.T) {
	order := deploy.Order{Firmware: &deploy.FirmwareOrder{Files: []firmware.Pick{{File: "f", Component: "bios", To: "2", Reset: firmware.ResetHost, Stage: 1}}}}
	for name, m := range map[string]inventory.Machine{"active": {Name: "n1", Phase: inventory.Active, BMC: &inventory.BMC{}}, "no BMC": {Name: "n1"}} {
		if _, err := deploy.Plan(deploy.Firmware, deploy.Subject{Machine: m, Order: order}); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	order.Firmware.Active = true
	steps, err := deploy.Plan(deploy.Firmware, deploy.Subject{Machine: inventory.Machine{Phase: inventory.Active, BMC: &inventory.BMC{}}, Order: order})
	if err != nil || len(steps) != 4 || steps[2].Title != "restart for bios" {
		t.Errorf("%v, %+v", err, steps)
	}
}

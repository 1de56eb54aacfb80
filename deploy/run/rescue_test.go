package run_test

import (
	"encoding/json"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
)

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1pxyzbFyjzVqkRJJtTnzVfxwPfHCsDV4lYqI6Nq6PV"

func (b *bench) rescue(seconds int) string {
	b.t.Helper()
	op, err := b.db.CreateOperation(b.ctx, deploy.Rescue, "n1", deploy.Order{Rescue: &deploy.RescueOrder{Keys: []string{hostKey}, Seconds: seconds}}, "test")
	b.ok(err)
	return op.ID
}

// opens is the agent's report that a person can log in.
func (b *bench) opens(id string) deploy.Operation {
	b.t.Helper()
	door, err := json.Marshal(wire.Door{Address: "10.0.0.11:22", HostKey: hostKey})
	b.ok(err)
	b.reports(b.at(id, deploy.StepRescue), wire.Rescue, wire.Event{Stage: wire.Open, Result: door})
	return b.until(id, "the door", func(o deploy.Operation) bool { return o.At(deploy.StepRescue) && o.Step().Door != nil })
}

func TestARescueSaysHowToLogInAndEndsWhenThePersonIsDone(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.rescue(3600)
	op := b.opens(id)
	if d := op.Step().Door; d.Address != "10.0.0.11:22" || d.HostKey != hostKey {
		t.Errorf("%+v", d)
	}
	if !op.Netboots() {
		t.Error("a machine that its visitor restarts would not come back")
	}
	b.reports(op, wire.Rescue, wire.Event{Stage: wire.Completed})
	op = b.at(id, deploy.StepReboot)
	for _, s := range op.Steps {
		if s.Door != nil {
			t.Error("the door is still shown")
		}
	}
	b.reports(op, wire.Reboot, wire.Event{Stage: wire.Restarting})
	b.state(id, deploy.Succeeded)
}

func TestARescueEndsWhenItsTimeIsOver(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.rescue(60)
	b.opens(id)
	b.clock.pass(61 * time.Second)
	b.reports(b.at(id, deploy.StepReboot), wire.Reboot, wire.Event{Stage: wire.Restarting})
	b.state(id, deploy.Succeeded)
	if !b.said("the rescue's time is over") {
		t.Error("the journal does not say why it ended")
	}
}

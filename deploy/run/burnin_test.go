package run_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// burnIn asks for ten minutes.
func (b *bench) burnIn() string {
	b.t.Helper()
	op, err := b.db.CreateOperation(b.ctx, deploy.BurnIn, "n1", deploy.Order{Burn: &deploy.BurnOrder{Seconds: 600}}, "ada")
	b.ok(err)
	return op.ID
}

// told is an agent's report.
func told(stage wire.Stage, seconds int, errors ...string) wire.Event {
	result, err := json.Marshal(wire.Burned{Seconds: seconds, Errors: errors,
		Figures: []wire.BurnFact{{Test: "cpu", Name: "work", Value: 10, Unit: "sums/s", Fold: wire.FoldMean, Better: "more"}, {Test: "cpu", Name: "wrong_results", Value: 1, Fold: wire.FoldSum}}})
	if err != nil {
		panic(err)
	}
	return wire.Event{Stage: stage, Done: int64(seconds), Total: 600, Result: result}
}

// burning waits until the machine has its power.
func (b *bench) burning(id string) deploy.Operation {
	b.t.Helper()
	return b.until(id, "power", func(o deploy.Operation) bool {
		r, err := b.db.BurnInOf(b.ctx, id)
		return err == nil && r != nil && o.At(deploy.StepBurn) && r.Powered(&o)
	})
}

func (b *bench) burned(id string) *deploy.BurnRecord {
	b.t.Helper()
	r, err := b.db.BurnInOf(b.ctx, id)
	b.ok(err)
	return r
}

func TestASoundMachineIsBurnedInAndRestarted(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.burnIn()
	op := b.burning(id)
	b.reports(op, wire.Burn, told(wire.Burning, 300))
	b.until(id, "half of it", func(o deploy.Operation) bool {
		return o.At(deploy.StepBurn) && o.Step().Done == 300 && o.Step().Total == 600
	})
	b.reports(op, wire.Burn, told(wire.Completed, 600))
	b.reports(b.at(id, deploy.StepReboot), wire.Reboot, wire.Event{Stage: wire.Restarting})
	b.state(id, deploy.Succeeded)
	if r := b.burned(id); r.State != deploy.BurnPassed || r.Ended.IsZero() || r.Total().Seconds != 600 || len(r.Total().Figures) != 2 {
		t.Errorf("%+v", r)
	}
	if !b.said("burned in for 10m0s: nothing went wrong") || len(b.machine().Conditions) != 0 {
		t.Errorf("%+v", b.machine().Conditions)
	}
}

func TestWhatWentWrongParksAndARetryBurnsInAnew(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.burnIn()
	b.reports(b.burning(id), wire.Burn, told(wire.Completed, 600, "a", "b", "c", "d", "e"))
	op := b.state(id, deploy.Parked)
	if op.Reason != wire.ReasonBurn || op.Message != "a; b; c; and 2 more" || !strings.Contains(op.Hint, "burn-in show n1") {
		t.Errorf("%s: %s (%s)", op.Reason, op.Message, op.Hint)
	}
	if c := b.machine().Conditions; len(c) != 1 || c[0].Type != "burn-in-parked" || c[0].Reason != wire.ReasonBurn {
		t.Errorf("%+v", c)
	}
	b.clock.pass(time.Minute)
	_, err := b.db.RetryOperation(b.ctx, id, "ada")
	b.ok(err)
	op = b.burning(id)
	if r := b.burned(id); r.Total().Seconds != 0 || len(r.Complaints()) != 0 {
		t.Errorf("it goes on where it was: %+v", r)
	}
	b.reports(op, wire.Burn, told(wire.Completed, 600))
	b.at(id, deploy.StepReboot)
	if len(b.machine().Conditions) != 1 { // until the operation ends
		t.Errorf("%+v", b.machine().Conditions)
	}
	if list, err := b.db.BurnIns(b.ctx, b.machine().ID, 10); err != nil || len(list) != 2 || list[1].State != deploy.BurnFailed {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAMachineThatRestartsGoesOnWithTheRestAndHasNotPassed(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.burnIn()
	op := b.burning(id)
	b.reports(op, wire.Burn, told(wire.Burning, 200))
	b.until(id, "200 s", func(deploy.Operation) bool { return b.burned(id).Latest.Seconds == 200 })
	b.clock.pass(time.Second)
	b.see(id, store.SawAgent, nil) // it came back
	b.until(id, "the restart", func(deploy.Operation) bool { return b.burned(id).Restarts == 1 })
	if r := b.burned(id); r.Total().Seconds != 200 || r.Latest.Seconds != 0 || !r.Powered(&op) {
		t.Errorf("%+v", r)
	}
	b.reports(op, wire.Burn, told(wire.Completed, 400))
	end := b.state(id, deploy.Parked)
	if end.Message != "the machine restarted by itself once" || b.burned(id).Total().Seconds != 600 || b.burned(id).Total().Figures[1].Value != 2 {
		t.Errorf("%s: %+v", end.Message, b.burned(id))
	}
	if !b.said("restarted by itself after 3m20s") {
		t.Error("the journal does not say so")
	}
}

func TestAMachineThatRestartsAgainAndAgainIsNotTriedForEver(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.burnIn()
	b.burning(id)
	for n := 1; n <= deploy.MaxBurnRestarts; n++ {
		b.clock.pass(time.Second)
		b.see(id, store.SawAgent, nil)
		b.until(id, "a restart", func(deploy.Operation) bool { return b.burned(id).Restarts == n })
	}
	if op := b.state(id, deploy.Parked); op.Reason != wire.ReasonBurn || !strings.Contains(op.Message, "restarted by itself 3 times") {
		t.Errorf("%s: %s", op.Reason, op.Message)
	}
}

func TestAMachineThatFellSilentIsNetbootedAndThatIsSaid(t *testing.T) {
	b := newBench(t)
	b.netboots()
	b.worker("w1")
	id := b.burnIn()
	b.reports(b.burning(id), wire.Burn, told(wire.Burning, 100))
	b.until(id, "100 s", func(deploy.Operation) bool { return b.burned(id).Latest.Seconds == 100 })
	b.clock.pass(3 * time.Minute)
	b.until(id, "another turn", func(o deploy.Operation) bool { return o.Turn == 1 })
	op := b.burning(id)
	if r := b.burned(id); r.Silences != 1 || r.Restarts != 0 || r.Total().Seconds != 100 {
		t.Errorf("%+v", r)
	}
	b.reports(op, wire.Burn, told(wire.Completed, 500))
	if end := b.state(id, deploy.Parked); end.Message != "the machine fell silent once and was netbooted again" {
		t.Error(end.Message)
	}
}

// narrow gives the machine a supply that its rack can feed only with nobody else at full,
// or not at all.
func (b *bench) narrow(watts float64, others int) {
	b.t.Helper()
	p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", DHCP: inventory.DHCPAuthoritative}},
		Models: []plan.Model{{Name: "big", Build: inventory.Build{PSUs: []inventory.PSU{{Name: "psu1", Watts: watts}}}}},
		Racks: []plan.Rack{{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 16}}, Machines: []plan.Machine{{Name: "n1", U: 1, Model: "big", UUID: "11111111-2222-3333-4444-555555555501",
			NICs:     []plan.NIC{{MAC: "52:54:00:00:00:01", Network: "provision", Address: "10.0.0.11"}},
			RootDisk: &plan.Disk{Serial: "DISK1"}, BMC: &plan.BMC{Address: access.Address, Username: access.Username, Password: "right"}}}}}}
	for i := range others {
		p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("o%d", i), U: 10 + i, Model: "big",
			NICs: []plan.NIC{{MAC: fmt.Sprintf("52:54:00:00:01:%02x", i), Network: "provision", Address: fmt.Sprintf("10.0.0.%d", 30+i)}}})
	}
	_, err := b.db.ApplyPlan(b.ctx, p, "", "test")
	b.ok(err)
}

func TestABurnInWaitsForPowerInItsRack(t *testing.T) {
	b := newBench(t)
	b.narrow(1600, 1)
	b.netboots()
	other, err := b.db.CreateOperation(b.ctx, deploy.BurnIn, "o0", deploy.Order{Burn: &deploy.BurnOrder{Seconds: 600}}, "ada")
	b.ok(err)
	claimed, err := b.db.ClaimOperation(b.ctx, "test", time.Hour)
	b.ok(err)
	claimed.State, claimed.Due = deploy.Running, b.clock.now().Add(24*time.Hour)
	b.ok(b.db.SaveOperation(b.ctx, claimed))
	claimed, err = b.db.Operation(b.ctx, other.ID)
	b.ok(err)
	first, err := b.db.BeginBurnIn(b.ctx, claimed)
	b.ok(err)
	_, err = b.db.PowerBurnIn(b.ctx, first, claimed)
	b.ok(err)
	b.clock.pass(time.Second)

	b.worker("w1")
	id := b.burnIn()
	op := b.until(id, "a note", func(o deploy.Operation) bool { return o.At(deploy.StepBurn) && o.Step().Note != "" })
	if op.Step().Note != "waits for power in rack r1: 2.4 of 2.9 kW in use" {
		t.Errorf("%q", op.Step().Note)
	}
	for range 3 { // a wait is no time of the work's
		b.clock.pass(time.Minute)
		b.see(id, store.SawContact, nil)
	}
	if r := b.burned(id); r.State != deploy.BurnWaiting {
		t.Errorf("%+v", r)
	}
	first.State = deploy.BurnPassed
	b.ok(b.db.SaveBurnIn(b.ctx, first))
	b.clock.pass(11 * time.Second)
	b.burning(id)
	b.until(id, "time for the work beside the wait", func(o deploy.Operation) bool {
		return o.Step().Limit >= (deploy.BurnOrder{Seconds: 600}).Patience()+3*time.Minute
	})
}

func TestARackThatCanNeverFeedTheMachineIsSaidAtOnce(t *testing.T) {
	b := newBench(t)
	b.narrow(3200, 0)
	b.netboots()
	b.worker("w1")
	op := b.state(b.burnIn(), deploy.Parked)
	if op.Reason != "power-budget" || op.Message != "rack r1 cannot feed n1 at full draw: feed A would carry 3.2 kW and may carry 2.9 kW" || op.Hint == "" {
		t.Errorf("%s: %s", op.Reason, op.Message)
	}
}

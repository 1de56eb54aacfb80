package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

// narrowPlan has n machines, whose draw nobody declared, with a supply of a kilowatt each: one
// feed carries 2944 W, and a machine that is on and idle draws half.
func narrowPlan(n int) plan.Plan {
	p := planOf(n)
	p.Models = []plan.Model{{Name: "x1", Build: inventory.Build{PSUs: []inventory.PSU{{Name: "psu1", Watts: 1000}}}}}
	p.Racks[0].Feeds = []inventory.Feed{{Name: "A", Volts: 230, Amps: 16}}
	for i := range p.Racks[0].Machines {
		p.Racks[0].Machines[i].Model, p.Racks[0].Machines[i].Batch = "x1", "b7"
	}
	return p
}

// burn queues a burn-in and brings it to its first step.
func (b *bench) burn(machine string) (*deploy.Operation, *deploy.BurnRecord) {
	b.t.Helper()
	must(b.CreateOperation(b.ctx(), deploy.BurnIn, machine, deploy.Order{Burn: &deploy.BurnOrder{Seconds: 60}}, "ann"))(b.t)
	o := b.claim("w")
	o.State, o.Due = deploy.Running, b.clock.Now().Add(time.Hour)
	ok(b.t, b.SaveOperation(b.ctx(), o))
	b.clock.Turn(time.Millisecond)
	return o, must(b.BeginBurnIn(b.ctx(), o))(b.t)
}

// ends gives a burn-in a verdict and ends its operation.
func (b *bench) ends(o *deploy.Operation, r *deploy.BurnRecord, as deploy.BurnState) {
	b.t.Helper()
	r.State = as
	ok(b.t, b.SaveBurnIn(b.ctx(), r))
	must(b.CancelOperation(b.ctx(), o.ID, "ann"))(b.t)
	again := b.claim("w")
	again.State = deploy.Cancelled
	ok(b.t, b.SaveOperation(b.ctx(), again))
	b.clock.Turn(time.Second)
}

func burnIns() chapter {
	return chapter{
		"a burn-in is read back with every field, and a stale writer is refused": func(t *testing.T, b *bench) {
			b.apply(narrowPlan(1))
			o, r := b.burn("n1")
			if none := must(b.BurnInOf(b.ctx(), r.Machine))(t); none != nil {
				t.Errorf("of no operation: %+v", none)
			}
			old := *r
			r.Latest = deploy.BurnWork{Seconds: 7, Errors: []string{"one"}, Notes: []string{"n"},
				Figures: []deploy.BurnFigure{{Test: "disk", Part: "S1", Of: "HD", Name: "read_linear", Value: 1.5, Unit: "MiB/s", Fold: "mean", Better: "more"}}}
			r.Restarts, r.Silences, r.Booted = 2, 1, b.clock.Now()
			ok(t, b.SaveBurnIn(b.ctx(), r))
			same(t, "read back", must(b.BurnInOf(b.ctx(), o.ID))(t), r)
			refused(t, b.SaveBurnIn(b.ctx(), &old), fault.Conflict)
			r.State = deploy.BurnFailed
			ok(t, b.SaveBurnIn(b.ctx(), r))
			same(t, "ended", r.Ended, b.clock.Now())
			same(t, "listed", must(b.BurnIns(b.ctx(), r.Machine, 5))(t), []deploy.BurnRecord{*r})
		},
		"a burn-in whose operation ended before it is given up": func(t *testing.T, b *bench) {
			b.apply(narrowPlan(1))
			o, r := b.burn("n1")
			b.ends(o, r, deploy.BurnRunning)
			same(t, "state", must(b.BurnInOf(b.ctx(), o.ID))(t).State, deploy.BurnGivenUp)
		},
		"siblings are the machines of one model and batch, each with its last verdict": func(t *testing.T, b *bench) {
			p := narrowPlan(4)
			p.Racks[0].Machines[3].Batch = "b8"
			p.Racks[0].Feeds = nil
			b.apply(p)
			for i := range 4 {
				o, r := b.burn(fmt.Sprintf("n%d", i+1))
				b.ends(o, r, deploy.BurnFailed)
			}
			o, r := b.burn("n1")
			b.ends(o, r, deploy.BurnPassed)
			b.burn("n2") // runs
			got := namesOf(must(b.BurnSiblings(b.ctx(), r.Machine, 10))(t), func(r *deploy.BurnRecord) string { return r.Name + " " + string(r.State) })
			same(t, "siblings of n1", got, "n1 passed n3 failed n2 failed")
		},
		"machines burn one after the other where the rack has no power for all": func(t *testing.T, b *bench) {
			b.apply(narrowPlan(4))
			must(b.ChangeMachine(b.ctx(), "n4", func(m *inventory.Machine) ([]journal.Event, error) { m.Power = inventory.PowerOff; return nil, nil }))(t)
			o1, r1 := b.burn("n1")
			o2, r2 := b.burn("n2")
			o3, r3 := b.burn("n3")
			same(t, "n2 before n1", must(b.PowerBurnIn(b.ctx(), r2, o2))(t).Fits, false) // its turn comes
			same(t, "n1", must(b.PowerBurnIn(b.ctx(), r1, o1))(t).Fits, true)
			same(t, "n1 has it", r1.Powered(o1) && must(b.BurnInOf(b.ctx(), o1.ID))(t).Powered(o1), true)
			same(t, "n2", must(b.PowerBurnIn(b.ctx(), r2, o2))(t).Fits, true)
			wait := must(b.PowerBurnIn(b.ctx(), r3, o3))(t)
			same(t, "n3", wait.Fits || !wait.Ever, false)
			same(t, "why", wait.String(), "power in rack r1: 2.5 of 2.9 kW in use")
			b.ends(o1, r1, deploy.BurnPassed)
			same(t, "n3 after n1", must(b.PowerBurnIn(b.ctx(), r3, o3))(t).Fits, true)
		},
		"two that ask at once for the last power of a rack do not both get it": func(t *testing.T, b *bench) {
			b.apply(narrowPlan(3))
			o1, r1 := b.burn("n1")
			must(b.PowerBurnIn(b.ctx(), r1, o1))(t)
			ops, recs := make([]*deploy.Operation, 2), make([]*deploy.BurnRecord, 2)
			ops[0], recs[0] = b.burn("n2")
			ops[1], recs[1] = b.burn("n3")
			var in atomic.Int32
			race(2, func(i int) {
				for range 2 {
					if got, err := b.PowerBurnIn(b.ctx(), recs[i], ops[i]); err == nil && got.Fits {
						in.Add(1)
						return
					}
				}
			})
			if n := in.Load(); n > 1 {
				t.Errorf("%d were let in", n)
			}
		},
		"a retried burn-in asks for its power anew": func(t *testing.T, b *bench) {
			b.apply(narrowPlan(3))
			o, r := b.burn("n1")
			must(b.PowerBurnIn(b.ctx(), r, o))(t)
			o.Turn++
			same(t, "powered", r.Powered(o), false)
		},
	}
}

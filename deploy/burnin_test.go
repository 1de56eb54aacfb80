package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

func TestABurnInIsPlannedWithItsTime(t *testing.T) {
	o := deploy.BurnOrder{Seconds: 7200, Tests: []string{"cpu", "memory"}}
	steps, err := deploy.Plan(deploy.BurnIn, deploy.Subject{Machine: racked(), Order: deploy.Order{Burn: &o}})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(steps, func(s deploy.Step) bool { return s.Name == deploy.StepBurn })
	if i < 0 || steps[i].Title != "burn-in for 2h0m0s" || steps[i].Limit < 3*time.Hour || steps[i-1].Name != deploy.StepRamdisk {
		t.Errorf("%+v", steps)
	}
	if deploy.Destructive(deploy.BurnIn, deploy.Order{Burn: &o}) {
		t.Error("a burn-in that only reads is destructive")
	}
	if o.Write, o.Tests = true, nil; !deploy.Destructive(deploy.BurnIn, deploy.Order{Burn: &o}) {
		t.Error("a burn-in that writes is not destructive")
	}
}

func TestABurnInThatCannotBeIsRefusedWithAHint(t *testing.T) {
	active := racked()
	active.Phase, active.Image = inventory.Active, "debian"
	for name, c := range map[string]struct {
		machine inventory.Machine
		order   *deploy.BurnOrder
		kind    fault.Kind
		says    string
	}{
		"no order":             {racked(), nil, fault.Invalid, "how long"},
		"too short":            {racked(), &deploy.BurnOrder{Seconds: 3}, fault.Invalid, "3 seconds"},
		"too long":             {racked(), &deploy.BurnOrder{Seconds: 1 << 40}, fault.Invalid, "not possible"},
		"of no time":           {racked(), &deploy.BurnOrder{Seconds: -7200}, fault.Invalid, "not possible"},
		"unknown test":         {racked(), &deploy.BurnOrder{Seconds: 60, Tests: []string{"gpu"}}, fault.Invalid, `"gpu"`},
		"a test twice":         {racked(), &deploy.BurnOrder{Seconds: 60, Tests: []string{"cpu", "cpu"}}, fault.Invalid, "twice"},
		"write without disk":   {racked(), &deploy.BurnOrder{Seconds: 60, Tests: []string{"cpu"}, Write: true}, fault.Invalid, "not tested"},
		"active":               {active, &deploy.BurnOrder{Seconds: 60}, fault.Conflict, "it runs debian"},
		"active, to be wiped":  {active, &deploy.BurnOrder{Seconds: 60, Active: true, Write: true}, fault.Conflict, "never written"},
		"active, as was asked": {active, &deploy.BurnOrder{Seconds: 60, Active: true}, 0, ""},
	} {
		_, err := deploy.Plan(deploy.BurnIn, deploy.Subject{Machine: c.machine, Order: deploy.Order{Burn: c.order}})
		if c.says == "" && err == nil {
			continue
		}
		if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v (%s)", name, err, fault.HintOf(err))
		}
	}
}

// figure is a rate of a part.
func figure(part string, v float64) deploy.BurnFigure {
	return deploy.BurnFigure{Test: "disk", Part: part, Of: "HD4", Name: "read_linear", Unit: "MiB/s", Value: v, Fold: "mean", Better: "more"}
}

func TestTheWorkOfAttemptsBecomesOne(t *testing.T) {
	fold := func(how string, a, b float64) float64 {
		f := func(v float64) []deploy.BurnFigure {
			return []deploy.BurnFigure{{Test: "cpu", Name: "x", Fold: how, Value: v}}
		}
		return deploy.BurnWork{Seconds: 30, Figures: f(a)}.And(deploy.BurnWork{Seconds: 10, Figures: f(b)}).Figures[0].Value
	}
	for how, want := range map[string]float64{"sum": 12, "least": 4, "most": 8, "mean": 7, "": 4} {
		if got := fold(how, 8, 4); got != want {
			t.Errorf("%q of 8 and 4 is %v, want %v", how, got, want)
		}
	}
	w := deploy.BurnWork{Seconds: 5, Figures: []deploy.BurnFigure{figure("a", 1)}, Errors: []string{"one"}}.
		And(deploy.BurnWork{Seconds: 6, Figures: []deploy.BurnFigure{figure("b", 2)}, Errors: []string{"one", "two"}})
	if w.Seconds != 11 || len(w.Figures) != 2 || !slices.Equal(w.Errors, []string{"one", "two"}) {
		t.Errorf("%+v", w)
	}
}

func TestWhatAnAgentTellsIsBounded(t *testing.T) {
	var w deploy.BurnWork
	for i := range 5000 {
		f := figure(fmt.Sprint(i, "\x1b[2J", strings.Repeat("x", 1000)), 1)
		f.Fold, f.Better = "twist", "worse"
		w.Figures, w.Errors = append(w.Figures, f), append(w.Errors, strings.Repeat("é", 1000))
	}
	w = w.Bounded()
	f := w.Figures[0]
	if len(w.Figures) > 2000 || len(w.Errors) > 100 || len([]rune(w.Errors[0])) > 300 || len(f.Part) > 128 || strings.Contains(f.Part, "\x1b") || f.Fold+f.Better != "" {
		t.Errorf("%d figures, %d errors of %d runes, %+v", len(w.Figures), len(w.Errors), len([]rune(w.Errors[0])), f)
	}
}

func TestAMachineThatComesBackIsCounted(t *testing.T) {
	at := func(n int) time.Time { return time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC) }
	b := deploy.BurnRecord{}
	for range 2 {
		if b.Checked(at(1), 0) || b.Restarts != 0 {
			t.Errorf("the first boot counts: %+v", b)
		}
	}
	b.Latest = deploy.BurnWork{Seconds: 9}
	if !b.Checked(at(2), 0) || b.Restarts != 1 || b.Earlier.Seconds != 9 || b.Latest.Seconds != 0 {
		t.Errorf("a restart does not: %+v", b)
	}
	if b.Checked(at(3), 1) || b.Restarts != 1 || b.Silences != 1 { // netbooted by us
		t.Errorf("ours counts: %+v", b)
	}
	b.Silences = 2
	if got := strings.Join(b.Complaints(), "; "); got != "the machine restarted by itself once; the machine fell silent 2 times and was netbooted again" {
		t.Error(got)
	}
}

func TestWhyNamesThePowerThatABurnInWaitsFor(t *testing.T) {
	op := deploy.Operation{Kind: deploy.BurnIn, State: deploy.Running, Steps: []deploy.Step{{Name: deploy.StepBurn, State: deploy.StepDoing, Note: "waits for power in rack r1: 2.4 of 2.9 kW in use"}}}
	if why := deploy.Why(racked(), &op, nil, time.Now()); !strings.Contains(why, "waits for power in rack r1: 2.4 of 2.9 kW in use for a moment") {
		t.Error(why)
	}
	op.Steps[0].Note, op.Steps[0].Done, op.Steps[0].Total = "", 300, 600
	if why := deploy.Why(racked(), &op, nil, time.Now()); !strings.Contains(why, "under burn-in (50 %)") {
		t.Error(why)
	}
}

package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/integration/bench/load"
)

// fake is a runner with a small table whose measurements report what they are told.
func fake(to io.Writer) *runner {
	return &runner{to: to, table: []row{
		{name: "boot.bios.total", unit: "s", goal: 10},
		{name: "boot.uefi.total", unit: "s"},
		{name: "dhcp.reserved.dora", unit: "1/s", better: higher, peer: "kea", goal: 1.5},
	}, measures: map[string]measure{
		"boot": func(_ context.Context, b *bench) error {
			if err := b.report("boot.bios.total", reading{value: 12}); err != nil {
				return err
			}
			return fault.Unreachablef("node2 did not answer").WithHint("look at its console")
		},
		"dhcp": func(_ context.Context, b *bench) error {
			return b.report("dhcp.reserved.dora", reading{value: 300, peer: 150})
		},
	}}
}

func quiet() *bench { return &bench{say: io.Discard} }

func TestEveryRowHasAMeasurementAndANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range table() {
		if measures()[r.group()] == nil || !strings.Contains(r.name, ".") || seen[r.name] || r.unit == "" {
			t.Errorf("row %+v", r)
		}
		seen[r.name] = true
	}
	for g := range measures() {
		if _, err := (&runner{table: table()}).choose(g); err != nil {
			t.Errorf("nothing in the table is measured by %s", g)
		}
	}
}

func TestALineIsWrittenForEachFigure(t *testing.T) {
	var lines strings.Builder
	o := fake(&lines).run(t.Context(), quiet(), []string{"boot", "dhcp"})
	want := `{"name":"boot.bios.total","value":12,"unit":"s","goal":10,"ok":false}
{"name":"dhcp.reserved.dora","value":300,"unit":"1/s","peer":"kea","peer_value":150,"ratio":2,"goal":1.5,"ok":true}
`
	if lines.String() != want {
		t.Errorf("got\n%swant\n%s", lines.String(), want)
	}
	if m := o.missed(); len(m) != 1 || m[0] != "boot.bios.total" {
		t.Errorf("missed: %v", m)
	}
	if status(o) != unmeasured {
		t.Errorf("status %d, although a figure could not be measured", status(o))
	}
}

func TestWhatCouldNotBeMeasuredIsPrintedWithItsReason(t *testing.T) {
	var out strings.Builder
	o := fake(io.Discard).run(t.Context(), quiet(), []string{"boot", "dhcp"})
	o.print(&out)
	for _, part := range []string{"10 MISSED", "1.5 met", "not measured: boot.uefi.total: node2 did not answer\n", "hint: look at its console"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, out.String())
		}
	}
}

func TestAMissedGoalHasAStatusOfItsOwn(t *testing.T) {
	if got := status(outcome{figures: []Figure{{OK: false}}}); got != goalMissed {
		t.Errorf("status %d", got)
	}
	if got := status(outcome{figures: []Figure{{OK: true}}}); got != 0 {
		t.Errorf("status %d", got)
	}
}

func TestOnlyNamesGroups(t *testing.T) {
	r := fake(io.Discard)
	for only, want := range map[string]string{"": "boot dhcp", "dhcp": "dhcp", "dhcp,boot": "boot dhcp", " boot ": "boot"} {
		if got, err := r.choose(only); err != nil || strings.Join(got, " ") != want {
			t.Errorf("ONLY=%q is %v (%v), want %s", only, got, err, want)
		}
	}
	_, err := r.choose("dhcp,tftp")
	if !fault.Is(err, fault.Invalid) || fault.HintOf(err) != "groups are boot, dhcp" {
		t.Errorf("%v, hint %q", err, fault.HintOf(err))
	}
}

func TestANumberThatIsNoMeasurementIsRefused(t *testing.T) {
	r := fake(io.Discard)
	zero := 0.0
	for name, m := range map[string]reading{"dhcp.reserved.dora": {value: 5}, "boot.bios.total": {value: 1 / zero}, "boot.nobody": {value: 1}} {
		if f, err := r.write(strings.SplitN(name, ".", 2)[0], name, m); err == nil {
			t.Errorf("%s %+v became %+v", name, m, f)
		}
	}
}

func TestAnInterruptedRunMeasuresNothingMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := fake(io.Discard).run(ctx, quiet(), []string{"dhcp"})
	if len(o.figures) != 0 || len(o.missing) != 1 || !errors.Is(o.missing[0], context.Canceled) {
		t.Errorf("%+v", o)
	}
}

func TestLowerIsBetterForTimesAndHigherForRates(t *testing.T) {
	for _, c := range []struct {
		row  row
		in   reading
		want bool
	}{
		{row{goal: 180}, reading{value: 179}, true},
		{row{goal: 180}, reading{value: 181}, false},
		{row{goal: 2, better: higher}, reading{value: 1}, false},
		{row{goal: 1, better: higher, peer: "kea"}, reading{value: 50, peer: 100}, false},
		{row{goal: 1, peer: "kea"}, reading{value: 50, peer: 100}, true},
		{row{}, reading{value: 1e9}, true},
	} {
		if got := c.row.figure(c.in); got.OK != c.want {
			t.Errorf("%+v %+v: %+v", c.row, c.in, got)
		}
	}
}

func TestThePlanOfTheLoadHoldsEveryMachineOnce(t *testing.T) {
	w, err := planOf(planned(hosts)).Resolve()
	if err != nil || len(w.Machines) != hosts {
		t.Fatalf("%v", err)
	}
}

func TestALossyOrWrongRoundSaysNothing(t *testing.T) {
	for name, r := range map[string]load.Result{"nothing": {}, "lost": {Done: 90, Lost: 10}, "wrong": {Done: 100, Wrong: "x"}} {
		if honest(r) == nil {
			t.Errorf("%s counts", name)
		}
	}
	if err := honest(load.Result{Done: 1000, Lost: 1}); err != nil {
		t.Error(err)
	}
}

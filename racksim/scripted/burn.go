package scripted

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"
	"time"

	"rackwright/agent/wire"
	"rackwright/racksim"
)

// burn does a burn-in order: the time passes, and the figures are made up; each machine's
// differ a little from the others'. It returns true when the machine restarts by itself in
// the middle, as its fault wants, once.
func (a *agent) burn(ctx context.Context, o wire.Order) (bool, error) {
	a.m.stage(ctx)
	if err := a.report(ctx, wire.Event{Order: o.ID, Stage: wire.Accepted}); err != nil {
		return false, err
	}
	left := max(o.Burn.Seconds-o.Burn.Done, 0)
	a.m.say("agent: burn-in for %d s of %v", left, o.Burn.Tests)
	for worked := 0; worked < left && ctx.Err() == nil; {
		pause(ctx, time.Second)
		worked++
		if err := a.report(ctx, a.burned(o, wire.Burning, worked)); errors.Is(err, errSession) {
			return false, err
		}
		if a.m.Machine.Fault == racksim.FaultRestarts && o.Burn.Done == 0 && worked >= left/2 {
			a.m.say("restarts in the middle of its burn-in, as the rack file wants")
			return true, nil
		}
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return false, a.conclude(ctx, a.burned(o, wire.Completed, left))
}

// burned is the report after so many seconds.
func (a *agent) burned(o wire.Order, stage wire.Stage, worked int) wire.Event {
	b := wire.Burned{Seconds: worked, Figures: a.figures(o.Burn.Tests)}
	if a.m.Machine.Fault == racksim.FaultBadMemory && slices.Contains(o.Burn.Tests, "memory") {
		b.Errors = []string{"memory module A1: corrected errors (ECC): 7"}
	}
	result, _ := json.Marshal(b) // numbers and text
	return wire.Event{Order: o.ID, Stage: stage, Done: int64(o.Burn.Done + worked), Total: int64(o.Burn.Seconds), Result: result}
}

// figures are those of a machine like all others, but for a slow disk.
func (a *agent) figures(tests []string) (out []wire.BurnFact) {
	add := func(test, part, of, name, unit string, value float64) {
		if slices.Contains(tests, test) {
			h := fnv.New32a()
			h.Write([]byte(a.m.Machine.Name + part + name))
			value *= 1 + float64(h.Sum32()%1000)/100_000 // within a hundredth of each other
			out = append(out, wire.BurnFact{Test: test, Part: part, Of: of, Name: name, Value: value, Unit: unit, Fold: wire.FoldMean, Better: "more"})
		}
	}
	add("cpu", "", "", "work", "sums/s", 4000)
	add("memory", "", "", "bandwidth", "MiB/s", 20_000)
	for i, d := range a.m.facts().Disks {
		rate := 500.0
		if a.m.Machine.Fault == racksim.FaultSlowDisk && i == 0 {
			rate = 200
		}
		add("disk", d.Serial, d.Model, "read_linear", "MiB/s", rate)
	}
	for _, n := range a.m.facts().NICs {
		add("network", n.Name, n.Driver, "receive", "MiB/s", 2900)
	}
	if slices.Contains(tests, "cpu") {
		out = append(out, wire.BurnFact{Test: "cpu", Name: "wrong_results", Fold: wire.FoldSum})
	}
	return out
}

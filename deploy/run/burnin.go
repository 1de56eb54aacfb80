package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Burns is where burn-ins are kept.
type Burns interface {
	BeginBurnIn(ctx context.Context, o *deploy.Operation) (*deploy.BurnRecord, error)
	// BurnInOf returns the newest of an operation, nil when there is none.
	BurnInOf(ctx context.Context, operation string) (*deploy.BurnRecord, error)
	SaveBurnIn(ctx context.Context, b *deploy.BurnRecord) error
	PowerBurnIn(ctx context.Context, b *deploy.BurnRecord, o *deploy.Operation) (inventory.Budget, error)
	BurnSiblings(ctx context.Context, machineID string, limit int) ([]deploy.BurnRecord, error)
}

// keepEvery is how many seconds of work lie between figures that are kept.
const keepEvery = 5

// burned waits for power in the rack, then follows the agent's work and judges it. A
// machine that comes back in the middle goes on with the rest; that it restarted is a
// finding of its own.
func burned(ctx context.Context, j *job, s *deploy.Step) outcome {
	b, err := j.burnIn(ctx)
	if err != nil {
		return retry(err)
	}
	if b.Over() { // it was judged, and not written down that it was
		return j.verdict(ctx, b)
	}
	if o := j.restarts(ctx, b); o.verdict != isDone {
		return o
	}
	if !b.Powered(j.op) {
		return j.awaitPower(ctx, b, s)
	}
	return ordered(wire.Burn, func(ctx context.Context, j *job, _ *deploy.Step, r wire.Event) outcome {
		return j.burnReport(ctx, b, r)
	})(ctx, j, s)
}

// burnIn is the record of this burn-in. A person's retry after a verdict begins anew.
func (j *job) burnIn(ctx context.Context) (*deploy.BurnRecord, error) {
	b, err := j.w.Store.BurnInOf(ctx, j.op.ID)
	if err != nil || b != nil && (!b.Over() || b.Turn == j.op.Turn) {
		return b, err
	}
	return j.w.Store.BeginBurnIn(ctx, j.op)
}

// restarts counts the check-ins of the machine's agent. One that restarts again and again
// is not tried any more.
func (j *job) restarts(ctx context.Context, b *deploy.BurnRecord) outcome {
	e, err := j.evidence(ctx, store.SawAgent)
	if err != nil {
		return retry(err)
	}
	if !e.At.After(b.Booted) {
		return done()
	}
	if b.Checked(e.At, j.op.Turn) {
		j.event(journal.OpStep, fmt.Sprintf("the machine restarted by itself after %s of burn-in", time.Duration(b.Total().Seconds)*time.Second), "restarts", b.Restarts)
	}
	if b.Restarts >= deploy.MaxBurnRestarts {
		b.State = deploy.BurnFailed
		return j.judge(ctx, b)
	}
	if err := j.w.Store.SaveBurnIn(ctx, b); err != nil {
		return retry(err)
	}
	return done()
}

// awaitPower waits in the step until the rack can feed the machine at full draw. That is
// no time of the work's.
func (j *job) awaitPower(ctx context.Context, b *deploy.BurnRecord, s *deploy.Step) outcome {
	budget, err := j.w.Store.PowerBurnIn(ctx, b, j.op)
	waited := j.w.Now().Sub(s.Started)
	s.Limit = max(waited, 0) + j.op.Order.Burn.Patience()
	switch {
	case err != nil:
		return retry(err)
	case budget.Fits:
		s.Note = ""
		return wait(0)
	case !budget.Ever:
		return park("power-budget", budget.Never(j.op.Name),
			"correct watts of its model or the rack's feeds in the plan, or switch machines of the rack off; then 'rackwright operation retry'")
	}
	if lost, err := j.silent(ctx, agentSilence); err != nil || lost {
		if err != nil {
			return retry(err)
		}
		return rewind(deploy.StepBootNet, "the agent was not heard of for "+agentSilence.String())
	}
	if note := "waits for " + budget.String(); s.Note != note {
		s.Note = note
		j.event(journal.OpStep, note)
	}
	return wait(look)
}

// burnReport keeps what the agent found so far, and judges it when it is done.
func (j *job) burnReport(ctx context.Context, b *deploy.BurnRecord, r wire.Event) outcome {
	e, err := j.evidence(ctx, store.SawReport)
	if err != nil {
		return retry(err)
	}
	if e.At.Before(b.Booted) { // of the attempt that a restart ended
		return done()
	}
	var found wire.Burned
	if err := json.Unmarshal(r.Result, &found); err != nil {
		return retry(fault.Invalidf("the agent's report of its burn-in is not understood: %w", err))
	}
	kept := b.Latest
	b.Latest = burnWork(found)
	if r.Stage == wire.Completed {
		b.State = deploy.BurnPassed
		if len(b.Complaints()) > 0 {
			b.State = deploy.BurnFailed
		}
		return j.judge(ctx, b)
	}
	if b.Latest.Seconds-kept.Seconds < keepEvery && len(b.Latest.Errors) == len(kept.Errors) && kept.Seconds > 0 {
		return done()
	}
	if err := j.w.Store.SaveBurnIn(ctx, b); err != nil {
		return retry(err)
	}
	return done()
}

// burnWork is a report as it is kept.
func burnWork(found wire.Burned) deploy.BurnWork {
	w := deploy.BurnWork{Seconds: max(found.Seconds, 0), Errors: found.Errors, Notes: found.Notes}
	for _, f := range found.Figures[:min(len(found.Figures), wire.MaxBurnFigures)] {
		w.Figures = append(w.Figures, deploy.BurnFigure{Test: f.Test, Part: f.Part, Of: f.Of, Name: f.Name, Value: f.Value, Unit: f.Unit, Fold: string(f.Fold), Better: f.Better})
	}
	return w.Bounded()
}

// judge keeps a verdict and says what it means for the machine and its siblings.
func (j *job) judge(ctx context.Context, b *deploy.BurnRecord) outcome {
	if err := j.w.Store.SaveBurnIn(ctx, b); err != nil {
		return retry(err)
	}
	return j.verdict(ctx, b)
}

// verdict compares the machine with its siblings, which may be worse than it is, and ends
// the step or parks.
func (j *job) verdict(ctx context.Context, b *deploy.BurnRecord) outcome {
	if err := j.compare(ctx); err != nil {
		return retry(err)
	}
	total := b.Total()
	if b.State == deploy.BurnPassed {
		j.event(journal.OpStep, fmt.Sprintf("burned in for %s: nothing went wrong", time.Duration(total.Seconds)*time.Second), "seconds", total.Seconds, "figures", len(total.Figures))
		return done()
	}
	complaints := b.Complaints()
	message := strings.Join(complaints[:min(len(complaints), 3)], "; ")
	if more := len(complaints) - 3; more > 0 {
		message += fmt.Sprintf("; and %d more", more)
	}
	return park(wire.ReasonBurn, message, "see 'rackwright burn-in show "+j.op.Name+"', replace the part that it names, then 'rackwright operation retry' burns in anew")
}

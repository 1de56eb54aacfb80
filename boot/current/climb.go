package current

import (
	"context"
	"log/slog"
	"time"

	"rackwright/boot"
	"rackwright/boot/attempt"
	"rackwright/fault"
	"rackwright/journal"
)

// Rungs is where the ladders of models are kept, and what was done to machines.
type Rungs interface {
	// SetRung moves a ladder. Conflict: it stood elsewhere than was.
	SetRung(ctx context.Context, model string, was, now boot.Rung, actor string) error
	// Powered reports whether a machine's BMC was told of its power within a span.
	Powered(ctx context.Context, machine string, from, to time.Time) (bool, error)
}

// Climber moves a model's ladder by what becomes of the loaders its machines fetch. It listens
// to what is recorded on its way to the journal and keeps nobody waiting.
type Climber struct {
	View    func() *boot.View
	Loaders *boot.Loaders
	Rungs   Rungs
	Journal journal.Recorder
	Log     *slog.Logger
	Now     func() time.Time

	fetched  *attempt.Fetched
	outcomes chan attempt.Outcome
	failed   []attempt.Outcome // not judged yet, in order
	streaks  map[string]boot.Streak
}

// Bounds of what waits.
const (
	waiting = 256              // outcomes; what comes above is forgotten, and seen again at the next boot
	hearing = 30 * time.Second // for the word that a machine's power was changed: it is written when its BMC has confirmed it
	looking = 5 * time.Second  // for failures that have waited so long
	writing = 5 * time.Second  // for the database
)

// NewClimber makes one that passes events on to the journal.
func NewClimber(c Climber) *Climber {
	return &Climber{View: c.View, Loaders: c.Loaders, Rungs: c.Rungs, Journal: c.Journal, Log: c.Log, Now: c.Now,
		fetched: new(attempt.Fetched), outcomes: make(chan attempt.Outcome, waiting), streaks: map[string]boot.Streak{}}
}

// Record passes the event on, and looks at it.
func (c *Climber) Record(e journal.Event) {
	if e.At.IsZero() {
		e.At = c.Now()
	}
	c.Journal.Record(e)
	if out, known := c.fetched.Tell(e); known {
		select {
		case c.outcomes <- out:
		default:
		}
	}
}

// String names the task.
func (c *Climber) String() string { return "ladder of loaders" }

// Run moves ladders until ctx ends.
func (c *Climber) Run(ctx context.Context) error {
	tick := time.NewTicker(looking)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case out := <-c.outcomes:
			c.hear(ctx, out)
		case <-tick.C:
			c.judge(ctx, c.Now())
		}
	}
}

// hear takes a success at once, after the failures that came before it, and keeps a failure for later.
func (c *Climber) hear(ctx context.Context, out attempt.Outcome) {
	switch {
	case out.Worked:
		c.forgive(c.View().ModelOf(out.Machine))
		c.take(ctx, out, false)
	case len(c.failed) < waiting:
		c.failed = append(c.failed, out)
	}
}

// forgive drops failures that a success of the model has followed.
func (c *Climber) forgive(model string) {
	v, kept := c.View(), c.failed[:0]
	for _, out := range c.failed {
		if v.ModelOf(out.Machine) != model {
			kept = append(kept, out)
		}
	}
	c.failed = kept
}

// judge takes the failures that waited long enough.
func (c *Climber) judge(ctx context.Context, now time.Time) {
	for len(c.failed) > 0 && now.Sub(c.failed[0].At) >= hearing {
		out := c.failed[0]
		c.failed = c.failed[1:]
		c.take(ctx, out, c.cutShort(ctx, out))
	}
}

// cutShort reports whether the machine's power was changed before its loader had its time, or
// that cannot be told.
func (c *Climber) cutShort(ctx context.Context, out attempt.Outcome) bool {
	ctx, cancel := context.WithTimeout(ctx, writing)
	defer cancel()
	until := out.At.Add(hearing)
	if most := out.Fetched.Add(boot.LoaderTime); until.After(most) {
		until = most
	}
	cut, err := c.Rungs.Powered(ctx, out.Machine, out.Fetched, until)
	return cut || err != nil
}

func (c *Climber) take(ctx context.Context, out attempt.Outcome, cut bool) {
	v := c.View()
	model := v.ModelOf(out.Machine)
	if model == "" || v.Pinned(model) || boot.Sole(out.File) {
		return
	}
	var rungs []boot.Kind
	if arch, ok := boot.ArchOf(out.Arch); ok {
		rungs = arch.Rungs(c.Loaders)
	}
	was, streak := v.RungOf(model), c.streaks[model]
	trial := boot.Trial{Machine: out.Machine, Used: boot.KindOfFile(out.File), Worked: out.Worked, CutShort: cut, At: out.At}
	now, next := streak.After(was, trial, rungs)
	if now == was {
		c.keep(model, next)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writing)
	defer cancel()
	switch err := c.Rungs.SetRung(ctx, model, was, now, "server"); {
	case fault.Is(err, fault.Conflict): // the view was not the newest
	case err != nil:
		c.Log.Warn("boot: what became of a loader was not kept", "model", model, "error", err)
	default:
		c.keep(model, next)
		c.tell(v, model, was, now, trial)
	}
}

func (c *Climber) keep(model string, s boot.Streak) {
	if s.Failures == 0 {
		delete(c.streaks, model)
		return
	}
	c.streaks[model] = s
}

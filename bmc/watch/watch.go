// Package watch looks at every BMC from time to time: it keeps the power state true,
// discovers planned machines by what their BMC says of them, reads the parts of known ones
// once a day, and says which BMCs cannot be used. It changes nothing on a machine.
package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the watch asks of the database.
type Store interface {
	// WithBMC lists machines that have a BMC by name, those behind after, at most limit.
	WithBMC(ctx context.Context, after string, limit int) ([]inventory.Machine, error)
	Operations(ctx context.Context, f store.OperationFilter) ([]deploy.Operation, error)
	// Witness keeps what a machine was seen by and adds to the evidence where in the plan it was.
	Witness(ctx context.Context, machineID string, e inventory.Evidence) (inventory.Evidence, error)
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
	Changed() (<-chan struct{}, func())
}

// Task is the watch. All fields are required.
type Task struct {
	Store Store
	BMC   bmc.Hands
	Log   *slog.Logger
	Now   func() time.Time
	Every time.Duration // between two looks at one BMC

	mu     sync.Mutex
	looked map[string]*look
}

// Bounds of a round.
const (
	readers = 2           // of parts, beside the rounds
	batch   = 500         // machines in memory at a time
	settle  = time.Second // rounds are no closer than this
)

// String names the task.
func (t *Task) String() string { return "BMC watch" }

// Run looks until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	t.looked = map[string]*look{}
	var inventories errgroup.Group
	inventories.SetLimit(readers)
	defer inventories.Wait()
	lanes := newLanes()
	defer lanes.looks.Wait()
	changed, stop := t.Store.Changed()
	defer stop()
	tick := time.NewTicker(max(t.Every/4, settle))
	defer tick.Stop()
	for {
		if err := t.round(ctx, lanes, &inventories); err != nil && ctx.Err() == nil {
			t.Log.Warn("BMCs not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settle): // a plan changes many machines at once
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

// round begins a look at every BMC whose time has come, except those an operation has in
// hand, and forgets machines that are no more. Parts are read beside, a few machines at a
// time, so that a slow BMC does not make the power states of the others old.
func (t *Task) round(ctx context.Context, lanes *lanes, inventories *errgroup.Group) error {
	began := t.Now()
	busy, err := t.busy(ctx)
	if err != nil {
		return err
	}
	for after := ""; ; {
		machines, err := t.Store.WithBMC(ctx, after, batch)
		if err != nil {
			return err
		}
		for i := range machines {
			t.turn(ctx, &machines[i], busy[machines[i].ID], began, lanes, inventories)
		}
		if len(machines) < batch {
			t.forget(began)
			return nil
		}
		after = machines[batch-1].Name
	}
}

// turn looks at a machine's BMC if its time has come.
func (t *Task) turn(ctx context.Context, m *inventory.Machine, busy bool, round time.Time, lanes *lanes, inventories *errgroup.Group) {
	t.listed(m, round)
	if busy {
		t.stale(m)
		return
	}
	if t.takeParts(m) {
		if inventories.TryGo(func() error {
			whole, _ := t.look(ctx, m, thorough())
			t.rememberParts(m, whole)
			return nil
		}) {
			return
		}
		t.leaveParts(m)
	}
	due, slow := t.due(m)
	switch {
	case !due:
	case !slow:
		lanes.run(ctx, func(ctx context.Context) { t.brief(ctx, m, lanes) })
	case !lanes.crawl(func() { t.brief(ctx, m, lanes) }):
		t.later(m)
	}
}

// brief looks at a BMC for its power state.
func (t *Task) brief(ctx context.Context, m *inventory.Machine, lanes *lanes) {
	began, moment := time.Now(), lanes.moment()
	_, answered := t.look(ctx, m, brief())
	t.remember(m, !answered || time.Since(began) > moment)
}

func (t *Task) busy(ctx context.Context) (map[string]bool, error) {
	open, err := t.Store.Operations(ctx, store.OperationFilter{Open: true, Limit: 10000})
	busy := map[string]bool{}
	for _, o := range open {
		busy[o.Machine] = o.State != deploy.Parked
	}
	return busy, err
}

// keep puts an observation, or the error instead of one, on the machine.
func (t *Task) keep(m *inventory.Machine, seen observation, e inventory.Evidence, err error) []journal.Event {
	if err != nil {
		known := hasCondition(m, inventory.BMCUnusable)
		inventory.SetCondition(m, &inventory.Condition{Type: inventory.BMCUnusable, Reason: fault.KindOf(err).String(), Evidence: err.Error(),
			Hint: fault.HintOf(err), Since: t.Now()}, inventory.BMCUnusable)
		m.Power = inventory.PowerUnknown
		if known {
			return nil
		}
		return []journal.Event{{Kind: journal.BMCFailed, Actor: "server", Summary: err.Error()}}
	}
	inventory.SetCondition(m, nil, inventory.BMCUnusable)
	m.Power = seen.power
	if seen.facts == nil {
		return nil
	}
	if seen.replaces(m.Facts) {
		m.Facts = seen.facts
	}
	said, _ := inventory.Bind(m, e, t.Now())
	if said == "" {
		return nil
	}
	return []journal.Event{{Kind: journal.PhaseMoved, Actor: e.Source, Summary: said}}
}

// replaces reports whether the observation is to be kept; the store merges it with what
// other sources saw. No more than the identity is kept only where it says something new.
func (o observation) replaces(have *inventory.Facts) bool {
	return o.whole || have == nil || have.Source == o.facts.Source && have.System != o.facts.System
}

func hasCondition(m *inventory.Machine, kind string) bool {
	for _, c := range m.Conditions {
		if c.Type == kind {
			return true
		}
	}
	return false
}

// witness keeps what the BMC says of the machine's identity.
func (t *Task) witness(ctx context.Context, m *inventory.Machine, seen observation) (inventory.Evidence, error) {
	if seen.facts == nil {
		return inventory.Evidence{}, nil
	}
	return t.Store.Witness(ctx, m.ID, inventory.FromFacts(seen.facts))
}

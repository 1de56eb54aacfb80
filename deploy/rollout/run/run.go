// Package run drives rollouts: it looks at what became of the machines of a rollout, asks
// rollout.Advance who is next, and begins those deployments. The deployments themselves are
// operations, which deploy/run does.
package run

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rackwright/deploy"
	"rackwright/deploy/rollout"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the task asks of the database.
type Store interface {
	ClaimRollout(ctx context.Context, owner string, ttl time.Duration) (*rollout.Fleet, error)
	SaveRollout(ctx context.Context, f *rollout.Fleet, due time.Time, events ...journal.Event) error
	RolloutDue() (<-chan struct{}, func())
	RolloutOrder(ctx context.Context, id string) (deploy.Order, error)
	RolloutOperations(ctx context.Context, id string) (map[string]*deploy.Operation, error)
	CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error)
	Caches(ctx context.Context) ([]images.Cache, error)
	Racks(ctx context.Context) ([]inventory.Rack, error)
	Devices(ctx context.Context, rack string) ([]inventory.Device, error)
	Models(ctx context.Context) ([]inventory.Model, error)
	Machines(ctx context.Context, f store.MachineFilter) ([]inventory.Machine, error)
}

// Task drives rollouts. Several, in one process or many, may share a database: each rollout
// is in the hands of one.
type Task struct {
	Store Store
	Log   *slog.Logger
	Now   func() time.Time
	Owner string        // unique to this process
	Poll  time.Duration // 0: 5 s; how often due rollouts are looked for

	ground *ground
}

// How long a rollout is lent, and how often one that runs is looked at.
const (
	lease = 45 * time.Second
	again = 5 * time.Second
)

// String names the task.
func (t *Task) String() string { return "rollouts" }

// Run drives rollouts until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	due, stop := t.Store.RolloutDue()
	defer stop()
	poll := t.Poll
	if poll == 0 {
		poll = again
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := t.Round(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("a rollout was not driven; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-tick.C:
		}
	}
}

// Round looks after every rollout that is due.
func (t *Task) Round(ctx context.Context) error {
	for ctx.Err() == nil {
		f, err := t.Store.ClaimRollout(ctx, t.Owner, lease)
		if err != nil || f == nil {
			return err
		}
		if err := t.drive(ctx, f); err != nil && !fault.Is(err, fault.Conflict) { // a person was quicker: it is due again
			return err
		}
	}
	return nil
}

// drive takes a rollout one step on. Who is to begin is written down before it begins:
// whoever goes on after us finds an operation that is there, or begins it.
func (t *Task) drive(ctx context.Context, f *rollout.Fleet) error {
	g, err := t.survey(ctx)
	if err != nil {
		return err
	}
	reports, err := t.reports(ctx, f)
	if err != nil {
		return err
	}
	next, begin := rollout.Advance(*f, reports, g, t.Now())
	due := t.Now().Add(again)
	if len(begin) > 0 {
		due = t.Now().Add(lease) // until they are begun nobody else looks
	}
	if err := t.Store.SaveRollout(ctx, &next, due, t.events(f, &next)...); err != nil || len(begin) == 0 {
		return err
	}
	if reports, err = t.beginAll(ctx, &next, begin); err != nil {
		return err
	}
	was := next
	next = rollout.Take(next, reports, g, t.Now())
	return t.Store.SaveRollout(ctx, &next, t.Now().Add(again), t.events(&was, &next)...)
}

// reports says what became of what was begun.
func (t *Task) reports(ctx context.Context, f *rollout.Fleet) (map[string]rollout.Report, error) {
	found, err := t.Store.RolloutOperations(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]rollout.Report{}
	var lost []string
	for i := range f.Members {
		m := &f.Members[i]
		if m.State != rollout.Deploying && m.State != rollout.Failed {
			continue
		}
		switch o := found[m.Machine]; {
		case o != nil:
			out[m.Machine] = rollout.ReportOf(o)
		case m.Operation == "" && m.State == rollout.Deploying: // a server stopped between its word and the deed
			lost = append(lost, m.Machine)
		default:
			out[m.Machine] = rollout.Report{State: rollout.IsFailed, Reason: "gone", Why: "its operation is gone"}
		}
	}
	if len(lost) == 0 {
		return out, nil
	}
	begun, err := t.beginAll(ctx, f, lost)
	for id, r := range begun {
		out[id] = r
	}
	return out, err
}

// beginAll begins the deployments of machines.
func (t *Task) beginAll(ctx context.Context, f *rollout.Fleet, machines []string) (map[string]rollout.Report, error) {
	order, err := t.Store.RolloutOrder(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]rollout.Report{}
	for _, id := range machines {
		if out[id], err = t.begin(ctx, f, order, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *Task) begin(ctx context.Context, f *rollout.Fleet, order deploy.Order, machine string) (rollout.Report, error) {
	if f.State.Ended() {
		return rollout.Report{State: rollout.IsSkipped, Why: "the rollout ended before it was begun"}, nil
	}
	o, err := t.Store.CreateOperation(ctx, deploy.Deploy, machine, order, "rollout "+f.Name)
	switch {
	case err == nil:
		return rollout.ReportOf(o), nil
	case fault.Is(err, fault.Conflict): // held, in maintenance, or other work has it
		return rollout.Report{State: rollout.IsBusy, Why: err.Error()}, nil
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound):
		return rollout.Report{State: rollout.IsSkipped, Why: err.Error()}, nil
	}
	return rollout.Report{}, err
}

// events says what a rollout did.
func (t *Task) events(was, now *rollout.Fleet) (out []journal.Event) {
	say := func(what string) { out = append(out, store.RolloutEvent(now, "rollout", what)) }
	if now.State != was.State {
		what := string(now.State)
		if now.Why != "" {
			what += ": " + now.Why
		}
		say(what)
	}
	if now.Wave != was.Wave {
		say(fmt.Sprintf("wave %d", now.Wave))
	}
	before := map[string]rollout.MemberState{}
	for i := range was.Members {
		before[was.Members[i].Machine] = was.Members[i].State
	}
	told := []rollout.MemberState{rollout.Failed, rollout.Skipped, rollout.Deployed, rollout.Deploying}
	for i := range now.Members {
		m := &now.Members[i]
		if m.State == before[m.Machine] || !slices.Contains(told, m.State) {
			continue
		}
		what := fmt.Sprintf("%s is %s", m.Name, m.State)
		if m.Why != "" {
			what += ": " + m.Why
		}
		say(what)
		e := &out[len(out)-1]
		e.Machine, e.Name, e.Operation = m.Machine, m.Name, m.Operation
	}
	return out
}

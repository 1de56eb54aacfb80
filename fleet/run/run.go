// Package run drives fleets: it looks at what became of the machines of a rollout or a
// firmware campaign, asks fleet.Advance who is next, and begins that work. The work itself
// is operations, which deploy/run does.
package run

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/fleet"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/journal"
)

// Store is what the task asks of the database.
type Store interface {
	ClaimFleet(ctx context.Context, owner string, ttl time.Duration) (*fleet.Fleet, error)
	SaveFleet(ctx context.Context, f *fleet.Fleet, due time.Time, events ...journal.Event) error
	FleetDue() (<-chan struct{}, func())
	FleetOrder(ctx context.Context, id string) (deploy.Order, error)
	FleetOperations(ctx context.Context, id string) (map[string]*deploy.Operation, error)
	CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error)
	FirmwareFiles(ctx context.Context) ([]firmware.File, error)
	FirmwareMachine(ctx context.Context, idOrName string) (*firmware.Machine, *inventory.Machine, error)
	Caches(ctx context.Context) ([]images.Cache, error)
	Racks(ctx context.Context) ([]inventory.Rack, error)
	RackPower(ctx context.Context, rack string) (*inventory.RackPower, error)
}

// Task drives fleets. Several, in one process or many, may share a database: each fleet is
// in the hands of one.
type Task struct {
	Store Store
	Log   *slog.Logger
	Now   func() time.Time
	Owner string        // unique to this process
	Poll  time.Duration // 0: 5 s; how often due fleets are looked for

	ground *ground
}

// How long a fleet is lent, and how often one that runs is looked at.
const (
	lease = 45 * time.Second
	again = 5 * time.Second
)

// String names the task.
func (t *Task) String() string { return "rollouts and firmware campaigns" }

// Run drives fleets until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	due, stop := t.Store.FleetDue()
	defer stop()
	poll := t.Poll
	if poll == 0 {
		poll = again
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := t.Round(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("a rollout or campaign was not driven; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-tick.C:
		}
	}
}

// Round looks after every fleet that is due.
func (t *Task) Round(ctx context.Context) error {
	for ctx.Err() == nil {
		f, err := t.Store.ClaimFleet(ctx, t.Owner, lease)
		if err != nil || f == nil {
			return err
		}
		if err := t.drive(ctx, f); err != nil && !fault.Is(err, fault.Conflict) { // a person was quicker: it is due again
			return err
		}
	}
	return nil
}

// drive takes a fleet one step on. Who is to begin is written down before it begins:
// whoever goes on after us finds an operation that is there, or begins it.
func (t *Task) drive(ctx context.Context, f *fleet.Fleet) error {
	g, err := t.survey(ctx, f)
	if err != nil {
		return err
	}
	reports, err := t.reports(ctx, f)
	if err != nil {
		return err
	}
	next, begin := fleet.Advance(*f, reports, g, t.Now())
	due := t.Now().Add(again)
	if len(begin) > 0 {
		due = t.Now().Add(lease) // until they are begun nobody else looks
	}
	if err := t.Store.SaveFleet(ctx, &next, due, events(f, &next)...); err != nil || len(begin) == 0 {
		return err
	}
	if reports, err = t.beginAll(ctx, &next, begin); err != nil {
		return err
	}
	was := next
	next = fleet.Take(next, reports, g, t.Now())
	due = t.Now().Add(again)
	if next.Counts()[fleet.Running] < was.Counts()[fleet.Running] { // there is room for others
		due = t.Now()
	}
	return t.Store.SaveFleet(ctx, &next, due, events(&was, &next)...)
}

// reports says what became of what was begun.
func (t *Task) reports(ctx context.Context, f *fleet.Fleet) (map[string]fleet.Report, error) {
	found, err := t.Store.FleetOperations(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]fleet.Report{}
	var lost []string
	for i := range f.Members {
		m := &f.Members[i]
		if m.State != fleet.Running && m.State != fleet.Failed {
			continue
		}
		switch o := found[m.Machine]; {
		case o != nil:
			out[m.Machine] = reportOf(o)
		case m.Operation == "" && m.State == fleet.Running: // a server stopped between its word and the deed
			lost = append(lost, m.Machine)
		default:
			out[m.Machine] = fleet.Report{State: fleet.Failed, Reason: "gone", Why: "its operation is gone"}
		}
	}
	begun, err := t.beginAll(ctx, f, lost)
	maps.Copy(out, begun)
	return out, err
}

// beginAll begins the work on machines.
func (t *Task) beginAll(ctx context.Context, f *fleet.Fleet, machines []string) (out map[string]fleet.Report, err error) {
	out = map[string]fleet.Report{}
	w := t.work(f)
	for _, id := range machines {
		if out[id], err = t.begin(ctx, f, w, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *Task) begin(ctx context.Context, f *fleet.Fleet, w work, machine string) (fleet.Report, error) {
	if f.State.Ended() {
		return fleet.Report{State: fleet.Skipped, Why: "the " + string(f.Kind) + " ended before it was begun"}, nil
	}
	order, nothing, err := w.order(ctx, machine)
	if err == nil && nothing != "" {
		return fleet.Report{State: fleet.Skipped, Why: nothing}, nil
	}
	var o *deploy.Operation
	if err == nil {
		o, err = t.Store.CreateOperation(ctx, w.kind(), machine, order, string(f.Kind)+" "+f.Name)
	}
	switch {
	case err == nil:
		return reportOf(o), nil
	case fault.Is(err, fault.Conflict): // held, in maintenance, or other work has it
		return fleet.Report{State: fleet.Waiting, Why: err.Error()}, nil
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound):
		return fleet.Report{State: fleet.Skipped, Why: err.Error()}, nil
	}
	return fleet.Report{}, err
}

// Package run compares machines with their plan when facts or plan changed, a rack at a
// time, and keeps what verify finds: conditions, and the step from discovered to
// verified. Several processes may do it at once.
package run

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// Store is what the task asks of the database.
type Store interface {
	RacksToVerify(ctx context.Context, after string, limit int) ([]string, error)
	PlanRevision(ctx context.Context) (int64, error)
	RackInventory(ctx context.Context, rack string) (*inventory.Inventory, error)
	SiblingsIn(ctx context.Context, rack string, limit int) ([]inventory.Machine, error)
	SwitchMates(ctx context.Context, rack string, limit int) ([]inventory.Machine, error)
	Observations(ctx context.Context, machineIDs []string) (map[string][]inventory.Facts, error)
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
	Verified(ctx context.Context, revision int64, versions map[string]int64) error
	VerifyAgain(ctx context.Context, machineIDs []string) error
	ToVerify() (<-chan struct{}, func())
}

// Task is the comparison in motion. All fields but Poll are required.
type Task struct {
	Store Store
	Log   *slog.Logger
	Now   func() time.Time
	Poll  time.Duration // 0: 5 s; how often changes are looked for that nobody told of
}

// Bounds of a round.
const (
	page        = 64                     // racks listed at once
	maxSiblings = 1000                   // machines of one rack's batches that are compared
	settle      = 200 * time.Millisecond // rounds are no closer than this: changes come in bursts
)

// String names the task.
func (t *Task) String() string { return "verification" }

// Run compares until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	due, stop := t.Store.ToVerify()
	defer stop()
	poll := t.Poll
	if poll == 0 {
		poll = 5 * time.Second
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := t.Round(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("machines not compared with their plan", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settle):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-tick.C:
		}
	}
}

// Round compares every rack that has machines to compare, once. A rack that fails does
// not keep the others waiting.
func (t *Task) Round(ctx context.Context) error {
	var failed []error
	for after := ""; ; {
		racks, err := t.Store.RacksToVerify(ctx, after, page)
		if err != nil || len(racks) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, name := range racks {
			if err := t.rack(ctx, name); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				failed = append(failed, err)
			}
			after = name
		}
	}
}

// rack judges one rack from one look at it, and keeps the judgement.
func (t *Task) rack(ctx context.Context, name string) error {
	revision, err := t.Store.PlanRevision(ctx)
	if err != nil {
		return err
	}
	j, err := t.look(ctx, name)
	if err != nil {
		return err
	}
	versions, again, moved := map[string]int64{}, []string{}, false
	for i := range j.inv.Machines {
		m := &j.inv.Machines[i]
		v := j.machine(m)
		moved = moved || !same(aboutCables(m.Conditions), aboutCables(v.conditions))
		version, err := t.keep(ctx, m, v)
		switch {
		case errors.Is(err, errMoved):
			again = append(again, m.ID)
		case err != nil:
			return err
		case !verify.Waiting(m, j.now):
			versions[m.ID] = version
		}
	}
	for i := range j.siblings {
		if m := &j.siblings[i]; !j.here[m.ID] {
			if _, err := t.keep(ctx, m, j.sibling(m)); err != nil && !errors.Is(err, errMoved) {
				return err
			}
		}
	}
	if moved {
		again = append(again, j.concerned()...)
	}
	if err := t.Store.VerifyAgain(ctx, again); err != nil {
		return err
	}
	return t.Store.Verified(ctx, revision, versions)
}

// look reads what is needed to judge a rack.
func (t *Task) look(ctx context.Context, name string) (*judgement, error) {
	inv, err := t.Store.RackInventory(ctx, name)
	if err != nil {
		return nil, err
	}
	siblings, err := t.Store.SiblingsIn(ctx, name, maxSiblings)
	if err != nil {
		return nil, err
	}
	mates, err := t.Store.SwitchMates(ctx, name, verify.MostMates)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range inv.Machines {
		if inv.Machines[i].Facts != nil {
			ids = append(ids, inv.Machines[i].ID)
		}
	}
	seen, err := t.Store.Observations(ctx, ids)
	if err != nil {
		return nil, err
	}
	return judge(inv, mates, siblings, seen, t.Now().UTC().Truncate(time.Microsecond)), nil
}

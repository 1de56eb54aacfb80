package run_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/verify/run"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

// world is a store with the task running on it.
type world struct {
	*store.DB
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("k")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- (&run.Task{Store: db, Log: slog.New(slog.DiscardHandler), Now: time.Now, Poll: time.Hour}).Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	return &world{db, t}
}

// sees gives n1 facts and makes it discovered.
func (w *world) sees(modules int) {
	w.t.Helper()
	_, err := w.ChangeMachine(w.t.Context(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
		m.Phase = inventory.Discovered
		m.Facts = &inventory.Facts{Source: "agent", Observed: time.Now(), NICs: []inventory.SeenNIC{{Name: "eth0", MAC: m.NICs[0].MAC, Link: true}},
			DIMMs: []inventory.DIMM{{Slot: "A1", SizeMiB: 1024}, {Slot: "A2", SizeMiB: 1024}}[:modules]}
		return nil, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// until waits for the machine to be as asked. The task is told of changes: it polls once
// an hour.
func (w *world) until(what string, is func(*inventory.Machine) bool) {
	w.t.Helper()
	w.untilOf("n1", what, is)
}

func (w *world) untilOf(name, what string, is func(*inventory.Machine) bool) {
	w.t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		m, err := w.Machine(w.t.Context(), name)
		if err == nil && is(m) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("never %s: %+v, %v", what, m, err)
		}
	}
}

func planOf(modules int) plan.Plan {
	dimms := []inventory.DIMM{{Slot: "A1", SizeMiB: 1024}, {Slot: "A2", SizeMiB: 1024}}[:modules]
	return plan.Plan{Site: "lab", Models: []plan.Model{{Name: "x1", Build: inventory.Build{Parts: inventory.Parts{DIMMs: dimms}}}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1, Model: "x1", NICs: []plan.NIC{{MAC: "52:54:00:00:00:01"}}}}}}}
}

func TestFactsAndPlanAreComparedWhenTheyChange(t *testing.T) {
	w := newWorld(t)
	apply := func(p plan.Plan) {
		if _, err := w.ApplyPlan(t.Context(), p, "", "tester"); err != nil {
			t.Fatal(err)
		}
	}
	apply(planOf(2))
	w.sees(1)
	w.until("seen to lack a module", func(m *inventory.Machine) bool { return len(m.Conditions) == 1 && m.Conditions[0].Subject == "A2" })
	apply(planOf(1))
	w.until("verified as the plan now is", func(m *inventory.Machine) bool {
		return m.Phase == inventory.Verified && len(m.Conditions) == 0
	})
}

func TestAVerifiedMachineIsReadyWhileItsDisksAreProvenEmpty(t *testing.T) {
	w := newWorld(t)
	if _, err := w.ApplyPlan(t.Context(), planOf(2), "", "tester"); err != nil {
		t.Fatal(err)
	}
	w.sees(2)
	w.until("verified", func(m *inventory.Machine) bool { return m.Phase == inventory.Verified })
	proven := func(at time.Time) {
		if _, err := w.ChangeMachine(t.Context(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
			m.Erased = at
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	proven(time.Now())
	w.until("ready", func(m *inventory.Machine) bool { return m.Phase == inventory.Ready })
	proven(time.Time{})
	w.until("verified again", func(m *inventory.Machine) bool { return m.Phase == inventory.Verified })
}

// torn is a store on which one rack cannot be read.
type torn struct {
	run.Store
	read []string
}

func (s *torn) RacksToVerify(_ context.Context, after string, _ int) ([]string, error) {
	if after != "" {
		return nil, nil
	}
	return []string{"r1", "r2"}, nil
}
func (s *torn) PlanRevision(context.Context) (int64, error) { return 1, nil }
func (s *torn) RackInventory(_ context.Context, rack string) (*inventory.Inventory, error) {
	s.read = append(s.read, rack)
	return nil, errors.New(rack + " is torn")
}

func TestARackThatFailsKeepsNoOtherWaiting(t *testing.T) {
	s := &torn{}
	err := (&run.Task{Store: s, Log: slog.New(slog.DiscardHandler), Now: time.Now}).Round(t.Context())
	if strings.Join(s.read, " ") != "r1 r2" || err == nil || !strings.Contains(err.Error(), "r1 is torn") || !strings.Contains(err.Error(), "r2 is torn") {
		t.Errorf("read %v, %v", s.read, err)
	}
}

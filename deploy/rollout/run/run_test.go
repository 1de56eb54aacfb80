package run_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/deploy/rollout"
	"rackwright/deploy/rollout/run"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

// bench is a store with machines, an image, a rollout over them, and a clock.
type bench struct {
	*store.DB
	t   *testing.T
	mu  sync.Mutex
	add time.Duration
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(b.add)
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add += d
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// newBench makes n machines in each of two racks, the first of which has a feed.
func newBench(t *testing.T, n int) *bench {
	t.Helper()
	b := &bench{t: t}
	var err error
	b.DB, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("run"), Now: b.now})
	b.ok(err)
	t.Cleanup(func() { b.Close() })
	p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "net", CIDR: "10.0.0.0/24"}}, Models: []plan.Model{{Name: "x1", Build: inventory.Build{Watts: 600}}},
		Racks: []plan.Rack{{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 32}}}, {Name: "r2"}}}
	for r := range p.Racks {
		for i := 1; i <= n; i++ {
			name := fmt.Sprintf("r%d-%d", r+1, i)
			p.Racks[r].Machines = append(p.Racks[r].Machines, plan.Machine{Name: name, U: i, Model: "x1", Serial: "S-" + name,
				NICs: []plan.NIC{{MAC: fmt.Sprintf("52:54:00:00:%02x:%02x", r, i), Network: "net", Address: fmt.Sprintf("10.0.0.%d", 10+r*100+i)}}})
		}
	}
	_, err = b.ApplyPlan(t.Context(), p, "", "test")
	b.ok(err)
	b.ok(b.AddImage(t.Context(), &images.Image{Name: "debian", Kind: images.KindDisk, Digest: "sha256:aa", Source: "sha256:bb", Format: "raw", Arch: "amd64", Bytes: 1 << 30}, "test"))
	return b
}

func (b *bench) start(max int) string {
	b.t.Helper()
	list, err := b.Machines(b.t.Context(), store.MachineFilter{})
	b.ok(err)
	var members []rollout.Member
	for _, m := range list {
		members = append(members, rollout.Member{Machine: m.ID, Name: m.Name, Rack: m.Slot.Rack, Domain: m.Slot.Rack, State: rollout.Waiting})
	}
	f, err := rollout.New("r", rollout.Terms{AllReady: true, MaxFailures: max}, members)
	b.ok(err)
	f.Image, f.Digest, f.Bytes = "debian", "sha256:aa", 1<<30
	b.ok(b.CreateRollout(b.t.Context(), f, deploy.Order{Image: "debian", Digest: "sha256:aa", Method: deploy.ByDisk}, "ann"))
	return f.ID
}

func (b *bench) task(owner string, s run.Store) *run.Task {
	return &run.Task{Store: s, Log: slog.New(slog.DiscardHandler), Now: b.now, Owner: owner}
}

// round lets a task look once, when it is due.
func (b *bench) round(k *run.Task) {
	b.t.Helper()
	b.pass(time.Minute)
	b.ok(k.Round(b.t.Context()))
}

// open are the names of the machines that are being deployed.
func (b *bench) open() string {
	b.t.Helper()
	list, err := b.Operations(b.t.Context(), store.OperationFilter{Open: true})
	b.ok(err)
	var out []string
	for _, o := range list {
		out = append(out, o.Name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// end ends every open operation.
func (b *bench) end(as deploy.State) {
	b.t.Helper()
	for {
		o, err := b.ClaimOperation(b.t.Context(), "worker", time.Second)
		b.ok(err)
		if o == nil {
			return
		}
		o.State = as
		b.ok(b.SaveOperation(b.t.Context(), o))
	}
}

func TestARolloutRunsToItsEnd(t *testing.T) {
	b := newBench(t, 3)
	id := b.start(10)
	k := b.task("a", b)
	b.round(k)
	if got := b.open(); got != "r1-1 r2-1" {
		t.Errorf("first %s", got)
	}
	b.end(deploy.Succeeded)
	b.round(k)
	if got := b.open(); got != "r1-2 r1-3 r2-2 r2-3" {
		t.Errorf("then %s", got)
	}
	b.end(deploy.Succeeded)
	b.round(k)
	f, err := b.Rollout(t.Context(), id)
	if b.ok(err); f.State != rollout.Done || f.Why != "6 deployed, 0 failed, 0 skipped" {
		t.Errorf("%s: %s", f.State, f.Why)
	}
	events, err := b.Events(t.Context(), store.EventFilter{Limit: 1000})
	b.ok(err)
	if !slices.ContainsFunc(events, func(e journal.Event) bool {
		return e.Kind == journal.Rollout && strings.Contains(e.Summary, "done: 6 deployed")
	}) {
		t.Error("the journal does not say that it ended")
	}
}

// faint is a store that loses its server after so many operations.
type faint struct {
	*store.DB
	left int
}

func (f *faint) CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error) {
	if f.left--; f.left < 0 {
		return nil, errors.New("the server stops here")
	}
	return f.DB.CreateOperation(ctx, kind, machine, order, actor)
}

func TestAnotherServerGoesOnWhereOneStopped(t *testing.T) {
	for stops := range 3 {
		b := newBench(t, 2)
		id := b.start(10)
		b.pass(time.Minute)
		if err := b.task("a", &faint{b.DB, stops}).Round(t.Context()); (err == nil) != (stops == 2) {
			t.Fatalf("stopped after %d: %v", stops, err)
		}
		k := b.task("b", b)
		b.round(k)
		if got := b.open(); got != "r1-1 r2-1" {
			t.Errorf("stopped after %d: %s", stops, got)
		}
		b.end(deploy.Succeeded)
		b.round(k)
		b.end(deploy.Succeeded)
		b.round(k)
		if f, err := b.Rollout(t.Context(), id); err != nil || f.State != rollout.Done || f.Counts()[rollout.Deployed] != 4 {
			t.Errorf("stopped after %d: %v, %v", stops, f, err)
		}
	}
}

func TestAFailedFirstHaltsTheRollout(t *testing.T) {
	b := newBench(t, 3)
	id := b.start(50)
	k := b.task("a", b)
	b.round(k)
	b.end(deploy.Failed)
	b.round(k)
	f, err := b.Rollout(t.Context(), id)
	if b.ok(err); f.State != rollout.Halted || !strings.Contains(f.Why, "a canary failed") || b.open() != "" {
		t.Errorf("%s: %s; %s", f.State, f.Why, b.open())
	}
}

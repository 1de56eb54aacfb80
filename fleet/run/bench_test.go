package run_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/fleet/run"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

// bench is a store with machines, a fleet over them, and a clock.
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

// newStore is a bench with the machines of a plan.
func newStore(t *testing.T, p plan.Plan) *bench {
	t.Helper()
	b := &bench{t: t}
	var err error
	b.DB, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("run"), Now: b.now})
	b.ok(err)
	t.Cleanup(func() { b.Close() })
	_, err = b.ApplyPlan(t.Context(), p, "", "test")
	b.ok(err)
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) task(owner string) *run.Task {
	return &run.Task{Store: b.DB, Log: slog.New(slog.DiscardHandler), Now: b.now, Owner: owner}
}

// round lets a task look once, when it is due.
func (b *bench) round(k *run.Task) {
	b.t.Helper()
	b.pass(3 * time.Minute)
	b.ok(k.Round(b.t.Context()))
}

// open are the names of the machines that are being worked on.
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

func (b *bench) said(words string) bool {
	list, err := b.Events(b.t.Context(), store.EventFilter{Limit: 1000})
	b.ok(err)
	return slices.ContainsFunc(list, func(e journal.Event) bool { return strings.Contains(e.Summary, words) })
}

// gone dies where it is told to.
type gone struct {
	*store.DB
	before int // CreateOperations that come through
}

func (g *gone) CreateOperation(ctx context.Context, k deploy.Kind, m string, o deploy.Order, actor string) (*deploy.Operation, error) {
	if g.before--; g.before < 0 {
		return nil, fault.Unreachablef("killed")
	}
	return g.DB.CreateOperation(ctx, k, m, o, actor)
}

package run_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/firmware/run"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

// bench is a store with n machines that lack BIOS 2, a campaign over them, and a clock.
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

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	b := &bench{t: t}
	var err error
	b.DB, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("run"), Now: b.now})
	b.ok(err)
	t.Cleanup(func() { b.Close() })
	p := plan.Plan{Site: "lab", Models: []plan.Model{{Name: "x1", Build: inventory.Build{Firmware: []inventory.Version{{Component: "bios", Version: "2"}}}}}, Racks: []plan.Rack{{Name: "r1"}}}
	for i := 1; i <= n; i++ {
		p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("n%d", i), U: i, Model: "x1", Serial: fmt.Sprintf("S-%d", i),
			BMC: &plan.BMC{Address: fmt.Sprintf("https://10.0.1.%d", i), Username: "u", Password: "p"}})
	}
	_, err = b.ApplyPlan(t.Context(), p, "", "test")
	b.ok(err)
	for i := 1; i <= n; i++ {
		b.is(fmt.Sprintf("n%d", i), "1")
	}
	f := firmware.File{Name: "b2", Component: "bios", Version: "2", Models: []string{"x1"}, Original: "b2.bin", Digest: "sha256:b2", Size: 1}
	b.ok(f.Complete())
	b.ok(b.AddFirmware(t.Context(), &f, "test"))
	return b
}

// is makes a machine's BIOS have a version.
func (b *bench) is(name, version string) {
	b.t.Helper()
	_, err := b.ChangeMachine(b.t.Context(), name, func(m *inventory.Machine) ([]journal.Event, error) {
		m.Facts = &inventory.Facts{Source: "redfish", Observed: b.now(), Versions: []inventory.Version{{Component: "bios", Version: version}}}
		return nil, nil
	})
	b.ok(err)
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) start(r firmware.Rollout) string {
	b.t.Helper()
	machines, err := b.FirmwareMachines(b.t.Context(), store.MachineFilter{Rack: "r1"})
	b.ok(err)
	var targets []firmware.Target
	for _, m := range machines {
		targets = append(targets, firmware.Target{Machine: m.ID, Name: m.Name, Model: m.Model, State: firmware.TargetWaiting})
	}
	c := firmware.Campaign{Name: "c", State: firmware.CampaignRunning, Rollout: r, Files: []string{"b2"}, Targets: firmware.Lay(targets, r)}
	b.ok(b.CreateCampaign(b.t.Context(), &c, "ann"))
	return c.ID
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

// open are the names of the machines that are being updated.
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

// end brings every open operation to a state, as a worker does.
func (b *bench) end(s deploy.State) {
	b.t.Helper()
	for {
		o, err := b.ClaimOperation(b.t.Context(), "w", time.Minute)
		b.ok(err)
		if o == nil {
			return
		}
		if o.State, o.Reason, o.Message = s, "", ""; s == deploy.Parked {
			o.Reason, o.Message = "update-failed", "signature is wrong"
		}
		b.ok(b.SaveOperation(b.t.Context(), o))
		if s == deploy.Succeeded {
			b.is(o.Name, "2")
		}
	}
}

func (b *bench) state() *firmware.Campaign {
	b.t.Helper()
	c, err := b.Campaign(b.t.Context(), "c")
	b.ok(err)
	return c
}

func TestACampaignUpdatesWaveAfterWave(t *testing.T) {
	b := newBench(t, 5)
	k := b.task("k")
	b.start(firmware.Rollout{Canary: 1, Size: 3, Halt: 10})
	for _, want := range []string{"n1", "n2 n3 n4", "n5"} {
		b.round(k)
		b.round(k)
		if got := b.open(); got != want {
			t.Fatalf("%s are being updated, want %s", got, want)
		}
		b.end(deploy.Succeeded)
	}
	b.round(k)
	if c := b.state(); c.State != firmware.CampaignDone || c.Why != "5 updated, 0 failed, 0 skipped" {
		t.Errorf("%s: %s", c.State, c.Why)
	}
	if !b.said("campaign c: wave 1") || !b.said("campaign c: done: 5 updated") || !b.said("campaign c: n3 is running") {
		t.Error("the journal does not say how it went")
	}
}

func (b *bench) said(words string) bool {
	list, err := b.Events(b.t.Context(), store.EventFilter{Limit: 1000})
	b.ok(err)
	return slices.ContainsFunc(list, func(e journal.Event) bool { return strings.Contains(e.Summary, words) })
}

func TestACanaryThatNeedsHandsHaltsTheCampaignUntilAPersonGoesOn(t *testing.T) {
	b := newBench(t, 3)
	k := b.task("k")
	id := b.start(firmware.Rollout{Canary: 1, Size: 3, Halt: 50})
	b.round(k)
	b.end(deploy.Parked)
	b.round(k)
	c := b.state()
	if c.State != firmware.CampaignHalted || c.Why != "a canary failed: n1: update-failed: signature is wrong" || b.open() != "n1" {
		t.Fatalf("%s: %s, open %s", c.State, c.Why, b.open())
	}
	if !b.said("halted: a canary failed") {
		t.Error("the journal does not say why it halted")
	}
	_, err := b.RetryOperation(t.Context(), c.Targets[0].Operation, "ann")
	b.ok(err)
	_, err = b.SteerCampaign(t.Context(), id, "ann", "resumed", func(c *firmware.Campaign, _ time.Time) error { return c.Resume() })
	b.ok(err)
	b.round(k)
	if b.open() != "n1" {
		t.Fatalf("%s are updated beside the canary", b.open())
	}
	b.end(deploy.Succeeded)
	b.round(k)
	if b.open() != "n2 n3" {
		t.Fatalf("%s are updated after the canary", b.open())
	}
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

func TestADriverThatDiesIsFollowedByOneThatBeginsNothingTwice(t *testing.T) {
	b := newBench(t, 3)
	b.start(firmware.Rollout{Size: 3})
	k := b.task("dies")
	k.Store = &gone{b.DB, 2}
	if err := k.Round(t.Context()); err == nil {
		t.Fatal("it did not die")
	}
	if b.open() != "n1 n2" {
		t.Fatalf("open %s", b.open())
	}
	b.round(b.task("next"))
	list, err := b.Operations(t.Context(), store.OperationFilter{})
	b.ok(err)
	if b.open() != "n1 n2 n3" || len(list) != 3 {
		t.Errorf("open %s of %d", b.open(), len(list))
	}
	for _, target := range b.state().Targets {
		if target.Operation == "" || target.State != firmware.TargetRunning {
			t.Errorf("%+v", target)
		}
	}
}

func TestSeveralDriversBeginEachMachineOnce(t *testing.T) {
	b := newBench(t, 6)
	b.start(firmware.Rollout{Size: 6})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if err := b.task(fmt.Sprint("k", i)).Round(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := b.Operations(t.Context(), store.OperationFilter{}); err != nil || len(list) != 6 {
		t.Errorf("%d operations, %v", len(list), err)
	}
}

func TestMachinesThatNeedNothingAreSkippedAndBusyOnesWaitedFor(t *testing.T) {
	b := newBench(t, 3)
	k := b.task("k")
	b.start(firmware.Rollout{Size: 3})
	b.is("n1", "2")
	_, err := b.Hold(t.Context(), "n2", "fan", 30*time.Minute, "bob")
	b.ok(err)
	b.round(k)
	if b.open() != "n3" {
		t.Fatalf("open %s", b.open())
	}
	b.end(deploy.Succeeded)
	for range 3 {
		b.round(k)
	}
	_, err = b.ReleaseHold(t.Context(), "n2", "bob", false)
	b.ok(err)
	b.round(k)
	if b.open() != "n2" {
		t.Fatalf("open %s: %+v", b.open(), b.state().Targets)
	}
	b.end(deploy.Succeeded)
	b.round(k)
	if c := b.state(); c.State != firmware.CampaignDone || c.Why != "2 updated, 0 failed, 1 skipped" || c.Targets[0].Why != "it has what it is to have" {
		t.Errorf("%s: %s: %+v", c.State, c.Why, c.Targets)
	}
}

func TestACancelledCampaignBeginsNothingMore(t *testing.T) {
	b := newBench(t, 2)
	k := b.task("k")
	id := b.start(firmware.Rollout{Size: 1})
	b.round(k)
	_, err := b.SteerCampaign(t.Context(), id, "ann", "cancelled", (*firmware.Campaign).Cancel)
	b.ok(err)
	b.end(deploy.Succeeded)
	b.round(k)
	if c := b.state(); c.State != firmware.CampaignCancelled || c.Targets[0].State != firmware.TargetDone || c.Targets[1].State != firmware.TargetWaiting || b.open() != "" {
		t.Errorf("%s: %+v", c.State, c.Targets)
	}
}

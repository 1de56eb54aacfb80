package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fleet"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

// newRacks makes n machines in each of two racks, the first of which has a feed.
func newRacks(t *testing.T, n int) *bench {
	t.Helper()
	p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "net", CIDR: "10.0.0.0/24"}}, Models: []plan.Model{{Name: "x1", Build: inventory.Build{Watts: 600}}},
		Racks: []plan.Rack{{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 32}}}, {Name: "r2"}}}
	for r := range p.Racks {
		for i := 1; i <= n; i++ {
			name := fmt.Sprintf("r%d-%d", r+1, i)
			p.Racks[r].Machines = append(p.Racks[r].Machines, plan.Machine{Name: name, U: i, Model: "x1", Serial: "S-" + name,
				NICs: []plan.NIC{{MAC: fmt.Sprintf("52:54:00:00:%02x:%02x", r, i), Network: "net", Address: fmt.Sprintf("10.0.0.%d", 10+r*100+i)}}})
		}
	}
	b := newStore(t, p)
	b.ok(b.AddImage(t.Context(), &images.Image{Name: "debian", Kind: images.KindDisk, Digest: "sha256:aa", Source: "sha256:bb", Format: "raw", Arch: "amd64", Bytes: 1 << 30}, "test"))
	return b
}

func (b *bench) deploy(max int) string {
	b.t.Helper()
	list, err := b.Machines(b.t.Context(), store.MachineFilter{})
	b.ok(err)
	var members []fleet.Member
	for _, m := range list {
		members = append(members, fleet.Member{Machine: m.ID, Name: m.Name, Rack: m.Slot.Rack, Domain: m.Slot.Rack, State: fleet.Waiting})
	}
	f, err := fleet.New(fleet.Rollout, "r", fleet.Terms{AllReady: true, MaxFailures: max}, members)
	b.ok(err)
	f.Image, f.Digest, f.Bytes = "debian", "sha256:aa", 1<<30
	b.ok(b.CreateFleet(b.t.Context(), f, deploy.Order{Image: "debian", Digest: "sha256:aa", Method: deploy.ByDisk}, "ann"))
	return f.ID
}

func TestARolloutRunsToItsEnd(t *testing.T) {
	b := newRacks(t, 3)
	id := b.deploy(10)
	k := b.task("a")
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
	f, err := b.Fleet(t.Context(), fleet.Rollout, id)
	if b.ok(err); f.State != fleet.Done || f.Why != "6 done, 0 failed, 0 skipped" {
		t.Errorf("%s: %s", f.State, f.Why)
	}
	events, err := b.Events(t.Context(), store.EventFilter{Limit: 1000})
	b.ok(err)
	if !slices.ContainsFunc(events, func(e journal.Event) bool {
		return e.Kind == journal.Rollout && strings.Contains(e.Summary, "done: 6 done")
	}) {
		t.Error("the journal does not say that it ended")
	}
}

func TestAnotherServerGoesOnWhereOneStopped(t *testing.T) {
	for stops := range 3 {
		b := newRacks(t, 2)
		id := b.deploy(10)
		b.pass(time.Minute)
		dying := b.task("a")
		dying.Store = &gone{b.DB, stops}
		if err := dying.Round(t.Context()); (err == nil) != (stops == 2) {
			t.Fatalf("stopped after %d: %v", stops, err)
		}
		k := b.task("b")
		b.round(k)
		if got := b.open(); got != "r1-1 r2-1" {
			t.Errorf("stopped after %d: %s", stops, got)
		}
		b.end(deploy.Succeeded)
		b.round(k)
		b.end(deploy.Succeeded)
		b.round(k)
		if f, err := b.Fleet(t.Context(), fleet.Rollout, id); err != nil || f.State != fleet.Done || f.Counts()[fleet.Done] != 4 {
			t.Errorf("stopped after %d: %v, %v", stops, f, err)
		}
	}
}

func TestAFailedFirstHaltsTheRollout(t *testing.T) {
	b := newRacks(t, 3)
	id := b.deploy(50)
	k := b.task("a")
	b.round(k)
	b.end(deploy.Failed)
	b.round(k)
	f, err := b.Fleet(t.Context(), fleet.Rollout, id)
	if b.ok(err); f.State != fleet.Halted || !strings.Contains(f.Why, "a canary failed") || b.open() != "" {
		t.Errorf("%s: %s; %s", f.State, f.Why, b.open())
	}
}

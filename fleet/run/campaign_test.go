package run_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/firmware"
	"rackwright/fleet"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	p := plan.Plan{Site: "lab", Models: []plan.Model{{Name: "x1", Build: inventory.Build{Firmware: []inventory.Version{{Component: "bios", Version: "2"}}}}}, Racks: []plan.Rack{{Name: "r1"}}}
	for i := 1; i <= n; i++ {
		p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("n%d", i), U: i, Model: "x1", Serial: fmt.Sprintf("S-%d", i),
			BMC: &plan.BMC{Address: fmt.Sprintf("https://10.0.1.%d", i), Username: "u", Password: "p"}})
	}
	b := newStore(t, p)
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

func (b *bench) start(t fleet.Terms) string {
	b.t.Helper()
	machines, err := b.FirmwareMachines(b.t.Context(), store.MachineFilter{Rack: "r1"})
	b.ok(err)
	var members []fleet.Member
	for _, m := range machines {
		members = append(members, fleet.Member{Machine: m.ID, Name: m.Name, Model: m.Model, State: fleet.Waiting})
	}
	t.Racks = []string{"r1"}
	f, err := fleet.New(fleet.Campaign, "c", t, members)
	b.ok(err)
	f.Files = []string{"b2"}
	b.ok(b.CreateFleet(b.t.Context(), f, deploy.Order{}, "ann"))
	return f.ID
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

func (b *bench) state() *fleet.Fleet {
	b.t.Helper()
	c, err := b.Fleet(b.t.Context(), fleet.Campaign, "c")
	b.ok(err)
	return c
}

func TestACampaignUpdatesWaveAfterWave(t *testing.T) {
	b := newBench(t, 5)
	k := b.task("k")
	b.start(fleet.Terms{Canary: 1, Size: 3, MaxFailures: 10})
	for _, want := range []string{"n1", "n2 n3 n4", "n5"} {
		b.round(k)
		b.round(k)
		if got := b.open(); got != want {
			t.Fatalf("%s are being done, want %s", got, want)
		}
		b.end(deploy.Succeeded)
	}
	b.round(k)
	if c := b.state(); c.State != fleet.Done || c.Why != "5 done, 0 failed, 0 skipped" {
		t.Errorf("%s: %s", c.State, c.Why)
	}
	if !b.said("campaign c: wave 1") || !b.said("campaign c: done: 5 done") || !b.said("campaign c: n3 is running") {
		t.Error("the journal does not say how it went")
	}
}

func TestACanaryThatNeedsHandsHaltsTheCampaignUntilAPersonGoesOn(t *testing.T) {
	b := newBench(t, 3)
	k := b.task("k")
	id := b.start(fleet.Terms{Canary: 1, Size: 3, MaxFailures: 50})
	b.round(k)
	b.end(deploy.Parked)
	b.round(k)
	c := b.state()
	if c.State != fleet.Halted || c.Why != "a canary failed: n1: update-failed: signature is wrong" || b.open() != "n1" {
		t.Fatalf("%s: %s, open %s", c.State, c.Why, b.open())
	}
	if !b.said("halted: a canary failed") {
		t.Error("the journal does not say why it halted")
	}
	_, err := b.RetryOperation(t.Context(), c.Members[0].Operation, "ann")
	b.ok(err)
	_, err = b.SteerFleet(t.Context(), fleet.Campaign, id, "ann", "resumed", func(c *fleet.Fleet, _ time.Time) error { return c.Resume() })
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

func TestADriverThatDiesIsFollowedByOneThatBeginsNothingTwice(t *testing.T) {
	b := newBench(t, 3)
	b.start(fleet.Terms{Size: 3})
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
	for _, target := range b.state().Members {
		if target.Operation == "" || target.State != fleet.Running {
			t.Errorf("%+v", target)
		}
	}
}

func TestSeveralDriversBeginEachMachineOnce(t *testing.T) {
	b := newBench(t, 6)
	b.start(fleet.Terms{Size: 6})
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
	b.start(fleet.Terms{Size: 3})
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
		t.Fatalf("open %s: %+v", b.open(), b.state().Members)
	}
	b.end(deploy.Succeeded)
	b.round(k)
	if c := b.state(); c.State != fleet.Done || c.Why != "2 done, 0 failed, 1 skipped" || c.Members[0].Why != "it has what it is to have" {
		t.Errorf("%s: %s: %+v", c.State, c.Why, c.Members)
	}
}

func TestACancelledCampaignBeginsNothingMore(t *testing.T) {
	b := newBench(t, 2)
	k := b.task("k")
	id := b.start(fleet.Terms{Size: 1})
	b.round(k)
	_, err := b.SteerFleet(t.Context(), fleet.Campaign, id, "ann", "cancelled", (*fleet.Fleet).Cancel)
	b.ok(err)
	b.end(deploy.Succeeded)
	b.round(k)
	if c := b.state(); c.State != fleet.Cancelled || c.Members[0].State != fleet.Done || c.Members[1].State != fleet.Waiting || b.open() != "" {
		t.Errorf("%s: %+v", c.State, c.Members)
	}
}

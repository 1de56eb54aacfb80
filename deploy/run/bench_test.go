package run_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/deploy/run"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
	"rackwright/store/storetest"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	add time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

// bench is a real store with one planned machine n1, its BMC in memory, and a machine
// behind it that netboots as told.
type bench struct {
	t     *testing.T
	ctx   context.Context
	db    *store.DB
	rack  *bmctest.Rack
	bmc   *bmctest.BMC
	clock *clock

	consoles run.Consoles // nil: none are read
	depot    run.Depot    // nil: none

	authority *x509.Certificate // of loaders over HTTPS; nil: none
}

const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000001"

var access = bmc.Access{Address: "https://10.0.1.11", Username: "admin", Password: "right"}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := emptyBench(t)
	b.bmc = b.rack.Add(access, bmctest.Server(1))
	b.apply("right", "DISK1")
	b.ok(b.db.AddImage(b.ctx, &images.Image{Name: "debian", Digest: digest, Arch: "amd64", Firmware: []inventory.Firmware{inventory.UEFI}}, "test"))
	return b
}

// emptyBench has no machine yet.
func emptyBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, ctx: t.Context(), clock: &clock{}, rack: bmctest.NewRack()}
	var err error
	b.db, err = store.Open(b.ctx, store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("run"), Now: b.clock.now})
	b.ok(err)
	t.Cleanup(func() { b.db.Close() })
	return b
}

func (b *bench) apply(password, disk string) {
	b.t.Helper()
	_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab",
		Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", DHCP: inventory.DHCPAuthoritative}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1, UUID: "11111111-2222-3333-4444-555555555501",
			NICs:     []plan.NIC{{MAC: "52:54:00:00:00:01", Network: "provision", Address: "10.0.0.11"}},
			RootDisk: &plan.Disk{Serial: disk},
			BMC:      &plan.BMC{Address: access.Address, Username: access.Username, Password: password}}}}}}, "", "test")
	b.ok(err)
	_, err = b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]Event, error) {
		if m.Phase == inventory.Planned {
			m.Phase = inventory.Discovered
		}
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

// worker runs a worker until stop is called; stop is like a kill: nothing is tidied.
func (b *bench) worker(owner string) (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	hands := broker.New(broker.Options{Store: b.db, Dialer: b.rack, Log: slog.New(slog.DiscardHandler), Now: b.clock.now, Owner: owner})
	w := &run.Worker{Store: b.db, BMC: hands, Depot: b.depot, Consoles: b.consoles, Log: slog.New(slog.DiscardHandler), Now: b.clock.now, Owner: owner, Concurrency: 4,
		Certificates: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), BootAuthority: b.authority, Lease: 2 * time.Second, Poll: 5 * time.Millisecond}
	var done sync.WaitGroup
	done.Go(func() { w.Run(ctx) })
	done.Go(func() { hands.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); done.Wait() })
	b.t.Cleanup(stop)
	return stop
}

// deploy asks for the image.
func (b *bench) deploy() string {
	b.t.Helper()
	op, err := b.db.CreateOperation(b.ctx, deploy.Deploy, "n1", deploy.Order{Image: "debian", Digest: digest}, "test")
	b.ok(err)
	return op.ID
}

// until waits for the operation to be so; what it waits for has no time of its own.
func (b *bench) until(id, what string, is func(deploy.Operation) bool) deploy.Operation {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	for {
		op, err := b.db.Operation(b.ctx, id)
		b.ok(err)
		if is(*op) {
			return *op
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("%s: not so; it is %s at %d: %+v", what, op.State, op.Current, op.Step())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (b *bench) at(id string, step deploy.StepName) deploy.Operation {
	b.t.Helper()
	return b.until(id, "at "+string(step), func(o deploy.Operation) bool { return o.At(step) && o.Step().State == deploy.StepDoing })
}

func (b *bench) state(id string, s deploy.State) deploy.Operation {
	b.t.Helper()
	return b.until(id, string(s), func(o deploy.Operation) bool { return o.State == s })
}

// netboots makes the machine do at each start what a netbooting machine does: ask for an
// address, fetch the script, check in.
func (b *bench) netboots() {
	b.bmc.OnStart(func(from bmc.Boot) {
		if from.Target != bmc.BootPXE {
			return
		}
		open, err := b.db.Operations(b.ctx, store.OperationFilter{Machine: "n1", Open: true})
		if err != nil || len(open) == 0 {
			return
		}
		b.see(open[0].ID, store.SawDHCP, nil)
		nonce, err := b.db.Begin(b.ctx, &boot.Host{Operation: open[0].ID, MAC: inventory.MAC{0x52, 0x54, 0, 0, 0, 1}})
		if err != nil {
			return
		}
		if _, _, err := b.db.Redeem(b.ctx, nonce); err == nil {
			b.see(open[0].ID, store.SawAgent, nil)
		}
	})
}

func (b *bench) see(id, kind string, detail any) {
	if err := b.db.AddEvidence(b.ctx, id, kind, detail); err != nil {
		b.t.Error(err)
	}
}

// reports speaks as the agent about the order now given.
func (b *bench) reports(op deploy.Operation, v wire.Verb, e wire.Event) {
	b.t.Helper()
	e.Order = deploy.OrderID(&op, string(v))
	b.see(op.ID, store.SawReport, e)
}

// finish does the rest of a deployment whose image is being written.
func (b *bench) finish(id string) deploy.Operation {
	b.t.Helper()
	b.reports(b.at(id, deploy.StepWrite), wire.Write, wire.Event{Stage: wire.Completed})
	b.reports(b.at(id, deploy.StepReboot), wire.Reboot, wire.Event{Stage: wire.Restarting})
	b.at(id, deploy.StepPhone)
	b.see(id, store.SawPhone, nil)
	return b.state(id, deploy.Succeeded)
}

func (b *bench) machine() *inventory.Machine {
	b.t.Helper()
	m, err := b.db.Machine(b.ctx, "n1")
	b.ok(err)
	return m
}

// said reports whether the machine's journal has a line with the words.
func (b *bench) said(words string) bool {
	events, err := b.db.Events(b.ctx, store.EventFilter{Machine: "n1", Limit: 1000})
	b.ok(err)
	return slices.ContainsFunc(events, func(e Event) bool { return strings.Contains(e.Summary, words) })
}

func count(calls []bmctest.Op, op bmctest.Op) (n int) {
	for _, c := range calls {
		if c == op {
			n++
		}
	}
	return n
}

package watch_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/bmc/watch"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

var access = bmc.Access{Address: "https://10.0.1.11", Username: "admin", Password: "right"}

// bench is a watch over a real store and a BMC in memory; its clock is moved by hand.
type bench struct {
	t     *testing.T
	db    *store.DB
	bmc   *bmctest.BMC
	facts inventory.Facts
	mu    sync.Mutex
	add   time.Duration

	dialled func() // before each dial, when set before the plan
}

// hook is a rack that tells the bench before a BMC is dialled.
type hook struct {
	bmc.Dialer
	b *bench
}

func (h hook) Dial(ctx context.Context, a bmc.Access) (bmc.Controller, error) {
	if h.b.dialled != nil {
		h.b.dialled()
	}
	return h.Dialer.Dial(ctx, a)
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.add)
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add += d
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, facts: bmctest.Server(1)}
	var err error
	b.db, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("watch")})
	b.ok(err)
	t.Cleanup(func() { b.db.Close() })
	rack := bmctest.NewRack()
	b.bmc = rack.Add(access, b.facts)
	hands := broker.New(broker.Options{Store: b.db, Dialer: hook{rack, b}, Log: slog.New(slog.DiscardHandler), Now: b.now, Owner: "watch", Idle: 20 * time.Millisecond})
	task := &watch.Task{Store: b.db, BMC: hands, Log: slog.New(slog.DiscardHandler), Now: b.now, Every: 30 * time.Second}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { task.Run(ctx) })
	done.Go(func() { hands.Run(ctx) })
	t.Cleanup(func() { cancel(); done.Wait() })
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) plan(serial, password string) {
	b.t.Helper()
	_, err := b.db.ApplyPlan(b.t.Context(), plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1,
		Serial: serial, UUID: b.facts.System.UUID, NICs: []plan.NIC{{MAC: b.facts.NICs[0].MAC.String()}},
		BMC: &plan.BMC{Address: access.Address, Username: access.Username, Password: password}}}}}}, "", "test")
	b.ok(err)
}

func (b *bench) until(what string, is func(*inventory.Machine) bool) *inventory.Machine {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		m, err := b.db.Machine(ctx, "n1")
		if err == nil && is(m) {
			return m
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("%s: not so: %+v, %v", what, m, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestAPlannedMachineIsDiscoveredByWhatItsBMCSays(t *testing.T) {
	b := newBench(t)
	b.plan(b.facts.System.Serial, "right")
	m := b.until("discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
	if m.Power != inventory.PowerOff || m.Facts == nil || m.BMC.CertificateSHA256 == "" {
		t.Errorf("power %s, facts %v, pin %q", m.Power, m.Facts, m.BMC.CertificateSHA256)
	}
	b.until("no session open", func(*inventory.Machine) bool { return b.bmc.Sessions() == 0 })
}

// asked counts calls of the BMC.
func (b *bench) asked(op bmctest.Op) (n int) {
	for _, c := range b.bmc.Calls() {
		if c == op {
			n++
		}
	}
	return n
}

func TestPartsAreReadOnceAMachineIsDiscoveredAndAgainTheNextDay(t *testing.T) {
	b := newBench(t)
	b.plan(b.facts.System.Serial, "right")
	b.until("the parts", func(m *inventory.Machine) bool { return m.Facts != nil && len(m.Facts.DIMMs) == 1 })
	b.pass(time.Hour)
	before := b.asked(bmctest.Power)
	b.plan("", "right") // wakes the watch
	b.until("another look", func(*inventory.Machine) bool { return b.asked(bmctest.Power) > before })
	if n := b.asked(bmctest.Facts); n != 1 {
		t.Errorf("the parts were read %d times within an hour", n)
	}
	b.pass(24 * time.Hour)
	b.plan(b.facts.System.Serial, "right")
	b.until("the parts again", func(*inventory.Machine) bool { return b.asked(bmctest.Facts) == 2 })
}

func TestABMCThatCannotTellItsPartsIsStillUsable(t *testing.T) {
	b := newBench(t)
	b.bmc.Fail(bmctest.Facts, fault.Unreachablef("no whole answer"))
	b.plan(b.facts.System.Serial, "right")
	b.until("discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered && b.asked(bmctest.Facts) == 1 })
	b.plan("", "right") // wakes the watch
	m := b.until("the parts", func(m *inventory.Machine) bool {
		b.pass(2 * time.Hour) // the failure may be noted after a first one
		return len(m.Facts.DIMMs) == 1
	})
	if len(m.Conditions) != 0 || m.Power != inventory.PowerOff {
		t.Errorf("power %s, conditions %v", m.Power, m.Conditions)
	}
}

func TestAMachineThatNobodyDiscoveredIsAskedForItsIdentityOnly(t *testing.T) {
	b := newBench(t)
	b.plan("ANOTHER", "right")
	b.until("condition", func(m *inventory.Machine) bool { return len(m.Conditions) == 1 })
	if b.asked(bmctest.Identity) == 0 || b.asked(bmctest.Facts) != 0 {
		t.Errorf("calls %v", b.bmc.Calls())
	}
}

func TestAnotherMachineBehindTheBMCIsACondition(t *testing.T) {
	b := newBench(t)
	b.plan("ANOTHER", "right")
	m := b.until("condition", func(m *inventory.Machine) bool { return len(m.Conditions) == 1 })
	if m.Conditions[0].Type != inventory.IdentityMismatch || m.Phase != inventory.Planned {
		t.Errorf("phase %s, condition %+v", m.Phase, m.Conditions[0])
	}
}

// A BMC that refuses us is not asked again until its plan changes: that locks accounts.
func TestARefusalIsAConditionUntilThePlanIsMended(t *testing.T) {
	b := newBench(t)
	b.plan(b.facts.System.Serial, "wrong")
	m := b.until("condition", func(m *inventory.Machine) bool { return len(m.Conditions) == 1 })
	if c := m.Conditions[0]; c.Type != inventory.BMCUnusable || c.Reason != "denied" || c.Hint == "" {
		t.Errorf("condition %+v", c)
	}
	b.pass(5 * time.Minute)
	b.plan(b.facts.System.Serial, "right")
	b.until("mended", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered && len(m.Conditions) == 0 })
	refused := 0
	for _, c := range b.bmc.Calls() {
		if c == bmctest.Dial {
			refused++
		}
	}
	if refused > 2 {
		t.Errorf("the BMC was dialled %d times", refused)
	}
}

// The look that was on its way is of a machine that went, or of the one after it.
func TestAMachineThatRetiresWhileItsBMCIsAskedKeepsItsRecord(t *testing.T) {
	b := newBench(t)
	gone := make(chan string, 1)
	var once sync.Once
	b.dialled = func() {
		once.Do(func() {
			m, err := b.db.Machine(t.Context(), "n1")
			if err == nil {
				_, err = b.db.Retire(t.Context(), m.ID, inventory.Retirement{Reason: "sold"}, "test")
			}
			if err != nil {
				t.Error(err)
				return
			}
			gone <- m.ID
		})
	}
	b.plan("ANOTHER", "right")
	id := <-gone
	b.plan(b.facts.System.Serial, "right")
	b.until("the next one discovered", func(m *inventory.Machine) bool { return m.ID != id && m.Phase == inventory.Discovered })
	old, err := b.db.Machine(t.Context(), id)
	b.ok(err)
	if old.Phase != inventory.Retired || len(old.Conditions) != 0 || old.Power != inventory.PowerUnknown || old.Facts != nil {
		t.Errorf("%s, power %s, conditions %+v, facts %v", old.Phase, old.Power, old.Conditions, old.Facts)
	}
}

// A slow BMC's answer may be older than what an operation or the agent learned meanwhile.
func TestALookThatBeganBeforeANewerPowerStateDoesNotOverwriteIt(t *testing.T) {
	b := newBench(t)
	var once sync.Once
	b.dialled = func() {
		once.Do(func() {
			_, err := b.db.ChangeMachine(t.Context(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Power = inventory.PowerOn
				return nil, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	b.plan(b.facts.System.Serial, "right")
	b.until("the next look, which comes at once", func(m *inventory.Machine) bool { return m.Power == inventory.PowerOff })
	if n := b.asked(bmctest.Power); n < 2 {
		t.Errorf("%d look was enough", n)
	}
}

// What answers late only, as a network that has just come up, is not left for a whole stretch.
func TestALookThatMissedIsSoonRepeated(t *testing.T) {
	b := newBench(t)
	b.bmc.Fail(bmctest.Dial, fault.Unreachablef("no answer"))
	b.plan(b.facts.System.Serial, "right")
	b.until("a miss", func(*inventory.Machine) bool { return b.asked(bmctest.Dial) == 1 })
	b.pass(10 * time.Second)
	b.plan("", "right") // wakes the watch
	b.until("discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
}

// One missed look says little: a BMC that restarts misses some.
func TestABMCIsUnusableAfterSeveralMissesOnly(t *testing.T) {
	b := newBench(t)
	b.plan(b.facts.System.Serial, "right")
	b.until("the parts", func(m *inventory.Machine) bool { return m.Facts != nil && len(m.Facts.DIMMs) == 1 })
	gone := fault.Unreachablef("no answer").WithHint("look at its cable")
	before := b.asked(bmctest.Power)
	b.bmc.Fail(bmctest.Power, gone)
	m := b.until("a miss and a hit", func(*inventory.Machine) bool { b.pass(time.Second); return b.asked(bmctest.Power) >= before+2 })
	if len(m.Conditions) != 0 || m.Power != inventory.PowerOff {
		t.Errorf("after one miss: power %s, conditions %+v", m.Power, m.Conditions)
	}
	for range 60 {
		b.bmc.Fail(bmctest.Power, gone)
	}
	m = b.until("condition", func(m *inventory.Machine) bool { b.pass(time.Second); return len(m.Conditions) == 1 })
	if c := m.Conditions[0]; c.Type != inventory.BMCUnusable || c.Reason != "unreachable" || m.Power != inventory.PowerUnknown {
		t.Errorf("power %s, condition %+v", m.Power, c)
	}
}

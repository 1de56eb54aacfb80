package intake_test

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/intake"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

const uuid = "11111111-2222-3333-4444-555555555501"

var (
	planned = inventory.MAC{0x52, 0x54, 0, 0, 0, 1}
	stray   = inventory.MAC{0x52, 0x54, 0, 0, 0, 9}
)

// bench is a desk over a real store with one planned machine.
type bench struct {
	t    *testing.T
	db   *store.DB
	desk *intake.Desk
}

func newBench(t *testing.T, policy inventory.StrangerPolicy) *bench {
	t.Helper()
	b := &bench{t: t}
	var err error
	b.db, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("intake")})
	b.ok(err)
	t.Cleanup(func() { b.db.Close() })
	_, err = b.db.ApplyPlan(t.Context(), plan.Plan{Site: "lab",
		Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", DHCP: inventory.DHCPAuthoritative, Strangers: policy,
			Pool: &plan.Pool{First: "10.0.0.100", Last: "10.0.0.110"}}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1, UUID: uuid,
			NICs: []plan.NIC{{MAC: planned.String(), Network: "provision", Address: "10.0.0.11"}}}}}}}, "", "test")
	b.ok(err)
	view := func() *boot.View {
		v, err := b.db.View(context.Background())
		b.ok(err)
		return v
	}
	b.desk = intake.New(b.db, view, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.desk.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) seen(mac inventory.MAC, id string, class boot.Class) boot.Sighting {
	s := boot.Sighting{At: time.Now(), Source: "dhcp", MAC: mac, UUID: id, Network: "provision", Class: class, Settled: true}
	b.desk.Sighted(s)
	return s
}

// until waits for the machine to be so.
func (b *bench) until(name, what string, is func(*inventory.Machine) bool) *inventory.Machine {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for {
		m, err := b.db.Machine(ctx, name)
		if err == nil && is(m) {
			return m
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("%s: not so: %+v, %v", what, m, err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (b *bench) operations(machine string) []deploy.Operation {
	b.t.Helper()
	ops, err := b.db.Operations(b.t.Context(), store.OperationFilter{Machine: machine})
	b.ok(err)
	return ops
}

func TestMACAndUUIDTogetherMakeAPlannedMachineDiscovered(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	b.seen(planned, "", boot.PXE)
	b.until("n1", "racked by its MAC alone", func(m *inventory.Machine) bool { return m.Phase == inventory.Racked })
	b.seen(planned, uuid, boot.PXE)
	b.until("n1", "discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
}

func TestAnotherUUIDBehindAPlannedMACIsACondition(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	b.seen(planned, "99999999-2222-3333-4444-555555555501", boot.PXE)
	m := b.until("n1", "condition", func(m *inventory.Machine) bool { return len(m.Conditions) == 1 })
	if m.Conditions[0].Type != inventory.IdentityMismatch || m.Phase != inventory.Planned {
		t.Errorf("phase %s, condition %+v", m.Phase, m.Conditions[0])
	}
}

func TestAStrangerIsInspectedOnceWhereThePolicyIsToLook(t *testing.T) {
	b := newBench(t, inventory.StrangerDiscover)
	first := b.seen(stray, uuid, boot.PXE)
	b.seen(stray, uuid, boot.PXE)
	m := b.until("unknown-525400000009", "recorded", func(*inventory.Machine) bool { return true })
	h, err := b.desk.Script(t.Context(), first)
	b.ok(err)
	ops := b.operations(m.ID)
	if h == nil || h.Intent != boot.RunAgent || len(ops) != 1 || h.Operation != ops[0].ID || ops[0].Kind != deploy.Inspect {
		t.Fatalf("host %+v, operations %+v", h, ops)
	}
	v, err := b.db.View(t.Context())
	b.ok(err)
	if known := v.Host(stray); known == nil || known.Intent != boot.RunAgent {
		t.Errorf("the boot view does not have it load the agent at once: %+v", known)
	}
}

func TestAStrangerThatAPersonHoldsIsLeftAloneAndHoldsUpNobody(t *testing.T) {
	b := newBench(t, inventory.StrangerDiscover)
	if _, err := b.db.AddStranger(t.Context(), stray, uuid, "provision"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Hold(t.Context(), "unknown-525400000009", "evidence", time.Hour, "ann"); err != nil {
		t.Fatal(err)
	}
	first := b.seen(stray, uuid, boot.PXE)
	h, err := b.desk.Script(t.Context(), first)
	if h != nil || err != nil {
		t.Errorf("host %+v, %v", h, err)
	}
	b.seen(planned, uuid, boot.PXE)
	b.until("n1", "discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
}

func TestAStrangerIsListedAndNotInspectedWhereThePolicyIsToHold(t *testing.T) {
	b := newBench(t, inventory.StrangerHold)
	h, err := b.desk.Script(t.Context(), b.seen(stray, uuid, boot.PXE))
	b.ok(err)
	m := b.until("unknown-525400000009", "recorded", func(*inventory.Machine) bool { return true })
	if ops := b.operations(m.ID); h != nil || len(ops) != 0 {
		t.Errorf("host %+v, operations %+v", h, ops)
	}
}

func TestAStrangerIsLeftAloneWhereThePolicyIsToIgnore(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	h, err := b.desk.Script(t.Context(), b.seen(stray, uuid, boot.PXE))
	b.ok(err)
	machines, err := b.db.Machines(t.Context(), store.MachineFilter{})
	b.ok(err)
	if h != nil || len(machines) != 1 {
		t.Errorf("host %+v, machines %d", h, len(machines))
	}
}

// An operation learns that its machine netboots; an installed system's lease is no sign
// of that.
func TestAnOperationHearsOfItsMachineNetbooting(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	op, err := b.db.CreateOperation(t.Context(), deploy.Inspect, "n1", deploy.Order{}, "test")
	b.ok(err)
	b.seen(planned, uuid, boot.NotNetboot)
	b.until("n1", "seen as a system", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
	seen, err := b.db.EvidenceOf(t.Context(), op.ID)
	b.ok(err)
	if len(seen) != 0 {
		t.Errorf("evidence from an installed system: %v", seen)
	}
	b.seen(planned, uuid, boot.PXE)
	deadline := time.After(20 * time.Second)
	for len(seen) == 0 {
		select {
		case <-deadline:
			t.Fatal("the operation hears nothing")
		case <-time.After(2 * time.Millisecond):
		}
		seen, err = b.db.EvidenceOf(t.Context(), op.ID)
		b.ok(err)
	}
}

func TestAnOfferIsNotYetAnAddress(t *testing.T) {
	b := newBench(t, inventory.StrangerHold)
	op, err := b.db.CreateOperation(t.Context(), deploy.Inspect, "n1", deploy.Order{}, "test")
	b.ok(err)
	b.desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: planned, UUID: uuid, Network: "provision", Class: boot.PXE})
	b.seen(stray, "", boot.PXE) // strangers are taken in after all others
	b.until("unknown-525400000009", "recorded", func(*inventory.Machine) bool { return true })
	seen, err := b.db.EvidenceOf(t.Context(), op.ID)
	b.ok(err)
	if len(seen) != 0 {
		t.Errorf("evidence from an offer: %v", seen)
	}
}

// counting counts how often a machine's sightings reach the store.
type counting struct {
	*store.DB
	witnessed int
}

func (c *counting) Witness(ctx context.Context, id string, e inventory.Evidence) (inventory.Evidence, error) {
	c.witnessed++
	return c.DB.Witness(ctx, id, e)
}

// The boot view grows with every change anywhere; a machine is weighed again when its own
// part of it changed.
func TestAChangeElsewhereIsNoReasonToWeighASightingAgain(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	v, err := b.db.View(t.Context())
	b.ok(err)
	follow := func() {
		d, err := b.db.ViewSince(t.Context(), v.Revision)
		b.ok(err)
		v = v.With(d)
	}
	c := &counting{DB: b.db}
	desk := intake.New(c, func() *boot.View { return v }, slog.New(slog.DiscardHandler))
	take := func() {
		desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: planned, UUID: uuid, Network: "provision", Class: boot.PXE, Settled: true})
		b.ok(desk.TakeAll(t.Context()))
	}
	take()
	follow() // it is discovered
	take()
	before := c.witnessed
	_, err = b.db.ApplyPlan(t.Context(), plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r2", Machines: []plan.Machine{{Name: "n2", U: 1,
		NICs: []plan.NIC{{MAC: stray.String(), Network: "provision", Address: "10.0.0.12"}}}}}}}, "", "test")
	b.ok(err)
	was := v.Revision
	follow()
	take()
	if v.Revision == was || v.Host(stray) == nil || c.witnessed != before {
		t.Errorf("at revision %d, before %d: weighed %d times", v.Revision, was, c.witnessed-before)
	}
}

// A stranger's record is in the view; what it shows later is weighed against the plan too.
func TestAStrangerThatThePlanNamesLaterIsKnownAtItsNextBoot(t *testing.T) {
	b := newBench(t, inventory.StrangerDiscover)
	const other = "11111111-2222-3333-4444-555555555502"
	s := boot.Sighting{At: time.Now(), Source: "dhcp", MAC: stray, UUID: other, Network: "provision", Class: boot.PXE, Circuit: "leaf-1/3"}
	b.desk.Sighted(s)
	b.until("unknown-525400000009", "recorded", func(*inventory.Machine) bool { return true })
	_, err := b.db.ApplyPlan(t.Context(), plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r2",
		Devices: []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 40, Ports: []inventory.Port{{Name: "1-4", Circuit: "leaf-1/{port}"}}}},
		Machines: []plan.Machine{{Name: "n2", U: 1, UUID: other, NICs: []plan.NIC{{Network: "provision", Address: "10.0.0.12",
			Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "3"}}}}}}}}}, "", "test")
	b.ok(err)
	b.desk.Sighted(s)
	b.until("n2", "discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered && m.NICs[0].MAC == stray })
}

// A stranger's system may ask for an address long before the machine netboots.
func TestAStrangerThatNetbootsLaterIsInspectedThenAndOnce(t *testing.T) {
	b := newBench(t, inventory.StrangerDiscover)
	b.seen(stray, "", boot.NotNetboot)
	m := b.until("unknown-525400000009", "recorded", func(*inventory.Machine) bool { return true })
	if ops := b.operations(m.ID); len(ops) != 0 {
		t.Fatalf("its system's lease had it inspected: %+v", ops)
	}
	b.seen(stray, uuid, boot.PXE)
	b.until(m.Name, "inspected", func(*inventory.Machine) bool { return len(b.operations(m.ID)) == 1 })
	_, err := b.db.CancelOperation(t.Context(), b.operations(m.ID)[0].ID, "ann")
	b.ok(err)
	b.seen(stray, "", boot.NotNetboot)
	b.seen(stray, uuid, boot.PXE)
	b.seen(planned, uuid, boot.PXE) // taken in after it
	b.until("n1", "discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
	if ops := b.operations(m.ID); len(ops) != 1 {
		t.Errorf("it is inspected again though somebody cancelled that: %+v", ops)
	}
}

// The switch port and the system UUID of a packet are two identifiers: a plan without MACs
// is enough to know a machine at its first DHCPDISCOVER.
func TestAStrangerOnThePlannedPortWithThePlannedUUIDIsThePlannedMachine(t *testing.T) {
	b := newBench(t, inventory.StrangerDiscover)
	const other = "11111111-2222-3333-4444-555555555502"
	_, err := b.db.ApplyPlan(t.Context(), plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r2",
		Devices: []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 40, Ports: []inventory.Port{{Name: "1-4", Circuit: "leaf-1/{port}"}}}},
		Machines: []plan.Machine{{Name: "n2", U: 1, UUID: other, NICs: []plan.NIC{{Network: "provision", Address: "10.0.0.12",
			Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "3"}}}}}}}}}, "", "test")
	b.ok(err)
	b.desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: stray, UUID: other, Network: "provision", Class: boot.PXE, Circuit: "leaf-1/3"})
	m := b.until("n2", "discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
	if m.NICs[0].MAC != stray {
		t.Errorf("it did not learn its MAC: %+v", m.NICs)
	}
	machines, err := b.db.Machines(t.Context(), store.MachineFilter{})
	b.ok(err)
	if len(machines) != 2 {
		t.Errorf("%d machines: the stranger's record is still there", len(machines))
	}
}

func TestABMCInNoPlanIsNoMachineAndIsRemembered(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	b.desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: stray, Network: "provision", BMC: true, Vendor: "Dell iDRAC"})
	for deadline := time.After(20 * time.Second); ; {
		list, err := b.db.StrangeBMCs(t.Context(), store.Page{})
		b.ok(err)
		if len(list) == 1 && list[0].MAC == stray && list[0].Vendor == "Dell iDRAC" {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("it is not remembered: %+v", list)
		case <-time.After(time.Millisecond):
		}
	}
	if m, err := b.db.MachineByMAC(t.Context(), stray); err == nil {
		t.Errorf("it became machine %s", m.Name)
	}
}

func TestAPlannedBMCThatAsksForItsAddressIsEvidenceOfItsMachine(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	_, err := b.db.ApplyPlan(t.Context(), plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n2", U: 2,
		BMC: &plan.BMC{Address: "https://10.0.0.12", MAC: stray.String()}}}}}}, "", "test")
	b.ok(err)
	b.desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: stray, Network: "provision", Circuit: "oob-switch:7"})
	m := b.until("n2", "racked", func(m *inventory.Machine) bool { return m.Phase == inventory.Racked })
	if len(m.Conditions) != 0 {
		t.Errorf("the BMC's switch port speaks against the machine: %+v", m.Conditions)
	}
}

func TestAnAddressThatItsMachineDeclinesIsAConditionUntilTheMachineUsesIt(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	reserved, inUse := netip.MustParseAddr("10.0.0.11"), func(m *inventory.Machine) bool {
		return slices.ContainsFunc(m.Conditions, func(c inventory.Condition) bool {
			return c.Type == inventory.AddressInUse && c.Subject == "10.0.0.11"
		})
	}
	says := func(declined, holds netip.Addr) {
		b.desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: planned, UUID: uuid, Network: "provision", Declined: declined, Holds: holds})
	}
	for range 2 {
		says(netip.Addr{}, reserved)
		says(netip.MustParseAddr("10.0.0.12"), netip.Addr{}) // not its own
		says(reserved, netip.Addr{})
		b.until("n1", "the condition", inUse)
		says(netip.Addr{}, netip.Addr{}) // it asks again
		says(reserved, netip.Addr{})
		says(netip.Addr{}, reserved)
		m := b.until("n1", "the address its own again", func(m *inventory.Machine) bool { return !inUse(m) })
		if len(m.Conditions) != 0 {
			t.Errorf("conditions left: %+v", m.Conditions)
		}
	}
	events, err := b.db.Events(t.Context(), store.EventFilter{Machine: b.until("n1", "there", inAny).ID})
	b.ok(err)
	told := 0
	for _, e := range events {
		if e.Kind == journal.Condition {
			told++
		}
	}
	if told != 4 {
		t.Errorf("told %d times", told)
	}
}

func inAny(*inventory.Machine) bool { return true }

// faltering is a store whose transactions are taken back some times.
type faltering struct {
	*store.DB
	fails int
}

func (f *faltering) Together(ctx context.Context, keep bool, fn func(ctx context.Context) error) error {
	if f.fails == 0 {
		return f.DB.Together(ctx, keep, fn)
	}
	f.fails--
	if err := f.DB.Together(ctx, false, fn); err != nil {
		return err
	}
	return fault.Unreachablef("the database went away")
}

func TestWhatWasTakenBackIsTakenInAgain(t *testing.T) {
	b := newBench(t, inventory.StrangerHold)
	v, err := b.db.View(t.Context())
	b.ok(err)
	f := &faltering{DB: b.db, fails: 2}
	desk := intake.New(f, func() *boot.View { return v }, slog.New(slog.DiscardHandler))
	desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: planned, UUID: uuid, Network: "provision", Class: boot.PXE, Settled: true})
	desk.Sighted(boot.Sighting{At: time.Now(), Source: "dhcp", MAC: stray, Network: "provision", Class: boot.PXE, Settled: true})
	for range 2 {
		if err := desk.TakeAll(t.Context()); !fault.Is(err, fault.Unreachable) {
			t.Fatalf("taken in: %v", err)
		}
	}
	b.ok(desk.TakeAll(t.Context()))
	b.until("n1", "discovered", func(m *inventory.Machine) bool { return m.Phase == inventory.Discovered })
	b.until("unknown-525400000009", "recorded", func(*inventory.Machine) bool { return true })
}

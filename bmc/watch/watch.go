// Package watch looks at every BMC from time to time: it keeps the power state true,
// discovers planned machines by what their BMC says of them, reads the parts of known ones
// once a day, and says which BMCs cannot be used. It changes nothing on a machine.
package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the watch asks of the database.
type Store interface {
	Machines(ctx context.Context, f store.MachineFilter) ([]inventory.Machine, error)
	Operations(ctx context.Context, f store.OperationFilter) ([]deploy.Operation, error)
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
	BMCAccess(ctx context.Context, machineID string) (bmc.Access, error)
	PinCertificate(ctx context.Context, machineID, sha256 string) error
	Changed() (<-chan struct{}, func())
}

// Task is the watch. All fields are required.
type Task struct {
	Store Store
	BMC   bmc.Dialer
	Log   *slog.Logger
	Now   func() time.Time
	Every time.Duration // between two looks at one BMC

	mu     sync.Mutex
	looked map[string]*look
}

// look is when a machine's BMC was last looked at, and whether it refused us.
type look struct {
	at     time.Time
	denied bool
	parts  time.Time // when the parts are to be read next; zero: not decided
	busy   bool      // the parts are being read, apart from the rounds
}

// Bounds of a round.
const (
	hands   = 8
	readers = 2           // of parts, beside the rounds
	settle  = time.Second // rounds are no closer than this
)

// String names the task.
func (t *Task) String() string { return "BMC watch" }

// Run looks until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	t.looked = map[string]*look{}
	var inventories errgroup.Group
	inventories.SetLimit(readers)
	defer inventories.Wait()
	changed, stop := t.Store.Changed()
	defer stop()
	tick := time.NewTicker(max(t.Every/4, settle))
	defer tick.Stop()
	for {
		if err := t.round(ctx, &inventories); err != nil && ctx.Err() == nil {
			t.Log.Warn("BMCs not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settle): // a plan changes many machines at once
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

// round looks at every BMC whose time has come, except those an operation has in hand.
// Parts are read beside the rounds, a few machines at a time, so that a slow BMC does not
// make the power states of the others old.
func (t *Task) round(ctx context.Context, inventories *errgroup.Group) error {
	busy, err := t.busy(ctx)
	if err != nil {
		return err
	}
	machines, err := t.Store.Machines(ctx, store.MachineFilter{})
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(hands)
	for i := range machines {
		m := &machines[i]
		if m.BMC == nil || m.Phase == inventory.Retired {
			continue
		}
		if busy[m.ID] {
			t.stale(m)
			continue
		}
		if t.takeParts(m) {
			if inventories.TryGo(func() error { t.remember(m, t.look(ctx, m, thorough()), true); return nil }) {
				continue
			}
			t.leaveParts(m)
		}
		if t.due(m) {
			g.Go(func() error { t.remember(m, t.look(ctx, m, brief()), false); return nil })
		}
	}
	return g.Wait()
}

func (t *Task) busy(ctx context.Context) (map[string]bool, error) {
	open, err := t.Store.Operations(ctx, store.OperationFilter{Open: true, Limit: 10000})
	busy := map[string]bool{}
	for _, o := range open {
		busy[o.Machine] = o.State != deploy.Parked
	}
	return busy, err
}

// depth is how much one look reads.
type depth struct {
	parts   bool
	patient time.Duration // for one BMC
}

// Old BMCs take seconds for each answer: a dozen for a brief look, hundreds for the parts.
func brief() depth    { return depth{patient: 90 * time.Second} }
func thorough() depth { return depth{patient: 10 * time.Minute, parts: true} }

// look reads one BMC and keeps what it says; it reports whether the BMC refused us.
func (t *Task) look(ctx context.Context, m *inventory.Machine, d depth) (denied bool) {
	ctx, cancel := context.WithTimeout(ctx, d.patient)
	defer cancel()
	seen, err := t.read(ctx, m, d)
	if err != nil && ctx.Err() == context.Canceled {
		return false
	}
	_, saveErr := t.Store.ChangeMachine(context.WithoutCancel(ctx), m.ID, func(m *inventory.Machine) ([]journal.Event, error) {
		return t.keep(m, seen, err), nil
	})
	if saveErr != nil {
		t.Log.Warn("what a BMC said was not kept", "machine", m.Name, "error", saveErr)
	}
	return fault.Is(err, fault.Denied)
}

// observation is what one look found.
type observation struct {
	power inventory.Power
	facts *inventory.Facts // nil: not asked for
	whole bool             // facts have the parts, not only the identity
}

func (t *Task) read(ctx context.Context, m *inventory.Machine, d depth) (seen observation, err error) {
	access, err := t.Store.BMCAccess(ctx, m.ID)
	if err != nil {
		return seen, err
	}
	hand, err := t.BMC.Dial(ctx, access)
	if err != nil {
		return seen, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		hand.Close(closing)
	}()
	if access.CertificateSHA256 == "" {
		if err := t.Store.PinCertificate(ctx, m.ID, hand.Certificate()); err != nil {
			return seen, err
		}
	}
	if seen.power, err = hand.Power(ctx); err != nil {
		return seen, err
	}
	var facts inventory.Facts
	switch {
	case d.parts:
		facts, err = hand.Facts(ctx)
	case unknown(m):
		facts, err = hand.Identity(ctx)
	default:
		return seen, nil
	}
	seen.facts, seen.whole = &facts, d.parts
	return seen, err
}

// unknown reports whether the machine is still to be discovered.
func unknown(m *inventory.Machine) bool {
	return m.Phase == inventory.Planned || m.Phase == inventory.Racked
}

// keep puts an observation, or the error instead of one, on the machine.
func (t *Task) keep(m *inventory.Machine, seen observation, err error) []journal.Event {
	if err != nil {
		known := hasCondition(m, inventory.BMCUnusable)
		inventory.SetCondition(m, &inventory.Condition{Type: inventory.BMCUnusable, Reason: fault.KindOf(err).String(), Evidence: err.Error(),
			Hint: fault.HintOf(err), Since: t.Now()}, inventory.BMCUnusable)
		m.Power = inventory.PowerUnknown
		if known {
			return nil
		}
		return []journal.Event{{Kind: journal.BMCFailed, Actor: "server", Summary: err.Error()}}
	}
	inventory.SetCondition(m, nil, inventory.BMCUnusable)
	m.Power = seen.power
	if seen.facts == nil {
		return nil
	}
	if seen.replaces(m.Facts) {
		m.Facts = seen.facts
	}
	said, _ := inventory.Bind(m, evidence(seen.facts), t.Now())
	if said == "" {
		return nil
	}
	return []journal.Event{{Kind: journal.PhaseMoved, Actor: "redfish", Summary: said}}
}

// replaces reports whether the observation is better than the facts at hand: what the
// agent sees is, and so are a machine's parts to no more than its identity.
func (o observation) replaces(have *inventory.Facts) bool {
	if have == nil {
		return true
	}
	return have.Source == "redfish" && (o.whole || have.System != o.facts.System)
}

func hasCondition(m *inventory.Machine, kind string) bool {
	for _, c := range m.Conditions {
		if c.Type == kind {
			return true
		}
	}
	return false
}

func evidence(f *inventory.Facts) inventory.Evidence {
	e := inventory.Evidence{Source: "redfish", Serial: f.System.Serial, UUID: f.System.UUID}
	for _, n := range f.NICs {
		if !n.MAC.IsZero() {
			e.MACs = append(e.MACs, n.MAC)
		}
	}
	return e
}

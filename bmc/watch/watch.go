// Package watch looks at every BMC from time to time: it keeps the power state true,
// discovers planned machines by what their BMC says of them, and says which BMCs cannot
// be used. It changes nothing on a machine.
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
	looked map[string]look
}

// look is when a machine's BMC was last looked at, and whether it refused us.
type look struct {
	at     time.Time
	denied bool
}

// Bounds of a round.
const (
	hands   = 8
	patient = 90 * time.Second // for one BMC: old ones take seconds for each of a dozen answers
	settle  = time.Second      // rounds are no closer than this
)

// String names the task.
func (t *Task) String() string { return "BMC watch" }

// Run looks until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	t.looked = map[string]look{}
	changed, stop := t.Store.Changed()
	defer stop()
	tick := time.NewTicker(max(t.Every/4, settle))
	defer tick.Stop()
	for {
		if err := t.round(ctx); err != nil && ctx.Err() == nil {
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
func (t *Task) round(ctx context.Context) error {
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
		if m.BMC == nil || m.Phase == inventory.Retired || busy[m.ID] || !t.due(m) {
			continue
		}
		g.Go(func() error {
			t.remember(m, t.look(ctx, m))
			return nil
		})
	}
	return g.Wait()
}

func (t *Task) remember(m *inventory.Machine, denied bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looked[m.ID] = look{at: t.Now(), denied: denied}
}

func (t *Task) busy(ctx context.Context) (map[string]bool, error) {
	open, err := t.Store.Operations(ctx, store.OperationFilter{Open: true, Limit: 10000})
	busy := map[string]bool{}
	for _, o := range open {
		busy[o.Machine] = o.State != deploy.Parked
	}
	return busy, err
}

// due reports whether a BMC is to be looked at. One that refused us is left alone until
// its plan changes, which clears the condition, or so long that no account is locked.
func (t *Task) due(m *inventory.Machine) bool {
	t.mu.Lock()
	l, known := t.looked[m.ID]
	t.mu.Unlock()
	wait := t.Every
	if l.denied {
		wait = 20 * t.Every
	}
	if l.denied && !hasCondition(m, inventory.BMCUnusable) {
		return true
	}
	return !known || t.Now().Sub(l.at) >= wait
}

// look reads one BMC and keeps what it says; it reports whether the BMC refused us.
func (t *Task) look(ctx context.Context, m *inventory.Machine) (denied bool) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	seen, err := t.read(ctx, m)
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
	facts *inventory.Facts // read until the machine is known
}

func (t *Task) read(ctx context.Context, m *inventory.Machine) (seen observation, err error) {
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
	if m.Phase == inventory.Planned || m.Phase == inventory.Racked || m.Facts == nil {
		facts, err := hand.Facts(ctx)
		if err != nil {
			return seen, err
		}
		seen.facts = &facts
	}
	return seen, nil
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
	if m.Facts == nil || m.Facts.Source == "redfish" {
		m.Facts = seen.facts
	}
	said, _ := inventory.Bind(m, evidence(seen.facts), t.Now())
	if said == "" {
		return nil
	}
	return []journal.Event{{Kind: journal.PhaseMoved, Actor: "redfish", Summary: said}}
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

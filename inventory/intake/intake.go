// Package intake takes what was seen of machines on the wire and binds it to the plan:
// phases move, strangers are recorded, operations learn that their machine is alive. It
// answers no packet.
package intake

import (
	"context"
	"log/slog"
	"time"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what intake asks of the database.
type Store interface {
	// Together does what fn changes with its context in one transaction; fn may run again.
	Together(ctx context.Context, keep bool, fn func(ctx context.Context) error) error
	AddStranger(ctx context.Context, mac inventory.MAC, uuid, network string) (*inventory.Machine, error)
	// AddStrangeBMC records a BMC that is in no plan, and reports whether it is new.
	AddStrangeBMC(ctx context.Context, b inventory.StrangeBMC) (bool, error)
	// Witness keeps what a machine was seen by and adds to the evidence where in the plan it was.
	Witness(ctx context.Context, machineID string, e inventory.Evidence) (inventory.Evidence, error)
	// Recognise returns the planned machine that a stranger turned out to be, nil for none.
	Recognise(ctx context.Context, stranger string, e inventory.Evidence) (*inventory.Machine, error)
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
	CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error)
	Operations(ctx context.Context, f store.OperationFilter) ([]deploy.Operation, error)
	AddEvidence(ctx context.Context, operation, kind string, detail any) error
}

// Desk is the task that takes sightings in. Make it with New.
type Desk struct {
	store Store
	view  func() *boot.View
	log   *slog.Logger

	in, strangers chan boot.Sighting
	some          []boot.Sighting // that came and were not taken in yet
	turn          time.Time       // of the next stranger

	memo *memo // Script asks beside Run
}

// New makes a Desk.
func New(s Store, view func() *boot.View, log *slog.Logger) *Desk {
	return &Desk{store: s, view: view, log: log, in: make(chan boot.Sighting, queue), strangers: make(chan boot.Sighting, strangerQueue), memo: newMemo()}
}

func (d *Desk) take(ctx context.Context, s boot.Sighting) error {
	h := d.view().Host(s.MAC)
	if h == nil && s.BMC {
		return d.strangeBMC(ctx, s)
	}
	if h == nil {
		_, err := d.stranger(ctx, s)
		return err
	}
	if err := d.bind(ctx, h, s); err != nil {
		return err
	}
	if !awaited(h, s) {
		return nil
	}
	return d.store.AddEvidence(ctx, h.Operation, store.SawDHCP, map[string]any{"address": s.Address.String(), "source": s.Source})
}

// awaited reports whether a sighting is the netboot that the machine's operation waits for.
func awaited(h *boot.Host, s boot.Sighting) bool {
	return !h.BMC && h.Operation == s.Wanted && (s.Settled || s.Source != "dhcp") && !s.Declined.IsValid() && h.Intent == boot.RunAgent && s.Class != boot.NotNetboot
}

// stranger records a machine nobody planned, where the network's policy is to look, and
// has it inspected when it netboots, once. It returns the inspection, nil for none.
func (d *Desk) stranger(ctx context.Context, s boot.Sighting) (*deploy.Operation, error) {
	if !d.view().Remembers(s.Network) {
		return nil, nil
	}
	m, err := d.store.AddStranger(ctx, s.MAC, s.UUID, s.Network)
	if err != nil || m.Slot != nil {
		return nil, err
	}
	if planned, err := d.recognise(ctx, m, s); err != nil || planned {
		return nil, err
	}
	if !d.looks(m, s) {
		return nil, nil
	}
	return d.inspection(ctx, m)
}

// looks reports whether a stranger is to be inspected now: it netboots where the network's
// policy is to look, and was not inspected yet.
func (d *Desk) looks(m *inventory.Machine, s boot.Sighting) bool {
	return d.view().Discovers(s.Network) && m.Facts == nil && s.Class != boot.NotNetboot
}

// strangerAgain weighs a machine that was recorded as a stranger once more: the plan may know it
// since, or it did not netboot before, or not where it is looked at. An inspection that failed or
// was cancelled is not begun again: that is for people.
func (d *Desk) strangerAgain(ctx context.Context, m *inventory.Machine, e inventory.Evidence, s boot.Sighting) error {
	if planned, err := d.store.Recognise(ctx, m.ID, e); err != nil || planned != nil || !d.looks(m, s) {
		return err
	}
	before, err := d.store.Operations(ctx, store.OperationFilter{Machine: m.ID, Limit: 1})
	if err == nil && len(before) == 0 {
		_, err = d.inspection(ctx, m)
	}
	return err
}

// strangeBMC records a BMC nobody planned, wherever it is: it is for people to see.
func (d *Desk) strangeBMC(ctx context.Context, s boot.Sighting) error {
	who := "bmc " + s.MAC.String()
	if !d.memo.news(who, nil, s) {
		return nil
	}
	fresh, err := d.store.AddStrangeBMC(ctx, inventory.StrangeBMC{MAC: s.MAC, Network: s.Network, Vendor: s.Vendor})
	if err == nil {
		d.memo.remember(who, nil, s)
	}
	if fresh {
		d.log.Info("a BMC that is in no plan asks for an address", "mac", s.MAC, "network", s.Network, "vendor", s.Vendor)
	}
	return err
}

// recognise weighs a stranger's sighting against the plan, once for each that says
// something new, and reports whether it is a planned machine.
func (d *Desk) recognise(ctx context.Context, m *inventory.Machine, s boot.Sighting) (bool, error) {
	if !d.memo.news(m.ID, nil, s) {
		return false, nil
	}
	planned, err := d.store.Recognise(ctx, m.ID, evidence(s))
	if err != nil {
		return false, err
	}
	d.memo.remember(m.ID, nil, s)
	return planned != nil, nil
}

func evidence(s boot.Sighting) inventory.Evidence {
	return inventory.Evidence{Source: s.Source, UUID: s.UUID, MACs: []inventory.MAC{s.MAC}, Circuit: s.Circuit, Remote: s.Remote}
}

// bind weighs a sighting of a machine that is in the view, each once.
func (d *Desk) bind(ctx context.Context, h *boot.Host, s boot.Sighting) error {
	if !d.memo.news(h.Machine, h, s) {
		return nil
	}
	seen := evidence(s)
	if h.BMC { // its switch port is not the one that the plan cables the machine to
		seen = inventory.Evidence{Source: s.Source, BMCs: seen.MACs}
	}
	e, err := d.store.Witness(ctx, h.Machine, seen)
	if err != nil {
		return err
	}
	m, err := d.store.ChangeMachine(ctx, h.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		if m.Slot == nil {
			return nil, nil
		}
		events := held(m, h, s)
		if said, _ := inventory.Bind(m, e, s.At); said != "" {
			events = append(events, journal.Event{At: s.At, Kind: journal.PhaseMoved, MAC: s.MAC, Actor: s.Source, Summary: said})
		}
		return events, nil
	})
	if err == nil && m.Slot == nil {
		err = d.strangerAgain(ctx, m, e, s)
	}
	if err == nil {
		d.memo.remember(h.Machine, h, s)
	}
	return err
}

// held brings what is known of a machine's reserved address up to date: that another uses it,
// or that the machine does.
func held(m *inventory.Machine, h *boot.Host, s boot.Sighting) []journal.Event {
	said := ""
	switch {
	case s.Declined.IsValid() && (s.Declined == h.Address || s.Declined == h.Address6):
		said = inventory.Declined(m, s.Declined, s.At)
	case s.Holds.IsValid():
		said = inventory.Holds(m, s.Holds)
	}
	if said == "" {
		return nil
	}
	return []journal.Event{{At: s.At, Kind: journal.Condition, MAC: s.MAC, Actor: s.Source, Summary: said, Detail: map[string]any{"conditions": []string{inventory.AddressInUse}}}}
}

// Script tells the boot server about a stranger that asks for a script: the host to run
// the agent for, or nil to leave it alone. One that was inspected before is left alone.
func (d *Desk) Script(ctx context.Context, s boot.Sighting) (*boot.Host, error) {
	op, err := d.stranger(ctx, s)
	if err != nil || op == nil {
		return nil, err
	}
	return &boot.Host{Machine: op.Machine, Name: op.Name, MAC: s.MAC, UUID: s.UUID, Intent: boot.RunAgent, Operation: op.ID}, nil
}

// inspection returns the machine's open inspection, made now if there is none; nil where there
// can be none, as while a person holds the machine.
func (d *Desk) inspection(ctx context.Context, m *inventory.Machine) (*deploy.Operation, error) {
	op, err := d.store.CreateOperation(ctx, deploy.Inspect, m.ID, deploy.Order{}, "network policy")
	if !fault.Is(err, fault.Conflict) {
		return op, err
	}
	open, err := d.store.Operations(ctx, store.OperationFilter{Machine: m.ID, Open: true, Limit: 1})
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return &open[0], nil
}

// Package listen brings what BMCs tell into the journal: events they push, and their logs,
// which also hold what was pushed while nobody listened. It changes nothing at a BMC but
// its subscription.
package listen

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the task asks of the database.
type Store interface {
	Machine(ctx context.Context, idOrName string) (*inventory.Machine, error)
	// DueBMCLogs takes machines whose BMC's log nobody has read since a time.
	DueBMCLogs(ctx context.Context, since time.Time, limit int) ([]string, error)
	BMCLog(ctx context.Context, machineID string) (store.BMCLog, error)
	// TellBMC writes events and cursor; false when the cursor is no more where it was.
	TellBMC(ctx context.Context, machineID string, was, is store.BMCLog, events []journal.Event) (bool, error)
}

// Task listens. All fields but Base are required.
type Task struct {
	Store Store
	Hands bmc.Hands
	Log   *slog.Logger
	Now   func() time.Time
	Key   []byte // secret from which the paths of destinations are made
	// Base is where a BMC reaches Destinations, like https://10.0.0.1:8443; empty where it
	// cannot. Nil: nothing is subscribed to.
	Base func(m *inventory.Machine) string
}

// How often and how much.
const (
	every   = 15 * time.Minute // a log is read, and a subscription renewed that the BMC lost
	round   = 20 * time.Second
	hands   = 8
	batch   = 200
	entries = 200             // of a log at a time
	patient = 2 * time.Minute // for one BMC
	tries   = 8               // of a write while others move the cursor
)

// String names the task.
func (t *Task) String() string { return "BMC events" }

// Run reads logs until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	tick := time.NewTicker(round)
	defer tick.Stop()
	for {
		if err := t.Round(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("logs of BMCs not read", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round reads the logs that are due.
func (t *Task) Round(ctx context.Context) error {
	ids, err := t.Store.DueBMCLogs(ctx, t.Now().Add(-every), batch)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(hands)
	for _, id := range ids {
		g.Go(func() error {
			if err := t.look(ctx, id); err != nil && ctx.Err() == nil {
				t.Log.Debug("BMC's log not read", "machine", id, "error", err)
			}
			return nil
		})
	}
	return g.Wait()
}

// look renews a BMC's subscription and reads its log.
func (t *Task) look(ctx context.Context, machineID string) error {
	ctx, cancel := context.WithTimeout(bmc.WithUrgency(ctx, bmc.Routine), patient)
	defer cancel()
	m, err := t.Store.Machine(ctx, machineID)
	if err != nil || m.BMC == nil {
		return err
	}
	hand, err := t.Hands.Hand(ctx, m.ID)
	if err != nil {
		return err
	}
	defer hand.Close(context.WithoutCancel(ctx))
	// the log first: what happens after we are subscribed is no history
	log, err := hand.Log(ctx, entries)
	if err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	subscription, err := t.subscribe(ctx, hand, m)
	if err != nil {
		return err
	}
	slices.Reverse(log)
	return t.tell(ctx, m, log, subscription)
}

// subscribe sees to it that the BMC pushes to us; it returns the subscription's id, empty
// where it cannot. The same destination again is no second subscription, so a BMC that
// forgot it in a restart gets it again.
func (t *Task) subscribe(ctx context.Context, hand bmc.Controller, m *inventory.Machine) (string, error) {
	if t.Base == nil {
		return "", nil
	}
	base := t.Base(m)
	if base == "" {
		return "", nil
	}
	id, err := hand.Subscribe(ctx, base+t.path(m.ID), "rackwright")
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) { // it pushes nothing, or its table is full: its log is read
		return "", nil
	}
	return id, err
}

// tell journals what is new of a BMC's log, oldest first. The first look at a log journals
// nothing: it is history.
func (t *Task) tell(ctx context.Context, m *inventory.Machine, log []bmc.Entry, subscription string) error {
	return t.write(ctx, m, func(was store.BMCLog) (store.BMCLog, []journal.Event) {
		known := remember(was.Cursor)
		first := !known.Begun
		known.Begun = true
		news := known.fresh(log, t.Now())
		if first {
			news, known.Count = nil, 0
		}
		events := eventsOf(m, news)
		if was.Subscription != subscription && subscription != "" {
			events = append(events, journal.Event{Kind: journal.BMCAction, Machine: m.ID, Name: m.Name, Actor: "server", Summary: "its BMC pushes events to us"})
		}
		return store.BMCLog{Cursor: known.cursor(), Subscription: subscription}, events
	})
}

// pushed journals what a BMC sent, oldest first.
func (t *Task) pushed(ctx context.Context, m *inventory.Machine, sent []bmc.Entry) error {
	return t.write(ctx, m, func(was store.BMCLog) (store.BMCLog, []journal.Event) {
		known := remember(was.Cursor)
		news := known.fresh(sent, t.Now())
		return store.BMCLog{Cursor: known.cursor(), Subscription: was.Subscription}, eventsOf(m, news)
	})
}

// write moves the cursor and writes events, anew when somebody else moved it meanwhile.
func (t *Task) write(ctx context.Context, m *inventory.Machine, next func(was store.BMCLog) (store.BMCLog, []journal.Event)) error {
	for range tries {
		was, err := t.Store.BMCLog(ctx, m.ID)
		if err != nil {
			return err
		}
		is, events := next(was)
		if is == was {
			return nil
		}
		if told, err := t.Store.TellBMC(ctx, m.ID, was, is, events); err != nil || told {
			return err
		}
	}
	return fault.Conflictf("what the BMC of %s told is written by others again and again", m.Name)
}

func eventsOf(m *inventory.Machine, list []bmc.Entry) []journal.Event {
	var out []journal.Event
	for _, e := range list {
		summary := e.Message
		if e.Severity != "" && e.Severity != bmc.OK {
			summary = string(e.Severity) + ": " + summary
		}
		detail := map[string]any{}
		for name, value := range map[string]string{"code": e.Code, "log": e.Log, "id": e.ID, "severity": string(e.Severity)} {
			if value != "" {
				detail[name] = value
			}
		}
		if !e.At.IsZero() {
			detail["at"] = e.At.UTC().Format(time.RFC3339) // by the BMC's clock, which may be off
		}
		out = append(out, journal.Event{Kind: journal.BMCEvent, Machine: m.ID, Name: m.Name, Actor: "bmc", Summary: summary, Detail: detail})
	}
	return out
}

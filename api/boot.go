package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"rackwright/api/wire"
	"rackwright/boot/attempt"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Bounds of how much of the journal is made into boots.
const (
	bootStep   = 1000   // events read at a time
	bootWindow = 20_000 // events looked at for a page
	whyWindow  = 1000   // events looked at for what stopped the newest boot
)

type bootsIn struct {
	MachineIn
	Limit int `query:"limit" default:"20" minimum:"1" maximum:"100" doc:"At most so many"`
	BehindIn
}

func (s *server) boots(ctx context.Context, in *bootsIn) (*body[wire.List[attempt.Attempt]], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	return keyset(ctx, in.BehindIn, in.Limit, byNumber("-id", func(a *attempt.Attempt) int64 { return a.ID }), func(p store.Page) ([]attempt.Attempt, error) {
		seen, err := number(ctx, p)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p.Sort, "-") {
			return s.bootsBefore(ctx, m.ID, seen, p.Limit)
		}
		return s.bootsAfter(ctx, m.ID, seen, p.Limit)
	})
}

// bootsBefore returns the newest boots before an event, the newest first; 0: before now. A
// boot that begins beyond what is looked at is told as far as it was seen.
func (s *server) bootsBefore(ctx context.Context, machine string, before int64, limit int) (out []attempt.Attempt, err error) {
	if before == 1 {
		return nil, nil
	}
	f := store.EventFilter{Machine: machine, Newest: true, Until: max(0, before-1), Limit: bootStep}
	var events []journal.Event
	for whole := false; !whole && len(out) <= limit && len(events) < bootWindow; {
		page, err := s.Store.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		events = append(events, page...)
		if whole = len(page) < f.Limit; !whole {
			f.Until = oldest(page) - 1
			whole = f.Until == 0
		}
		out = attempt.Of(events, s.Now())
	}
	slices.Reverse(out)
	return out[:min(len(out), limit)], nil
}

func oldest(events []journal.Event) int64 {
	return slices.MinFunc(events, func(a, b journal.Event) int { return int(a.ID - b.ID) }).ID
}

// bootsAfter returns the oldest boots behind the one that begins with an event.
func (s *server) bootsAfter(ctx context.Context, machine string, after int64, limit int) (out []attempt.Attempt, err error) {
	f := store.EventFilter{Machine: machine, After: max(0, after-1), Limit: bootStep}
	var events []journal.Event
	for whole := false; !whole && len(out) <= limit+1 && len(events) < bootWindow; {
		page, err := s.Store.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		events = append(events, page...)
		if whole = len(page) < f.Limit; !whole {
			f.After = page[len(page)-1].ID
		}
		out = attempt.Of(events, s.Now())
	}
	out = slices.DeleteFunc(out, func(a attempt.Attempt) bool { return a.ID <= after })
	return out[:min(len(out), limit)], nil
}

// bootTrouble says what keeps a machine from booting, nil for nothing.
func (s *server) bootTrouble(ctx context.Context, m *inventory.Machine, op *deploy.Operation) (*attempt.Trouble, error) {
	events, err := s.Store.Events(ctx, store.EventFilter{Machine: m.ID, Newest: true, Limit: whyWindow})
	if err != nil {
		return nil, err
	}
	var waits time.Time
	if op != nil && !op.State.Ended() {
		if step := op.Step(); step != nil && step.Name == deploy.StepDHCP {
			waits = step.Started
		}
	}
	return attempt.Diagnose(m, attempt.Of(append(events, s.untold(m, events)...), s.Now()), waits, s.Now()), nil
}

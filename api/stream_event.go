package api

import (
	"context"
	"net/http"
	"slices"

	"rackwright/api/stream"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// streamWindow is how many events a page of a stream looks at.
const streamWindow = 1000

type streamEventsIn struct {
	EventFilterIn
	CursorIn
}

// eventFacts are what filters look at.
type eventFacts struct {
	*journal.Placed
	asked bool // the database picked it for the machine that was asked for
}

// eventSource is the journal.
type eventSource struct{ s *server }

// Last implements stream.Source.
func (e eventSource) Last(ctx context.Context) (int64, error) { return e.s.Store.LastEvent(ctx) }

// Wake implements stream.Source.
func (e eventSource) Wake() (<-chan struct{}, func()) { return e.s.Store.NewEvents() }

// Next implements stream.Source.
func (e eventSource) Next(ctx context.Context, after int64) ([]stream.Entry[eventFacts], int64, error) {
	return e.read(ctx, store.EventFilter{After: after, Limit: streamWindow}, after)
}

// read reads a page; last is where it ends when it is empty.
func (e eventSource) read(ctx context.Context, f store.EventFilter, last int64) ([]stream.Entry[eventFacts], int64, error) {
	events, err := e.s.Store.PlacedEvents(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	out := make([]stream.Entry[eventFacts], 0, len(events))
	for i := range events {
		p := &events[i]
		text, err := message(p.ID, p)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, stream.Entry[eventFacts]{ID: p.ID, Text: text, Facts: eventFacts{p, f.Machine != ""}})
		last = p.ID
	}
	return out, last, nil
}

func (s *server) streamEvents(ctx context.Context, in *streamEventsIn) (func(http.ResponseWriter, *http.Request), error) {
	filter, m, err := s.eventFilter(ctx, in.EventFilterIn)
	if err != nil {
		return nil, err
	}
	scope, id, macs := scopeOf(ctx), "", []inventory.MAC(nil)
	if m != nil {
		id, macs = m.ID, macsOf(m)
	}
	wants := func(e eventFacts) bool {
		own := id == "" || e.asked || e.Machine == id || e.Machine == "" && slices.Contains(macs, e.MAC)
		return own && filter.Match(e.Placed) && (scope.Whole() || scope.Holds(placeOf(e.Place)) || e.asked)
	}
	behind := func(ctx context.Context, after, until int64) ([]stream.Entry[eventFacts], int64, error) {
		f := store.EventFilter{After: after, Until: until, Machine: id, Operation: filter.Operation, Limit: streamWindow}
		list, last, err := eventSource{s}.read(ctx, f, until)
		if err == nil && len(list) < f.Limit {
			last = until // there was no more
		}
		return list, last, err
	}
	return follow(s, s.live.events, stream.Reader[eventFacts]{After: in.cursor(), Wants: wants, Behind: behind}), nil
}

// macsOf are the addresses a machine is seen by before it is known.
func macsOf(m *inventory.Machine) (out []inventory.MAC) {
	for _, n := range m.NICs {
		if !n.MAC.IsZero() {
			out = append(out, n.MAC)
		}
	}
	return out
}

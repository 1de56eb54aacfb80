package api

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"rackwright/api/stream"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// streamStore is what streams ask of the database.
type streamStore interface {
	LastEvent(ctx context.Context) (int64, error)
	// PlacedEvents are oldest first unless the newest are asked for.
	PlacedEvents(ctx context.Context, f store.EventFilter) ([]journal.Placed, error)
	// OperationsTold are those of which events up to until tell, and none after it.
	OperationsTold(ctx context.Context, after, until int64) ([]store.Told, error)
	MachinesTold(ctx context.Context, after, until int64) ([]store.Told, error)
	OperationsOf(ctx context.Context, ids []string) ([]deploy.Operation, error)
	MachinesOf(ctx context.Context, ids []string) ([]inventory.Machine, error)
	Places(ctx context.Context, machines []string) (map[string]journal.Place, error)
	// OpenVersions are those of operations that have not ended, so many at most.
	OpenVersions(ctx context.Context, limit int) (map[string]int64, error)
}

// stateFacts are what filters of operations and machines look at.
type stateFacts struct {
	id, machine, kind string
	version           int64
	place             journal.Place
}

// stateSource is the state of what events tell of. A message has the id of the last event
// that tells of a thing, and its state when that was read: whoever comes back with an id is
// sent, once each, everything of which later events tell.
type stateSource struct {
	s        *server
	states   func(ctx context.Context, after, until int64) ([]stream.Entry[stateFacts], error)
	progress func(ctx context.Context, known map[string]int64) ([]string, error) // what changed without an event; nil: nothing does

	mu     sync.Mutex
	sent   map[string]int64 // versions that are in the ring
	open   map[string]int64 // versions when they were last looked at
	looked time.Time
}

// Last implements stream.Source; a feed begins with it.
func (t *stateSource) Last(ctx context.Context) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent, t.open, t.looked = map[string]int64{}, nil, time.Time{}
	return t.s.Store.LastEvent(ctx)
}

// Wake implements stream.Source.
func (t *stateSource) Wake() (<-chan struct{}, func()) { return t.s.Store.NewEvents() }

// mostSent bounds the versions that are remembered.
const mostSent = 200_000

// Next implements stream.Source.
func (t *stateSource) Next(ctx context.Context, after int64) ([]stream.Entry[stateFacts], int64, error) {
	last, err := t.s.Store.LastEvent(ctx)
	if err != nil {
		return nil, 0, err
	}
	until := max(after, min(last, after+streamWindow))
	list, err := t.states(ctx, after, until)
	if err != nil {
		return nil, 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if until == last && t.progress != nil && time.Since(t.looked) >= time.Second {
		t.looked = time.Now()
		more, err := t.moved(ctx, until)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, more...)
	}
	return slices.DeleteFunc(list, t.known), until, nil
}

// known reports whether a state was sent already: most events of a machine change nothing
// of it.
func (t *stateSource) known(e stream.Entry[stateFacts]) bool {
	if len(t.sent) >= mostSent {
		clear(t.sent)
	}
	was, ok := t.sent[e.Key]
	t.sent[e.Key] = e.Facts.version
	return ok && was == e.Facts.version
}

// moved are the operations that went on without an event.
func (t *stateSource) moved(ctx context.Context, at int64) ([]stream.Entry[stateFacts], error) {
	first := t.open == nil
	if first {
		t.open = map[string]int64{}
	}
	ids, err := t.progress(ctx, t.open)
	if err != nil || first || len(ids) == 0 {
		return nil, err
	}
	return t.s.operationEntries(ctx, ids, func(string) int64 { return at })
}

// mostOpen bounds the open operations whose progress is followed.
const mostOpen = 2000

// progress returns the operations whose version is another than the one known, and notes it.
func (s *server) progress(ctx context.Context, known map[string]int64) (ids []string, err error) {
	now, err := s.Store.OpenVersions(ctx, mostOpen)
	if err != nil {
		return nil, err
	}
	for id, v := range now {
		if was, ok := known[id]; !ok || was != v {
			ids = append(ids, id)
		}
	}
	clear(known)
	for id, v := range now {
		known[id] = v
	}
	return ids, nil
}

// eventOf is by which event each was told of last.
func eventOf(told []store.Told) (ids []string, at func(id string) int64) {
	by := make(map[string]int64, len(told))
	for _, t := range told {
		ids, by[t.ID] = append(ids, t.ID), t.Event
	}
	return ids, func(id string) int64 { return by[id] }
}

func (s *server) operationStates(ctx context.Context, after, until int64) ([]stream.Entry[stateFacts], error) {
	told, err := s.Store.OperationsTold(ctx, after, until)
	if err != nil || len(told) == 0 {
		return nil, err
	}
	ids, at := eventOf(told)
	return s.operationEntries(ctx, ids, at)
}

func (s *server) operationEntries(ctx context.Context, ids []string, at func(string) int64) ([]stream.Entry[stateFacts], error) {
	ops, err := s.Store.OperationsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return entriesOf(ctx, s, ops, func(o *deploy.Operation) (stateFacts, int64, any) {
		return stateFacts{id: o.ID, machine: o.Machine, kind: string(o.Kind), version: o.Version}, at(o.ID), shown(*o)
	})
}

func (s *server) machineStates(ctx context.Context, after, until int64) ([]stream.Entry[stateFacts], error) {
	told, err := s.Store.MachinesTold(ctx, after, until)
	if err != nil || len(told) == 0 {
		return nil, err
	}
	ids, at := eventOf(told)
	list, err := s.Store.MachinesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return entriesOf(ctx, s, list, func(m *inventory.Machine) (stateFacts, int64, any) {
		return stateFacts{id: m.ID, machine: m.ID, version: m.Version}, at(m.ID), m
	})
}

// entriesOf encodes states, in the order of their events.
func entriesOf[T any](ctx context.Context, s *server, list []T, about func(*T) (stateFacts, int64, any)) ([]stream.Entry[stateFacts], error) {
	var machines []string
	for i := range list {
		f, _, _ := about(&list[i])
		machines = append(machines, f.machine)
	}
	places, err := s.Store.Places(ctx, machines)
	if err != nil {
		return nil, err
	}
	out := make([]stream.Entry[stateFacts], 0, len(list))
	for i := range list {
		f, event, v := about(&list[i])
		f.place = places[f.machine]
		text, err := message(event, v)
		if err != nil {
			return nil, err
		}
		out = append(out, stream.Entry[stateFacts]{ID: event, Key: f.id, Text: text, Facts: f})
	}
	slices.SortStableFunc(out, func(a, b stream.Entry[stateFacts]) int { return int(a.ID - b.ID) })
	return out, nil
}

type streamOperationsIn struct {
	Machine   string   `query:"machine" maxLength:"128" doc:"Machine id or name"`
	Operation string   `query:"operation" maxLength:"64" doc:"Operation id"`
	Kinds     []string `query:"kind,explode" maxItems:"20" doc:"Kind of operation; may be repeated"`
	PlaceIn
	CursorIn
}

type streamMachinesIn struct {
	Machine string `query:"machine" maxLength:"128" doc:"Machine id or name"`
	PlaceIn
	CursorIn
}

// stateStreams registers the streams of operations and machines.
func (s *server) stateStreams() {
	const says = " in its present state as JSON in data, and as id that of the event which told of it last"
	streamRoute(s, "/operations/stream", "stream-operations", "operations", "Operations as they change (server-sent events)",
		"Each message has an operation"+says, deploy.Operation{}, func(ctx context.Context, in *streamOperationsIn) (func(http.ResponseWriter, *http.Request), error) {
			return s.streamStates(ctx, s.live.operations, s.operationStates, in.Machine, in.PlaceIn, in.CursorIn, func(f stateFacts) bool {
				return (in.Operation == "" || in.Operation == f.id) && (len(in.Kinds) == 0 || slices.Contains(in.Kinds, f.kind))
			})
		})
	streamRoute(s, "/machines/stream", "stream-machines", "machines", "Machines as they change (server-sent events)",
		"Each message has a machine, without its facts,"+says, inventory.Machine{}, func(ctx context.Context, in *streamMachinesIn) (func(http.ResponseWriter, *http.Request), error) {
			return s.streamStates(ctx, s.live.machines, s.machineStates, in.Machine, in.PlaceIn, in.CursorIn, func(stateFacts) bool { return true })
		})
}

func (s *server) streamStates(ctx context.Context, feed *stream.Feed[stateFacts], states func(context.Context, int64, int64) ([]stream.Entry[stateFacts], error),
	machine string, place PlaceIn, at CursorIn, also func(stateFacts) bool) (func(http.ResponseWriter, *http.Request), error) {
	id := ""
	if machine != "" {
		m, err := s.machine(ctx, machine)
		if err != nil {
			return nil, err
		}
		id = m.ID
	}
	filter, scope := journal.Filter{Racks: place.Racks, Sites: place.Sites, Projects: place.Projects}, scopeOf(ctx)
	wants := func(f stateFacts) bool {
		return (id == "" || id == f.machine) && filter.MatchPlace(f.place) && (scope.Whole() || scope.Holds(placeOf(f.place))) && also(f)
	}
	behind := func(ctx context.Context, after, until int64) ([]stream.Entry[stateFacts], int64, error) {
		until = min(until, after+streamWindow)
		list, err := states(ctx, after, until)
		return list, until, err
	}
	return follow(s, feed, stream.Reader[stateFacts]{After: at.cursor(), Wants: wants, Behind: behind}), nil
}

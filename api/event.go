package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// EventFilterIn picks events. Exported because huma fills only exported embedded structs.
type EventFilterIn struct {
	Machine   string   `query:"machine" maxLength:"128" doc:"Machine id or name"`
	Kinds     []string `query:"kind,explode" maxItems:"50" doc:"Kind of event, or what stands before the dot of several: op.state, dhcp; may be repeated"`
	Operation string   `query:"operation" maxLength:"64" doc:"Operation id"`
	Severity  string   `query:"severity" enum:"info,warning,error" doc:"This or worse"`
	PlaceIn
}

// PlaceIn picks by where a machine stands.
type PlaceIn struct {
	Racks    []string `query:"rack,explode" maxItems:"100" doc:"Name of a rack; may be repeated"`
	Sites    []string `query:"site,explode" maxItems:"100" doc:"Name of a site; may be repeated"`
	Projects []string `query:"project,explode" maxItems:"100" doc:"Name of a project; may be repeated"`
}

type eventsIn struct {
	EventFilterIn
	After  int64 `query:"after" minimum:"0" doc:"Id of the last event already seen"`
	Newest bool  `query:"newest" doc:"The newest so many instead of the next, and then those before them; each page still oldest first"`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"At most so many; a page may have fewer although another follows"`
	BehindIn
}

// CursorIn is where a stream goes on.
type CursorIn struct {
	After  int64 `query:"after" default:"-1" minimum:"-1" doc:"Id of the last message already seen; -1 begins with what happens from now on"`
	LastID int64 `header:"Last-Event-ID" default:"-1" minimum:"-1" doc:"As after, and stronger: browsers send it when they come back"`
}

func (in CursorIn) cursor() int64 {
	if in.LastID >= 0 {
		return in.LastID
	}
	return in.After
}

func (s *server) events() {
	o := op("GET", "/events", "list-events", "Events, oldest first")
	o.Tags = []string{"events"}
	route(s, o, s.listEvents)
	streamRoute(s, "/events/stream", "stream-events", "events", "Events as they happen (server-sent events)",
		"Each message has the event's id as id and the event as JSON in data", journal.Placed{}, s.streamEvents)
}

// eventFilter is what is asked for, and which machine, nil for any.
func (s *server) eventFilter(ctx context.Context, in EventFilterIn) (*journal.Filter, *inventory.Machine, error) {
	if err := knownKinds(ctx, in.Kinds); err != nil {
		return nil, nil, err
	}
	f := &journal.Filter{Kinds: in.Kinds, Racks: in.Racks, Sites: in.Sites, Projects: in.Projects, Operation: in.Operation, Severity: journal.Severity(in.Severity)}
	if in.Machine == "" {
		return f, nil, nil
	}
	m, err := s.machine(ctx, in.Machine)
	return f, m, err
}

// knownKinds is nil when there are events of all kinds that are asked for.
func knownKinds(ctx context.Context, kinds []string) error {
	for _, k := range kinds {
		if !journal.Known(k) {
			return unknownKind(ctx, k)
		}
	}
	return nil
}

// unknownKind says that nothing of a kind ever happens, and what may have been meant.
func unknownKind(ctx context.Context, word string) error {
	words := journal.Families()
	for _, k := range journal.Kinds() {
		if !slices.Contains(words, string(k)) {
			words = append(words, string(k))
		}
	}
	return coded(ctx, "unknown-kind", fmt.Sprintf("there is no kind of event %.70q", word), suggestion(word, words))
}

// listWindow is how many events are looked at for a page of those that a filter picks.
const listWindow = 20_000

func (s *server) listEvents(ctx context.Context, in *eventsIn) (*body[wire.List[journal.Placed]], error) {
	filter, m, err := s.eventFilter(ctx, in.EventFilterIn)
	if err != nil {
		return nil, err
	}
	word, err := in.sorted(ctx, "id")
	if err != nil {
		return nil, err
	}
	after, err := in.after(ctx, 1)
	if err != nil {
		return nil, err
	}
	seen, err := number(ctx, store.Page{After: after})
	if err != nil {
		return nil, err
	}
	w := eventWalk{store: s.Store, newest: in.Newest || word == "-id", seen: seen,
		filter: store.EventFilter{After: in.After, Operation: in.Operation, Limit: in.Limit + 1}}
	if m != nil {
		w.filter.Machine = m.ID
	}
	scope := scopeOf(ctx)
	events, more, err := w.read(ctx, in.Limit, func(e *journal.Placed) bool { return filter.Match(e) && scope.Holds(placeOf(e.Place)) })
	if word != "-id" {
		slices.SortFunc(events, func(a, b journal.Placed) int { return cmp.Compare(a.ID, b.ID) })
	}
	out, err := listOf(events, err)
	if err == nil && more {
		out.Body.Next = tokenOf(ctx, strconv.FormatInt(w.seen, 10))
	}
	return out, err
}

// eventWalk goes through the journal one way.
type eventWalk struct {
	store  Store
	newest bool
	seen   int64 // the last one looked at; 0: none
	filter store.EventFilter
}

// read returns the next events that are wanted, and whether there may be more behind what
// it looked at, which is bounded.
func (w *eventWalk) read(ctx context.Context, limit int, wants func(*journal.Placed) bool) (out []journal.Placed, more bool, err error) {
	f := w.filter
	f.Newest = w.newest
	for looked := 0; looked < listWindow; looked, f.Limit = looked+f.Limit, 1000 {
		switch {
		case w.seen == 0:
		case !w.newest:
			f.After = max(f.After, w.seen)
		case w.seen-1 <= f.After:
			return out, false, nil
		default:
			f.Until = w.seen - 1
		}
		page, err := w.store.PlacedEvents(ctx, f)
		if err != nil {
			return nil, false, err
		}
		for i := range page {
			if wants(&page[i]) {
				if len(out) == limit {
					return out, true, nil
				}
				out = append(out, page[i])
			}
			w.seen = page[i].ID
		}
		if len(page) < f.Limit {
			return out, false, nil
		}
	}
	return out, true, nil
}

func placeOf(p journal.Place) access.Place {
	return access.Place{Site: p.Site, Rack: p.Rack, Project: p.Project}
}

package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"So many at most"`
	Newest bool  `query:"newest" doc:"The newest so many instead of the next; still oldest first"`
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
	for _, k := range in.Kinds {
		if !journal.Known(k) {
			return nil, nil, unknownKind(ctx, k)
		}
	}
	f := &journal.Filter{Kinds: in.Kinds, Racks: in.Racks, Sites: in.Sites, Projects: in.Projects, Operation: in.Operation, Severity: journal.Severity(in.Severity)}
	if in.Machine == "" {
		return f, nil, nil
	}
	m, err := s.machine(ctx, in.Machine)
	return f, m, err
}

// unknownKind says that nothing of a kind ever happens, and what may have been meant.
func unknownKind(ctx context.Context, word string) error {
	words := journal.Families()
	for _, k := range journal.Kinds() {
		words = append(words, string(k))
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
	f, scope := store.EventFilter{After: in.After, Operation: in.Operation, Newest: in.Newest, Limit: in.Limit}, scopeOf(ctx)
	if m != nil {
		f.Machine = m.ID
	}
	wants := func(e *journal.Placed) bool { return filter.Match(e) && scope.Holds(placeOf(e.Place)) }
	out := []journal.Placed{}
	for looked := 0; looked < listWindow && len(out) < in.Limit; {
		page, err := s.Store.PlacedEvents(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if len(out) < in.Limit && wants(&page[i]) {
				out = append(out, page[i])
			}
		}
		if len(page) < f.Limit {
			break
		}
		looked, f.Limit = looked+len(page), 1000
		if last := page[len(page)-1].ID; in.Newest {
			f.Until = last - 1
		} else {
			f.After = last
		}
		if in.Newest && f.Until <= 0 {
			break
		}
	}
	slices.SortFunc(out, func(a, b journal.Placed) int { return cmp.Compare(a.ID, b.ID) })
	return listOf(out, nil)
}

func placeOf(p journal.Place) access.Place {
	return access.Place{Site: p.Site, Rack: p.Rack, Project: p.Project}
}

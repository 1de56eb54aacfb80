package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"rackwright/api/wire"
	"rackwright/journal"
	"rackwright/store"
)

type eventsIn struct {
	After   int64  `query:"after" minimum:"0" doc:"Id of the last event already seen"`
	Machine string `query:"machine" maxLength:"128" doc:"Machine id or name"`
	Limit   int    `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"So many at most"`
	Newest  bool   `query:"newest" doc:"The newest so many instead of the next; still oldest first"`
}

type streamIn struct {
	After   int64  `query:"after" default:"-1" minimum:"-1" doc:"Id of the last event already seen; -1 begins with what happens from now on"`
	Machine string `query:"machine" maxLength:"128" doc:"Machine id or name"`
	LastID  int64  `header:"Last-Event-ID" default:"-1" minimum:"-1" doc:"As after, and stronger: browsers send it when they come back"`
}

func (s *server) events() {
	o := op("GET", "/events", "list-events", "Events, oldest first")
	o.Tags = []string{"events"}
	route(s, o, s.listEvents)
	o = op("GET", "/events/stream", "stream-events", "Events as they happen (server-sent events)")
	o.Tags = []string{"events"}
	o.Responses = map[string]*huma.Response{"200": {
		Description: "Each message has the event's id as id and the event as JSON in data; a comment comes when nothing else did for 15 s",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: s.schema(journal.Event{})}},
	}}
	route(s, o, s.streamEvents)
}

func (s *server) listEvents(ctx context.Context, in *eventsIn) (*body[wire.List[journal.Event]], error) {
	f, err := s.eventFilter(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	f.After, f.Newest, f.Limit = in.After, in.Newest, in.Limit
	events, err := s.Store.Events(ctx, f)
	sortByID(events)
	return listOf(events, err)
}

// sortByID puts events in the order they happened.
func sortByID(events []journal.Event) {
	slices.SortFunc(events, func(a, b journal.Event) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *server) eventFilter(ctx context.Context, machine string) (store.EventFilter, error) {
	if machine == "" {
		return store.EventFilter{}, nil
	}
	m, err := s.Store.Machine(ctx, machine)
	if err != nil {
		return store.EventFilter{}, err
	}
	return store.EventFilter{Machine: m.ID}, nil
}

func (s *server) streamEvents(ctx context.Context, in *streamIn) (*huma.StreamResponse, error) {
	f, err := s.eventFilter(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	switch {
	case in.LastID >= 0:
		f.After = in.LastID
	case in.After >= 0:
		f.After = in.After
	default:
		last, err := s.Store.Events(ctx, store.EventFilter{Newest: true, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(last) > 0 {
			f.After = last[0].ID
		}
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		r, w := humachi.Unwrap(c)
		s.stream(r.Context(), w, f)
	}}, nil
}

// stream sends events from the filter's cursor on until the client is gone. Whoever is
// slow only holds back its own cursor: nothing is queued for it.
func (s *server) stream(ctx context.Context, w http.ResponseWriter, f store.EventFilter) {
	wake, stop := s.Store.NewEvents()
	defer stop()
	poll, beat := time.NewTicker(time.Second), time.NewTicker(s.Heartbeat)
	defer poll.Stop()
	defer beat.Stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := eventWriter{w: w, control: http.NewResponseController(w)}
	err := out.send(fmt.Sprintf("id: %d\n: follows\n\n", f.After)) // the cursor, for who comes back before the first event
	for err == nil {
		if err = s.sendNew(ctx, &out, &f); err != nil {
			return
		}
		select {
		case <-wake:
		case <-poll.C:
		case <-beat.C:
			err = out.send(": still here\n\n")
		case <-ctx.Done():
			return
		}
	}
}

// sendNew sends everything behind the cursor.
func (s *server) sendNew(ctx context.Context, out *eventWriter, f *store.EventFilter) error {
	for {
		f.Limit = 200
		events, err := s.Store.Events(ctx, *f)
		if err != nil {
			if ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "event stream", "request_id", callOf(ctx).id, "error", err)
			}
			return err
		}
		sortByID(events)
		for _, e := range events {
			if err := out.event(e); err != nil {
				return err
			}
			f.After = e.ID
		}
		if len(events) < f.Limit {
			return nil
		}
	}
}

// eventWriter writes the event stream format (WHATWG HTML, section 9.2.6).
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// writeLimit is how long a client may leave its window full.
const writeLimit = 10 * time.Second

func (o *eventWriter) event(e journal.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return o.send(fmt.Sprintf("id: %d\ndata: %s\n\n", e.ID, data))
}

// send writes one message with a deadline of its own.
func (o *eventWriter) send(message string) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(writeLimit)) // not every transport has one
	if _, err := o.w.Write([]byte(message)); err != nil {
		return err
	}
	return o.control.Flush()
}

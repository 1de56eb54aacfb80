package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Limits of a stream.
const (
	maxLine     = 1 << 20          // bytes of one line
	maxMessage  = 4 << 20          // bytes of one message
	maxSilence  = 45 * time.Second // three heartbeats
	maxAttempts = 10               // connections in a row that brought nothing
)

// StreamQuery picks from a stream; empty fields pick all.
type StreamQuery struct {
	After     int64  // id of the last message seen; -1: what happens from now on
	Machine   string // id or name
	Racks     []string
	Sites     []string
	Projects  []string
	Kinds     []string // of events, or of operations
	Operation string   // id
	Severity  string   // of events: info, warning, error; or worse
}

func (q *StreamQuery) values() url.Values {
	v := query("machine", q.Machine, "operation", q.Operation, "severity", q.Severity)
	for name, list := range map[string][]string{"rack": q.Racks, "site": q.Sites, "project": q.Projects, "kind": q.Kinds} {
		for _, one := range list {
			v.Add(name, one)
		}
	}
	return v
}

// Watch calls each with every event that the query picks. A broken connection is taken up
// again behind the last event seen. It returns when ctx ends (nil), when each returns an
// error, when the server refuses, or when it cannot be reached ten times in a row.
func (c *Client) Watch(ctx context.Context, q StreamQuery, each func(journal.Event) error) error {
	return follow(ctx, c, "/events/stream", q, each)
}

// WatchOperations is Watch with operations, each in its state at the time; who comes back
// after a while is told each state once.
func (c *Client) WatchOperations(ctx context.Context, q StreamQuery, each func(deploy.Operation) error) error {
	return follow(ctx, c, "/operations/stream", q, each)
}

// WatchMachines is Watch with machines, without their facts, each in its state at the time.
func (c *Client) WatchMachines(ctx context.Context, q StreamQuery, each func(inventory.Machine) error) error {
	return follow(ctx, c, "/machines/stream", q, each)
}

// NewestEvents returns the newest so many events that a query picks, oldest first.
func (c *Client) NewestEvents(ctx context.Context, q StreamQuery, limit int) ([]journal.Event, error) {
	v := q.values()
	v.Set("newest", "true")
	return events(ctx, c, limit, v)
}

// LastEvent returns the id of the last event there is: what streams tell behind it happened
// after this call.
func (c *Client) LastEvent(ctx context.Context) (int64, error) {
	events, err := c.NewestEvents(ctx, StreamQuery{}, 1)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[0].ID, nil
}

func follow[T any](ctx context.Context, c *Client, path string, q StreamQuery, each func(T) error) error {
	w := watch[T]{c: c, path: path, last: q.After, query: q.values(), each: each}
	for attempt := 1; ; attempt++ {
		seen := w.heard
		err := w.connect(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case w.stop != nil:
			return w.stop
		case !fault.Is(err, fault.Unreachable):
			return err
		case w.heard > seen:
			attempt = 1
		case attempt >= maxAttempts:
			return err
		}
		if c.pause(ctx, attempt) != nil {
			return nil
		}
	}
}

// backOff waits 200 ms, then twice as long each time, up to 5 s.
func backOff(ctx context.Context, attempt int) error {
	t := time.NewTimer(min(200*time.Millisecond<<min(attempt-1, 10), 5*time.Second))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch is one call of Watch over all its connections.
type watch[T any] struct {
	c     *Client
	path  string
	query url.Values
	last  int64 // id of the last message seen
	each  func(T) error
	heard int   // messages and comments so far
	stop  error // what each returned
}

// connect follows one connection to its end, which is always an error.
func (w *watch[T]) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := w.c.request(ctx, http.MethodGet, w.path, w.query, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if w.last >= 0 {
		r.Header.Set("Last-Event-ID", strconv.FormatInt(w.last, 10))
	}
	silence := time.AfterFunc(maxSilence, cancel)
	defer silence.Stop()
	answer, err := w.c.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	err = readStream(answer.Body, func(m message) error {
		silence.Reset(maxSilence)
		w.heard++
		return w.take(m)
	})
	return fault.New(fault.Unreachable, "the event stream of %s broke off: %w", w.c.server, err)
}

// take hands an event on and moves the cursor. A message without data only moves it.
func (w *watch[T]) take(m message) error {
	if m.data != "" {
		var e T
		if err := json.Unmarshal([]byte(m.data), &e); err != nil {
			w.stop = fault.Internalf("read message: %w", err)
			return w.stop
		}
		if w.stop = w.each(e); w.stop != nil {
			return w.stop
		}
	}
	if id, err := strconv.ParseInt(m.id, 10, 64); err == nil && id >= 0 {
		w.last = id
	}
	return nil
}

// message is one message of an event stream; a comment has no data.
type message struct{ id, data string }

// readStream reads the event stream format (WHATWG HTML, section 9.2.6), as far as the
// server uses it, until the end of r or until take fails. The end is io.ErrUnexpectedEOF.
func readStream(r io.Reader, take func(message) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	var m message
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			m.id = value
		case "data":
			m.data = strings.TrimPrefix(m.data+"\n"+value, "\n")
		}
		if len(m.data) > maxMessage {
			return errors.New("a message is too long")
		}
		if lines.Text() == "" {
			if err := take(m); err != nil {
				return err
			}
			m = message{}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

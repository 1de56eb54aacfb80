package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"rackwright/fault"
	"rackwright/journal"
)

// flaky sends one event a connection and breaks it off; it keeps the cursors it was
// asked for.
func flaky(t *testing.T, status func(connection int32) int) (*Client, *[]string) {
	t.Helper()
	var connections atomic.Int32
	cursors := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := connections.Add(1)
		if s := status(n); s != 200 {
			w.WriteHeader(s)
			return
		}
		*cursors = append(*cursors, r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, ": hello\n\nid: %d\ndata: {\"id\":%d,\"summary\":\"event %d\"}\n\nid: 99\ndata: {\"id\":99", n, n, n)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	c.pause = func(ctx context.Context, _ int) error { return ctx.Err() }
	return c, cursors
}

func TestABrokenStreamIsTakenUpBehindTheLastEventSeen(t *testing.T) {
	c, cursors := flaky(t, func(n int32) int {
		if n == 2 {
			return 503
		}
		return 200
	})
	enough := errors.New("enough")
	var got []string
	err := c.Watch(t.Context(), StreamQuery{After: -1}, func(e journal.Event) error {
		if got = append(got, e.Summary); len(got) == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || strings.Join(got, ", ") != "event 1, event 3, event 4" {
		t.Errorf("%v: %v", got, err)
	}
	if strings.Join(*cursors, ",") != ",1,3" {
		t.Errorf("cursors %v", *cursors)
	}
}

func TestAStreamIsGivenUpWhenRefusedOrAwayForLong(t *testing.T) {
	c, _ := flaky(t, func(int32) int { return 404 })
	if err := c.Watch(t.Context(), StreamQuery{After: 0, Machine: "m9"}, nil); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	asked := 0
	c, _ = flaky(t, func(int32) int { asked++; return 503 })
	if err := c.Watch(t.Context(), StreamQuery{After: 0}, nil); !fault.Is(err, fault.Unreachable) || asked != maxAttempts {
		t.Errorf("%v after %d", err, asked)
	}
	ctx, stop := context.WithCancel(t.Context())
	c, _ = flaky(t, func(int32) int { stop(); return 503 })
	if err := c.Watch(ctx, StreamQuery{After: 0}, nil); err != nil {
		t.Errorf("ended by who asked: %v", err)
	}
}

func FuzzReadStream(f *testing.F) {
	f.Add("id: 1\ndata: {}\n\n")
	f.Add(": comment\n\nid: 4\n: x\n\ndata: a\ndata: b\n\n")
	f.Add("data\n\ndata:\n\nid\n\nevent: x\nretry: 9\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		blocks := 0
		err := readStream(strings.NewReader(text), func(m message) error {
			if blocks++; strings.Contains(m.id, "\n") {
				t.Error("an id over two lines")
			}
			return nil
		})
		if err == nil || blocks > strings.Count(text, "\n")+1 {
			t.Errorf("%d messages, %v", blocks, err)
		}
	})
}

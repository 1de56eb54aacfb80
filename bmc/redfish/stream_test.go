package redfish

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

// streaming is a mock whose stream is f, outside of the mock's lock.
func streaming(t *testing.T, f http.HandlerFunc) *mock {
	m := newMock(t, "openbmc")
	withEvents(m, nil)
	inner := m.Config.Handler
	m.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != ssePath {
			inner.ServeHTTP(w, r)
			return
		}
		m.mu.Lock()
		known := m.knows(r)
		m.mu.Unlock()
		if !known {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		f(w, r)
	})
	return m
}

func tell(w http.ResponseWriter, text string) {
	_, _ = fmt.Fprint(w, text)
	_ = http.NewResponseController(w).Flush()
}

const oneEvent = "id: 1\ndata: {\"Events\":[{\"EventId\":\"%d\",\"Message\":\"it has " + mockPassword + "\"}]}\n\n"

func TestAStreamTellsEventsWhileOtherRequestsPassAndEndsWithItsContext(t *testing.T) {
	m := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		tell(w, ": hello\n\ndata: garbage\n\n"+fmt.Sprintf(oneEvent, 1))
		<-r.Context().Done()
	})
	c := open(t, m, &Dialer{Timing: quick()})
	ctx, cancel := context.WithCancel(t.Context())
	var got []bmc.Entry
	err := c.Stream(ctx, func(e bmc.Entry) {
		got = append(got, e)
		if _, err := c.Power(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	})
	if err != nil || len(got) != 1 || got[0].ID != "1" || got[0].Message != "it has (hidden)" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAStreamThatBreaksOffIsUnreachable(t *testing.T) {
	m := streaming(t, func(w http.ResponseWriter, _ *http.Request) { tell(w, fmt.Sprintf(oneEvent, 1)+"data: half") })
	c := open(t, m, &Dialer{Timing: quick()})
	n := 0
	err := c.Stream(t.Context(), func(bmc.Entry) { n++ })
	if want(t, err, fault.Unreachable); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestAStreamOfGarbageEnds(t *testing.T) {
	for name, garbage := range map[string]string{
		"no events":     strings.Repeat("data: {\"a\":1}\n\n", 200),
		"one long line": "data: " + strings.Repeat("x", 2*maxEvent),
	} {
		m := streaming(t, func(w http.ResponseWriter, r *http.Request) {
			tell(w, garbage)
			<-r.Context().Done()
		})
		c := open(t, m, &Dialer{Timing: quick()})
		err := c.Stream(t.Context(), func(bmc.Entry) { t.Error("an event") })
		if err == nil || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStreamThatIsAPageIsToldSo(t *testing.T) {
	m := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		tell(w, "<html>")
	})
	want(t, open(t, m, &Dialer{Timing: quick()}).Stream(t.Context(), nil), fault.Conflict, "text/html")
	m = streaming(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	want(t, open(t, m, &Dialer{Timing: quick()}).Stream(t.Context(), nil), fault.Unreachable, "503")
}

func TestAStreamLogsInAgainAndEndsWithItsSession(t *testing.T) {
	m := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		tell(w, fmt.Sprintf(oneEvent, 1))
		<-r.Context().Done()
	})
	c := open(t, m, &Dialer{Timing: quick()})
	service := eventsPath
	m.with(func() {
		m.fault = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == service { // the session ends right before the stream is asked for
				defer clear(m.tokens)
				if !m.knows(r) {
					return false
				}
				service = ""
			}
			return false
		}
	})
	told := make(chan bmc.Entry, 1)
	ended := make(chan error, 1)
	go func() { ended <- c.Stream(t.Context(), func(e bmc.Entry) { told <- e }) }()
	<-told
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, <-ended, fault.Unreachable)
}

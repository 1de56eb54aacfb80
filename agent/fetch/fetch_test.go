package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"rackwright/fault"
	"rackwright/images"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a source that behaves as it is told.
type shelf struct {
	mu    sync.Mutex
	asked int
	how   func(asked int) error // nil: gives the chunk
	lies  bool
	clock *clock
	takes time.Duration // of the clock, for a chunk
}

func (s *shelf) Get(ctx context.Context, blob string, frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.how != nil {
		if err := s.how(s.asked); err != nil {
			return err
		}
	}
	if s.clock != nil {
		s.clock.add(s.takes)
	}
	copy(frame, content(len(frame)))
	if s.lies {
		frame[len(frame)/2] ^= 1
	}
	return ctx.Err()
}

// clock stands still unless it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }
func (c *clock) read() time.Time     { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

// content is the only chunk there is, of n bytes.
func content(n int) []byte { return bytes.Repeat([]byte{'c'}, n) }

func chunk(n int) images.Chunk {
	sum := sha256.Sum256(content(n))
	return images.Chunk{Blob: hex.EncodeToString(sum[:]), Packed: int64(n)}
}

// fetches gets a chunk of 1 MiB so many times.
func fetches(t testing.TB, p *Pool, times int) {
	t.Helper()
	for range times {
		frame := make([]byte, 1<<20)
		if err := p.Fetch(t.Context(), chunk(len(frame)), frame); err != nil {
			t.Fatal(err)
		}
	}
}

// patience ends after so many failures.
func patience(n int) func(context.Context, int) error {
	return func(ctx context.Context, failures int) error {
		if failures > n {
			return errors.New("patience is spent")
		}
		return ctx.Err()
	}
}

var errDown = fault.Unreachablef("connection refused")

func TestTheNearestSourceServesWhenItIsNotMuchSlower(t *testing.T) {
	c := &clock{}
	near, far := &shelf{clock: c, takes: 15 * time.Millisecond}, &shelf{clock: c, takes: 10 * time.Millisecond}
	p := New([]Source{near, far}, patience(0), c.read)
	fetches(t, p, 50)
	if far.asked != 1 || near.asked != 49 {
		t.Errorf("near was asked %d times, far %d", near.asked, far.asked)
	}
}

func TestASourceThatIsMuchSlowerIsAskedSeldom(t *testing.T) {
	c := &clock{}
	near, far := &shelf{clock: c, takes: 100 * time.Millisecond}, &shelf{clock: c, takes: 10 * time.Millisecond}
	p := New([]Source{near, far}, patience(0), c.read)
	fetches(t, p, 200)
	if near.asked > 20 || near.asked < 2 {
		t.Errorf("near was asked %d times of 200", near.asked)
	}
}

func TestASourceThatFailsRestsAndIsAskedAgain(t *testing.T) {
	c := &clock{}
	near := &shelf{how: func(asked int) error {
		if asked <= 3 {
			return errDown
		}
		return nil
	}}
	last := &shelf{}
	p := New([]Source{near, last}, patience(0), c.read)
	fetches(t, p, 5)
	if near.asked != 1 || last.asked != 5 {
		t.Errorf("near was asked %d times, the server %d", near.asked, last.asked)
	}
	for range 4 {
		c.add(longestRest)
		fetches(t, p, 20)
	}
	if near.asked < 20 {
		t.Errorf("the source that came back was asked %d times of 80", near.asked)
	}
}

func TestASourceThatLiesIsNeverAskedAgain(t *testing.T) {
	c := &clock{}
	liar, last := &shelf{lies: true}, &shelf{}
	p := New([]Source{liar, last}, patience(0), c.read)
	fetches(t, p, 3)
	c.add(time.Hour)
	fetches(t, p, 3)
	if liar.asked != 1 || last.asked != 6 {
		t.Errorf("the liar was asked %d times, the server %d", liar.asked, last.asked)
	}
}

func TestASourceThatLacksAChunkIsStillAsked(t *testing.T) {
	c := &clock{}
	near, last := &shelf{how: func(int) error { return fault.NotFoundf("no such chunk") }}, &shelf{}
	fetches(t, New([]Source{near, last}, patience(0), c.read), 4)
	if near.asked < 3 || last.asked != 4 {
		t.Errorf("near was asked %d times, the server %d", near.asked, last.asked)
	}
}

func TestASourceThatDripsIsLeftForTheNext(t *testing.T) {
	drip := dripping{}
	last := &shelf{}
	p := New([]Source{drip, last}, patience(0), time.Now)
	p.grace = time.Millisecond
	frame := make([]byte, 64)
	if err := p.Fetch(t.Context(), chunk(len(frame)), frame); err != nil || last.asked != 1 {
		t.Errorf("%v; the server was asked %d times", err, last.asked)
	}
}

// dripping never ends an answer.
type dripping struct{}

func (dripping) Get(ctx context.Context, _ string, _ []byte) error {
	<-ctx.Done()
	return fault.Unreachablef("%w", ctx.Err())
}

func TestWhatEndsPatience(t *testing.T) {
	down := func(int) error { return errDown }
	for _, c := range []struct {
		name    string
		sources []Source
		want    fault.Kind
	}{
		{"every source is dead", []Source{&shelf{how: down}, &shelf{how: down}}, fault.Unreachable},
		{"every source lies", []Source{&shelf{lies: true}, &shelf{lies: true}}, fault.Conflict},
		{"the server has it not", []Source{&shelf{how: down}, &shelf{how: func(int) error { return fault.NotFoundf("gone") }}}, fault.NotFound},
		{"the session is over", []Source{&shelf{how: func(int) error { return fault.Deniedf("who are you") }}}, fault.Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := New(c.sources, patience(3), time.Now).Fetch(t.Context(), chunk(100), make([]byte, 100))
			if !fault.Is(err, c.want) {
				t.Errorf("%v, want kind %v", err, c.want)
			}
		})
	}
}

func TestAServerThatWasAwayIsWaitedFor(t *testing.T) {
	last := &shelf{how: func(asked int) error {
		if asked < 5 {
			return errDown
		}
		return nil
	}}
	fetches(t, New([]Source{last}, patience(5), time.Now), 1)
}

func TestACancelledFetchEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New([]Source{dripping{}}, patience(9), time.Now).Fetch(ctx, chunk(10), make([]byte, 10)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhateverNearSourcesDoTheChunkArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{}
		var list []Source
		for range rapid.IntRange(0, 4).Draw(t, "near sources") {
			fails := rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(t, "fails")
			list = append(list, &shelf{clock: c, takes: time.Duration(rapid.IntRange(0, 1e9).Draw(t, "takes")), lies: rapid.Bool().Draw(t, "lies"),
				how: func(asked int) error {
					if fails[asked%8] {
						return errDown
					}
					return nil
				}})
		}
		last := &shelf{clock: c}
		p := New(append(list, last), patience(0), c.read)
		for i := range 20 {
			frame := make([]byte, 100)
			if err := p.Fetch(t.Context(), chunk(100), frame); err != nil || !bytes.Equal(frame, content(100)) {
				t.Fatal(err)
			}
			c.add(time.Duration(rapid.IntRange(0, 100).Draw(t, fmt.Sprint("pause ", i))) * time.Second)
		}
	})
}

func TestPlainSourcesOverTheWire(t *testing.T) {
	body := content(300 << 10)
	answers := map[string]func(w http.ResponseWriter){
		"whole":   func(w http.ResponseWriter) { _, _ = w.Write(body) },
		"missing": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"expired": func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) },
		"moved":   func(w http.ResponseWriter) { w.Header().Set("Location", "/whole"); w.WriteHeader(http.StatusFound) },
		"short":   func(w http.ResponseWriter) { _, _ = w.Write(body[1:]) },
		"long":    func(w http.ResponseWriter) { w.(http.Flusher).Flush(); _, _ = w.Write(append(body, 'x')) },
		"cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:len(body)/2])
			panic(http.ErrAbortHandler)
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answers[r.URL.Path[len("/chunks/"):]](w)
	}))
	defer s.Close()
	h := HTTP{URL: s.URL + "/chunks/", Ticket: "secret", Client: Plain()}
	defer h.Client.CloseIdleConnections()
	for name, want := range map[string]fault.Kind{"missing": fault.NotFound, "expired": fault.Unreachable, "moved": fault.Unreachable,
		"short": fault.Unreachable, "long": fault.Unreachable, "cut": fault.Unreachable} {
		if err := h.Get(t.Context(), name, make([]byte, len(body))); !fault.Is(err, want) {
			t.Errorf("%s: %v, want kind %v", name, err, want)
		}
	}
	got := make([]byte, len(body))
	if err := h.Get(t.Context(), "whole", got); err != nil || !bytes.Equal(got, body) {
		t.Error(err)
	}
	if h.Ticket = ""; fault.KindOf(h.Get(t.Context(), "whole", got)) != fault.Unreachable {
		t.Error("without a ticket")
	}
}

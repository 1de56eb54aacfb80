package run

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
	"rackwright/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a store with a clock, and a task on it.
type bench struct {
	*testing.T
	db   *store.DB
	path string
	mu   sync.Mutex
	at   time.Time
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) turn(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), path: filepath.Join(t.TempDir(), "rackwright.db")}
	db, err := store.Open(t.Context(), store.Options{DSN: b.path, Sealer: storetest.NewSealer("key"), Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	b.db = db
	t.Cleanup(func() { db.Close() })
	return b
}

// task starts a task and returns what ends it.
func (b *bench) task(owner string, change func(*Task)) func() {
	t := &Task{Store: b.db, Log: slog.New(slog.DiscardHandler), Now: b.now, Owner: owner, Allow: webhook.Allow{Loopback: true}, Poll: 5 * time.Millisecond,
		Chance: func() float64 { return 0.5 }}
	if change != nil {
		change(t)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = t.Run(ctx)
	}()
	end := func() { cancel(); <-done }
	b.Cleanup(end)
	return end
}

func (b *bench) hook(name, url string, f journal.Filter) (*webhook.Webhook, string) {
	b.Helper()
	w, secret := &webhook.Webhook{Name: name, URL: url, Filter: f}, webhook.NewSecret()
	if err := b.db.CreateWebhook(b.Context(), w, secret, "ann"); err != nil {
		b.Fatal(err)
	}
	return w, secret
}

func (b *bench) happen(kind journal.Kind, summaries ...string) {
	b.Helper()
	var events []journal.Event
	for _, s := range summaries {
		events = append(events, journal.Event{Kind: kind, Summary: s})
	}
	if err := b.db.AppendEvents(b.Context(), events); err != nil {
		b.Fatal(err)
	}
}

// until waits for a condition that comes by itself.
func (b *bench) until(what string, done func() bool) {
	b.Helper()
	over, tick := time.After(20*time.Second), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-over:
			b.Fatalf("%s: it never came", what)
		}
	}
}

func (b *bench) deliveries(name, state string) []webhook.Delivery {
	b.Helper()
	list, err := b.db.Deliveries(b.Context(), name, store.DeliveryFilter{State: state, Page: store.Page{Limit: 1000}})
	if err != nil {
		b.Fatal(err)
	}
	return list
}

// receiver takes deliveries as a real one does, and answers what it is told to.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	got    []string // summaries of what was signed right
	ids    []string
	wrong  int
	answer func(n int, w http.ResponseWriter, r *http.Request) int
}

func newReceiver(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request) int) *receiver {
	rec := &receiver{answer: answer}
	n := 0
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		rec.mu.Lock()
		n++
		nth := n
		at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
		if s := r.Header.Get(webhook.HeaderTimestamp); s != "" {
			at = time.Unix(atoi(s), 0)
		}
		secret := rec.secret
		rec.mu.Unlock()
		status := http.StatusNoContent
		if rec.answer != nil {
			status = rec.answer(nth, w, r)
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		var p webhook.Payload
		if webhook.Verify(secret, r.Header, body, at) != nil || json.Unmarshal(body, &p) != nil {
			rec.wrong++
		} else if status/100 == 2 {
			rec.got, rec.ids = append(rec.got, p.Data.Summary), append(rec.ids, r.Header.Get(webhook.HeaderID))
		}
		if status != 0 {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(rec.Close)
	return rec
}

func atoi(s string) (n int64) {
	_ = json.Unmarshal([]byte(s), &n)
	return n
}

func (r *receiver) seen() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.got, ",")
}

func (r *receiver) knows(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secret = secret
}

package record_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"rackwright/journal"
	"rackwright/journal/record"
)

// book keeps events in memory; while closed it keeps none.
type book struct {
	mu     sync.Mutex
	events []journal.Event
	closed bool
	more   chan struct{}
}

func (b *book) AppendEvents(_ context.Context, events []journal.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	if b.closed {
		return errors.New("closed")
	}
	b.events = append(b.events, events...)
	return nil
}

func (b *book) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = false
}

func (b *book) summaries() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		out = append(out, e.Summary)
	}
	return out
}

func start(t *testing.T, b *book) (w *record.Writer, stop func()) {
	t.Helper()
	b.more = make(chan struct{}, 1)
	w = record.New(b, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return w, stop
}

func TestWhatWasRecordedIsWrittenInOrderBeforeTheEnd(t *testing.T) {
	b := &book{}
	w, stop := start(t, b)
	for i := range 1200 {
		w.Record(journal.Event{Summary: fmt.Sprint(i)})
	}
	stop()
	got := b.summaries()
	if len(got) != 1200 || got[0] != "0" || got[1199] != "1199" {
		t.Errorf("%d events, first %v", len(got), got[:min(len(got), 3)])
	}
}

func TestEventsThatCouldNotBeKeptAreCountedAloud(t *testing.T) {
	b := &book{closed: true}
	w, stop := start(t, b)
	w.Record(journal.Event{Summary: "lost"})
	<-b.more
	b.open()
	stop()
	if got := b.summaries(); len(got) != 1 || got[0] != "1 events were lost: the journal could not keep up" {
		t.Errorf("events %q", got)
	}
}

func TestRecordNeverWaits(t *testing.T) {
	w := record.New(&book{}, slog.New(slog.DiscardHandler), time.Now) // nobody runs it
	for range 100_000 {
		w.Record(journal.Event{})
	}
}

// Package record writes the journal: it takes events without making anyone wait and
// appends them to the store in batches. It decides nothing about them.
package record

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"rackwright/journal"
)

// Appender keeps events.
type Appender interface {
	AppendEvents(ctx context.Context, events []journal.Event) error
}

// Bounds of what is kept in memory and how long an event may wait there.
const (
	queue    = 16384
	batch    = 256  // in one transaction: others want to write, and wait for it
	behind   = 4096 // from so many on that wait a transaction
	bigBatch = 4000 // has more: where many write, the journal has its turn once in a while
	flushing = 50 * time.Millisecond
	lastWord = 3 * time.Second // to write what is left when the server stops
)

// Writer is a journal.Recorder and the task behind it.
type Writer struct {
	to    Appender
	log   *slog.Logger
	in    chan journal.Event
	lost  atomic.Int64
	clock func() time.Time
}

// New makes a Writer; its Run must be started for anything to be kept.
func New(to Appender, log *slog.Logger, now func() time.Time) *Writer {
	return &Writer{to: to, log: log, in: make(chan journal.Event, queue), clock: now}
}

// Record implements journal.Recorder. When the queue is full the event is lost, counted,
// and the count is said in the journal later.
func (w *Writer) Record(e journal.Event) {
	if e.At.IsZero() {
		e.At = w.clock()
	}
	select {
	case w.in <- e:
	default:
		w.lost.Add(1)
	}
}

// String names the task.
func (w *Writer) String() string { return "journal" }

// Run appends until ctx ends, then writes what is left.
func (w *Writer) Run(ctx context.Context) error {
	tick := time.NewTicker(flushing)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
			defer cancel()
			w.flush(last)
			return nil
		case <-tick.C:
			w.flush(ctx)
		}
	}
}

// flush appends all that is queued.
func (w *Writer) flush(ctx context.Context) {
	for {
		events := w.take()
		if len(events) == 0 {
			return
		}
		if err := w.to.AppendEvents(ctx, events); err != nil {
			w.lost.Add(int64(len(events)))
			w.log.Warn("events not kept", "events", len(events), "error", err)
			return
		}
	}
}

func (w *Writer) take() []journal.Event {
	var out []journal.Event
	if n := w.lost.Swap(0); n > 0 {
		out = append(out, journal.Event{At: w.clock(), Kind: journal.ServerEvent, Actor: "server",
			Summary: fmt.Sprintf("%d events were lost: the journal could not keep up", n)})
	}
	most := batch
	if len(w.in) > behind {
		most = bigBatch
	}
	for len(out) < most {
		select {
		case e := <-w.in:
			out = append(out, e)
		default:
			return out
		}
	}
	return out
}

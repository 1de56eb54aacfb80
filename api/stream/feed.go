// Package stream hands what happens to many readers at once, as server-sent events: what is
// new is read and encoded once for all of them. It knows no noun and no database.
package stream

import (
	"context"
	"sync"
	"time"

	"rackwright/fault"
)

// Entry is one message of a feed, encoded once for all readers.
type Entry[F any] struct {
	ID    int64  // the cursor of a reader that has it
	Key   string // of the thing whose state it is: of several, a reader that is late gets the last
	Text  []byte // as it goes over the wire
	Facts F      // what filters look at
}

// Source is where the messages of a feed come from.
type Source[F any] interface {
	// Last is the id behind which a feed that begins now goes on.
	Last(ctx context.Context) (int64, error)
	// Next returns what came behind an id, and up to which id that is all there was.
	Next(ctx context.Context, after int64) (entries []Entry[F], last int64, err error)
	// Wake signals that there may be more; a signal may be missed. The function ends it.
	Wake() (<-chan struct{}, func())
}

// Bounds of a feed.
const (
	mostReaders  = 20_000
	mostEntries  = 4096
	mostBytes    = 16 << 20
	warm         = 500                   // ids before the last that a feed begins with: readers come back after a restart
	gather       = 20 * time.Millisecond // between two readings: what comes in a burst is sent together
	poll         = time.Second           // between looks when nothing woke it
	readLimit    = 10 * time.Second      // for one look
	longest      = 15 * time.Minute      // a reader stays connected; then it comes back and is asked anew who it is
	behindAtOnce = 4                     // readers that read from the database at a time
)

// Options are the world of a feed.
type Options[F any] struct {
	Source Source[F]
	Beat   time.Duration // between words to readers for whom there is nothing else
	Failed func(error)   // is told of a look that failed; it is tried again
}

// Feed hands entries to its readers. It reads only while there are any.
type Feed[F any] struct {
	o     Options[F]
	late  chan struct{} // held while reading what is older than the ring
	start sync.Mutex    // held while the first reader waits for the first look

	mu      sync.Mutex
	readers int
	ring    *ring[F]
	stop    func()
}

// New makes a feed.
func New[F any](o Options[F]) *Feed[F] {
	return &Feed[F]{o: o, late: make(chan struct{}, behindAtOnce)}
}

// join returns the ring, which a goroutine fills from now on.
func (f *Feed[F]) join(ctx context.Context) (*ring[F], error) {
	f.start.Lock()
	defer f.start.Unlock()
	f.mu.Lock()
	if f.readers >= mostReaders {
		f.mu.Unlock()
		return nil, fault.Unreachablef("%d streams are open on this server", mostReaders).WithHint("come back later, or ask another server on the same database")
	}
	if f.ring != nil {
		defer f.mu.Unlock()
		f.readers++
		return f.ring, nil
	}
	f.mu.Unlock()
	r, err := f.begin(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	run, cancel := context.WithCancel(context.Background())
	f.ring, f.stop, f.readers = r, cancel, 1
	go f.fill(run, r)
	return r, nil
}

// begin makes a ring that holds the last few entries.
func (f *Feed[F]) begin(ctx context.Context) (*ring[F], error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	last, err := f.o.Source.Last(ctx)
	if err != nil {
		return nil, err
	}
	r := &ring[F]{floor: max(0, last-warm), tail: max(0, last-warm), next: make(chan struct{})}
	for r.tail < last {
		entries, upTo, err := f.o.Source.Next(ctx, r.tail)
		if err != nil {
			return nil, err
		}
		if upTo <= r.tail {
			break
		}
		r.add(entries, upTo)
	}
	return r, nil
}

// leave gives the ring back; with the last reader it goes.
func (f *Feed[F]) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers--; f.readers == 0 {
		f.stop()
		f.ring, f.stop = nil, nil
	}
}

// Readers is how many there are.
func (f *Feed[F]) Readers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readers
}

// fill reads what is new into a ring until ctx ends. There is one ticker for the heartbeats
// of all readers.
func (f *Feed[F]) fill(ctx context.Context, r *ring[F]) {
	wake, stop := f.o.Source.Wake()
	defer stop()
	look, beat := time.NewTicker(poll), time.NewTicker(f.o.Beat)
	defer look.Stop()
	defer beat.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		if more := f.look(ctx, r); !more {
			select {
			case <-wake:
			case <-look.C:
			case <-beat.C:
				r.beat()
			case <-ctx.Done():
				return
			}
		}
		pause.Reset(gather)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		select { // also when it never stops
		case <-beat.C:
			r.beat()
		default:
		}
	}
}

// look reads once, and reports whether there may be more.
func (f *Feed[F]) look(ctx context.Context, r *ring[F]) bool {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	was := r.last()
	entries, upTo, err := f.o.Source.Next(ctx, was)
	if err != nil {
		if ctx.Err() == nil {
			f.o.Failed(err)
		}
		return false
	}
	r.add(entries, upTo)
	return upTo > was
}

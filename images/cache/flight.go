package cache

import (
	"context"
	"os"
	"sync"

	"rackwright/fault"
)

// flight is a chunk that is on its way. Who waits for it reads it from its file as far as
// it has come, but for the last byte, which waits for the proof: nobody is ever given a
// whole chunk that is wrong.
type flight struct {
	begun chan struct{} // closed when there is a file, or an error

	mu    sync.Mutex
	path  string
	size  int64
	have  int64
	whole bool
	err   error
	step  chan struct{} // closed when any of these changes
	once  sync.Once
}

func newFlight(path string) *flight {
	return &flight{path: path, begun: make(chan struct{}), step: make(chan struct{})}
}

// landed is a flight that is over: look at what is kept.
func landed() *flight {
	f := newFlight("")
	f.whole = true
	close(f.begun)
	return f
}

// Size is of the whole chunk.
func (f *flight) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Grown waits until more than have bytes may be read and says how many.
func (f *flight) Grown(ctx context.Context, have int64) (int64, error) {
	for {
		f.mu.Lock()
		ready, err, step := f.ready(), f.err, f.step
		f.mu.Unlock()
		if err != nil {
			return 0, err
		}
		if ready > have {
			return ready, nil
		}
		select {
		case <-step:
		case <-ctx.Done():
			return 0, fault.Unreachablef("nobody waits for the chunk any more: %w", context.Cause(ctx))
		}
	}
}

func (f *flight) ready() int64 {
	if f.whole {
		return f.size
	}
	return min(f.have, f.size-1)
}

// change changes the flight and tells who waits.
func (f *flight) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.step)
	f.step = make(chan struct{})
}

func (f *flight) begin(size int64) {
	f.change(func() { f.size = size })
	f.once.Do(func() { close(f.begun) })
}

func (f *flight) came(n int) { f.change(func() { f.have += int64(n) }) }

// land makes the flight whole. place puts the file where it belongs, or leaves it.
func (f *flight) land(place func(temp string) error) (err error) {
	f.change(func() {
		err = place(f.path)
		f.whole = true
	})
	return err
}

// fail ends the flight for all who wait for it.
func (f *flight) fail(err error) {
	f.change(func() { f.err = err })
	f.once.Do(func() { close(f.begun) })
}

// answered reports whether the upstream began to send.
func (f *flight) answered() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size > 0
}

// open opens the file for one who reads it. When it has landed it is elsewhere, and kept.
func (f *flight) open() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	if f.whole {
		return nil, errLanded
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fault.Internalf("cache: %w", err)
	}
	return file, nil
}

// errLanded is no error: look at what is kept.
var errLanded = fault.Internalf("the chunk has landed")

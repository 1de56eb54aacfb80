// Package heap says when the garbage collector is to come. Go collects when the heap has
// doubled. A server with little in its memory and many requests would be collected several
// times a second, and what is asked meanwhile waits some milliseconds; one with much in its
// memory that makes little garbage would keep twice what it needs.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// By how many percent the heap grows until it is collected, and how often that may be.
const (
	most   = 100
	least  = 20
	often  = 500 * time.Millisecond // collected sooner than that, it may grow more
	seldom = 5 * time.Second        // later, the least
)

// Floor is the usual one, bytes.
const Floor = 64 << 20

// Collector says when the heap of this process is collected.
type Collector struct {
	floor uint64

	mu   sync.Mutex
	grow int // percent
	last time.Time
}

// Wait has the heap collected when it is as large as the floor, bytes, or has grown by a part
// of what the last collection left, whichever is more: by a fifth when little is made, by all
// of it when that would have it collected often.
func Wait(floor uint64) *Collector {
	c := &Collector{floor: floor, grow: least, last: time.Now()}
	afterEach(c.collected)
	return c
}

// Settle gives the memory back that something large took which is over, as a start is.
func (c *Collector) Settle() {
	debug.FreeOSMemory()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(least)
}

func (c *Collector) collected() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(next(c.grow, now.Sub(c.last)))
	c.last = now
}

func (c *Collector) set(grow int) {
	c.grow = grow
	debug.SetGCPercent(percent(live(), c.floor, grow))
}

// next is by how many percent the heap is to grow that was just collected, so long after the
// collection before.
func next(grow int, after time.Duration) int {
	switch {
	case after < often:
		return min(2*grow, most)
	case after > seldom:
		return least
	}
	return grow
}

// percent is that by which a heap of so many bytes grows to the floor, at least grow.
func percent(live, floor uint64, grow int) int {
	if live == 0 || live >= floor {
		return grow
	}
	return max(grow, int((floor-live)*100/live))
}

// live is what the last collection left, bytes.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// afterEach calls f now and after each collection.
func afterEach(f func()) {
	f()
	runtime.AddCleanup(new([16]byte), func(struct{}) { afterEach(f) }, struct{}{})
}

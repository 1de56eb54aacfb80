package stream

import (
	"slices"
	"sync"
)

// ring is the newest entries of a feed. Entries are added at its end and never changed, so
// that a part of it can be read without a lock.
type ring[F any] struct {
	mu      sync.RWMutex
	entries []Entry[F]
	first   int64 // how many entries stood before the first
	bytes   int
	floor   int64 // every entry with an id above it is here
	tail    int64 // every entry up to this id was read
	beats   int64
	next    chan struct{} // closed when there is something new, or a beat
}

// news is what a reader finds behind its position.
type news[F any] struct {
	entries []Entry[F]
	pos     int64 // behind the last of them
	cursor  int64 // what a reader that has them has seen
	beats   int64
	more    <-chan struct{}
	lost    bool // it was so slow that what comes next is here no more
}

func (r *ring[F]) last() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tail
}

// add takes what was read up to an id and wakes the readers.
func (r *ring[F]) add(entries []Entry[F], upTo int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tail = max(r.tail, upTo)
	if len(entries) == 0 {
		return
	}
	for _, e := range entries {
		r.bytes += len(e.Text)
	}
	r.entries = append(r.entries, entries...)
	r.trim()
	r.wake()
}

// trim drops the older half of a ring that is full. It makes a new array: readers may still
// look at the old one.
func (r *ring[F]) trim() {
	for len(r.entries) > mostEntries || r.bytes > mostBytes && len(r.entries) > 1 {
		half := len(r.entries) / 2
		for _, e := range r.entries[:half] {
			r.bytes -= len(e.Text)
		}
		r.floor, r.first = max(r.floor, r.entries[half-1].ID), r.first+int64(half)
		r.entries = slices.Clone(r.entries[half:])
	}
}

func (r *ring[F]) beat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beats++
	r.wake()
}

func (r *ring[F]) wake() {
	close(r.next)
	r.next = make(chan struct{})
}

// place finds the position behind an id; false: what follows it is older than the ring. An
// entry with a key is a state that may have been sent under that id before it changed once
// more, so it is sent again.
func (r *ring[F]) place(after int64) (pos int64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if after < r.floor {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(r.entries, after, func(e Entry[F], after int64) int {
		if e.ID > after || e.ID == after && e.Key != "" {
			return 1
		}
		return -1
	})
	return r.first + int64(i), true
}

// behind returns what stands behind a position.
func (r *ring[F]) behind(pos int64) news[F] {
	r.mu.RLock()
	defer r.mu.RUnlock()
	n := news[F]{pos: r.first + int64(len(r.entries)), cursor: r.tail, beats: r.beats, more: r.next, lost: pos < r.first}
	if !n.lost {
		n.entries = r.entries[pos-r.first:]
	}
	return n
}

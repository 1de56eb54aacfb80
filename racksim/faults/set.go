package faults

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Set is the faults of one BMC. They may be added and taken away while it runs. The zero
// value has none. Safe for concurrent use.
type Set struct {
	mu      sync.Mutex
	all     []*armed
	hits    map[string]int
	logins  int // that failed, one after the other
	refused int // that failed, in all
	late    sync.WaitGroup
	acting  int
	over    chan struct{} // closed by Close
}

// armed is a fault and how often it met its request.
type armed struct {
	Fault
	seen, took int
}

// New is a set of checked faults.
func New(list ...Fault) *Set {
	s := &Set{}
	s.Add(list...)
	return s
}

// Add makes faults happen from now on.
func (s *Set) Add(list ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range list {
		s.all = append(s.all, &armed{Fault: f})
	}
}

// Clear ends faults: those of the kinds, or all. Requests that hang are let go when their
// client leaves.
func (s *Set) Clear(kinds ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(a *armed) bool { return len(kinds) == 0 || slices.Contains(kinds, a.Kind) })
}

// Hits is how many requests met a fault of the kind.
func (s *Set) Hits(kind string) int { s.mu.Lock(); defer s.mu.Unlock(); return s.hits[kind] }

// FailedLogins is how many logins the BMC refused: whoever drives it must not lock it.
func (s *Set) FailedLogins() int { s.mu.Lock(); defer s.mu.Unlock(); return s.refused }

// Close lets go of what hangs, waits for late effects, and ends them early.
func (s *Set) Close() {
	s.mu.Lock()
	select {
	case <-s.ended():
	default:
		close(s.over)
	}
	s.mu.Unlock()
	s.late.Wait()
}

// ended is closed by Close; the caller holds mu.
func (s *Set) ended() chan struct{} {
	if s.over == nil {
		s.over = make(chan struct{})
	}
	return s.over
}

// met takes the first fault of the kinds that is about the request.
func (s *Set) met(r *http.Request, kinds ...string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.all {
		if slices.Contains(kinds, a.Kind) && a.about(r.Method, r.URL.Path) && s.take(a) {
			return a.Fault, true
		}
	}
	return Fault{}, false
}

// take counts a request that the fault is about, and says whether it takes it.
func (s *Set) take(a *armed) bool {
	a.seen++
	if a.Kind != Lockout && a.seen <= a.After || a.Times > 0 && a.took >= a.Times {
		return false
	}
	a.took++
	if s.hits == nil {
		s.hits = map[string]int{}
	}
	s.hits[a.Kind]++
	return true
}

// has reports whether there is any fault at all: most BMCs have none.
func (s *Set) has() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.all) > 0 }

// wait is over after d, or earlier when ctx or the set ends; false then. No d is for ever.
func (s *Set) wait(ctx context.Context, d time.Duration) bool {
	s.mu.Lock()
	over := s.ended()
	s.mu.Unlock()
	var due <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
		return true
	case <-ctx.Done():
	case <-over:
	}
	return false
}

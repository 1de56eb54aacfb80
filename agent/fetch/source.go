package fetch

import (
	"errors"
	"time"

	"rackwright/fault"
)

// source is a Source and what is known of it.
type source struct {
	Source
	rate     float64   // bytes a second of one request, a moving mean; 0: never measured
	failures int       // in a row
	until    time.Time // it rests until then
	lies     bool      // it gave wrong bytes: never asked again, but for the last
	probing  bool      // its first request is under way
}

// The rests of a source that failed: the first, doubled with each failure, and the longest.
const (
	firstRest   = 2 * time.Second
	longestRest = time.Minute
)

// forgive is how much a slower source that is nearer gains with each chunk from another: it
// is asked again some day.
const forgive = 1.02

func (s *source) succeeded(n int, took time.Duration) {
	s.failures, s.until = 0, time.Time{}
	rate := float64(n) / max(took.Seconds(), 1e-6)
	if s.rate > 0 {
		rate = s.rate + (rate-s.rate)/4
	}
	s.rate = rate
}

// failed has the source rest. A chunk that it has not got is no failure.
func (s *source) failed(err error, now time.Time) {
	switch {
	case errors.Is(err, errDamaged):
		s.lies = true
	case fault.Is(err, fault.NotFound):
	default:
		s.failures++
		s.until = now.Add(min(firstRest<<min(s.failures-1, 6), longestRest))
		s.rate /= 2
	}
}

// choose returns the source to ask next, of those not yet asked for this chunk: one that was
// never measured, by one request at a time; else the nearest that is at least half as fast as the fastest. The
// last source does not rest. -1 if all were asked.
func (p *Pool) choose(asked []bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, last, best := p.now(), len(p.known)-1, 0.0
	ready := func(i int) bool {
		s := p.known[i]
		return !asked[i] && (i == last || !s.lies && !now.Before(s.until))
	}
	for i, s := range p.known {
		if !ready(i) {
			continue
		}
		if s.rate == 0 && !s.probing {
			s.probing = true
			return i
		}
		best = max(best, s.rate)
	}
	for i, s := range p.known {
		if ready(i) && 2*s.rate >= best && (s.rate > 0 || i == last || best == 0) {
			return i
		}
	}
	if last >= 0 && !asked[last] {
		return last
	}
	return -1
}

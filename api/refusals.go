package api

import (
	"sync"
	"time"
)

// Bounds of the entries of refused requests: who has no token, or one that may nothing, must
// not fill the disk, nor hide what others try.
const (
	mostRefusals = 60   // of one caller within a minute; of all that are nobody together
	mostRefused  = 1000 // callers that are counted
)

// refusals counts the entries of refused requests, by caller; "" is nobody.
type refusals struct {
	mu sync.Mutex
	by map[string]*refused
}

type refused struct {
	minute             time.Time
	written, unwritten int
}

// take reports whether a refusal may be entered, and how many of the same caller were not
// since the last that was.
func (r *refusals) take(caller string, now time.Time) (unwritten int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil || len(r.by) >= mostRefused {
		r.by = map[string]*refused{}
	}
	c := r.by[caller]
	if c == nil {
		c = &refused{}
		r.by[caller] = c
	}
	if now.Sub(c.minute) >= time.Minute || now.Before(c.minute) {
		c.minute, c.written = now, 0
	}
	if c.written >= mostRefusals {
		c.unwritten++
		return 0, false
	}
	c.written++
	unwritten, c.unwritten = c.unwritten, 0
	return unwritten, true
}

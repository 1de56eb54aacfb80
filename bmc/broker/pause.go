package broker

import (
	"math/rand/v2"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// Pauses of sweeps at a BMC that does not answer, and of everybody at one that refused us.
const (
	pauseFirst = 5 * time.Second
	pauseMost  = 5 * time.Minute
	penance    = 30 * time.Minute // accounts that lock are open again after it, at most vendors
)

// pause is what is remembered of a BMC that does not answer: its last error, and when a
// sweep may try again. Operations and people may at any time.
type pause struct {
	err   error // nil: none
	since time.Time
	tries int
	next  time.Time
}

// longer is the pause after another failure, some of it by chance: BMCs that fell silent
// together are not all asked together.
func (p pause) longer(err error, now time.Time) pause {
	if p.err == nil {
		p.since = now
	}
	p.err, p.tries = err, p.tries+1
	wait := min(pauseFirst<<min(p.tries-1, 16), pauseMost)
	p.next = now.Add(wait*4/5 + rand.N(wait*2/5))
	return p
}

// bars is the error of a sweep that comes too early; nil lets it try.
func (p pause) bars(u bmc.Urgency, now time.Time) error {
	if p.err == nil || u != bmc.Routine || !now.Before(p.next) {
		return nil
	}
	return fault.Unreachablef("%w (silent since %s, asked again at %s)", p.err, stamp(p.since), stamp(p.next)).WithHint("%s", fault.HintOf(p.err))
}

func stamp(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// refused is what everybody gets at a BMC that did not let us in, without being asked.
func refused(a bmc.Access, r bmc.Refusal) error {
	return bmc.AsRefused(fault.Deniedf("%s; that was at %s, and BMC %s is not asked again before its credentials change, or %s",
		r.Words, stamp(r.At), a.Address, stamp(r.At.Add(penance))).WithHint("%s", r.Hint))
}

// serving reports whether a refusal still counts.
func serving(r *bmc.Refusal, now time.Time) bool { return r != nil && now.Before(r.At.Add(penance)) }

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
	proving    = time.Minute      // whoever changed a password proves the new one and puts it in the place of the old
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

// stale is a password that was changed through us and is the database's still: until
// whoever changed it has proven the new one, nobody sends the old one.
type stale struct {
	user, version string
	until         time.Time
}

// rekeyed notes that a user's password may be another now.
func (l *line) rekeyed(user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = stale{user, l.version, l.b.o.Now().Add(proving)}
}

// bars is the error of who would send the old password; nil when it is no such.
func (s stale) bars(h bmc.Hold, now time.Time) error {
	if s.user == "" || s.user != h.Access.Username || s.version != h.Version || !now.Before(s.until) {
		return nil
	}
	return fault.Conflictf("the password of %q at BMC %s was just changed, and the new one is not proven yet", s.user, h.Access.Address).WithHint("try again in a minute")
}

func stamp(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// refused is what everybody gets at a BMC that did not let us in, without being asked.
func refused(a bmc.Access, r bmc.Refusal) error {
	return bmc.AsRefused(fault.Deniedf("%s; that was at %s, and BMC %s is not asked again before its credentials change, or %s",
		r.Words, stamp(r.At), a.Address, stamp(r.At.Add(penance))).WithHint("%s", r.Hint))
}

// serving reports whether a refusal still counts.
func serving(r *bmc.Refusal, now time.Time) bool { return r != nil && now.Before(r.At.Add(penance)) }

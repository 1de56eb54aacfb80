package boot

import (
	"slices"
	"time"
)

// How many failures in a row leave a rung. One may be a person at the power button, a cable or a
// switch; what worked is left later, and never for one machine alone, which says nothing about its model.
const (
	leaveTried  = 2
	leaveWorked = 6
	inRow       = 12 * time.Hour // between failures; another server may have seen successes
)

// LoaderTime is how long a loader may take to ask for its script. A machine whose power is
// changed within it was cut short.
const LoaderTime = 3 * time.Minute

// Trial is what became of a loader that a machine fetched.
type Trial struct {
	Machine  string
	Used     Kind
	Worked   bool // it came to ask for its script
	CutShort bool // the machine's power was changed by us before it could
	At       time.Time
}

// Streak is the failures of a rung in a row, of whichever machines of the model.
type Streak struct {
	Failures int
	rung     Rung
	machine  string // of the first
	others   bool   // failed too
	last     time.Time
}

// After is the rung after a trial, and the streak that goes on from there. rungs are those of the
// machine's firmware. One success ends a streak.
func (s Streak) After(r Rung, t Trial, rungs []Kind) (Rung, Streak) {
	if s.rung != r || t.At.Sub(s.last) > inRow {
		s = Streak{rung: r}
	}
	switch {
	case t.Worked && !r.Worked:
		return Rung{t.Used, true}, Streak{}
	case t.Worked && t.Used == r.Kind:
		return r, Streak{}
	case t.Worked, t.CutShort, t.Used != r.Kind, len(rungs) == 0: // another loader than the rung's: the machine began before it moved
		return r, s
	}
	s = s.with(t)
	if !s.enough() {
		return r, s
	}
	next := rungs[(slices.Index(rungs, t.Used)+1)%len(rungs)]
	if next == r.Kind { // there is no other
		return r, Streak{}
	}
	return Rung{Kind: next}, Streak{}
}

func (s Streak) with(t Trial) Streak {
	if s.Failures == 0 {
		s.machine = t.Machine
	}
	s.Failures, s.others, s.last = s.Failures+1, s.others || t.Machine != s.machine, t.At
	return s
}

func (s Streak) enough() bool {
	if s.rung.Worked {
		return s.others && s.Failures >= leaveWorked
	}
	return s.Failures >= leaveTried
}

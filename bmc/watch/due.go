package watch

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"rackwright/inventory"
)

// When parts are read: once a machine is discovered, after each operation, and daily.
const (
	daily  = 24 * time.Hour
	again  = 15 * time.Second // where the parts could not be read, each time after twice as long,
	rarely = 10 * time.Minute // up to this
	spread = time.Hour        // over which the machines of a server that starts are read
)

// A BMC is unusable once it missed so many looks in a row, the last of them not sooner than a
// usual one after the first, or for so long. The look after the first miss comes so many times
// sooner than usual, each of the next after twice as long, until it is the usual again.
const (
	misses = 3
	silent = 2 * time.Minute
	sooner = 5
)

// look is what is remembered of a machine's BMC.
type look struct {
	next   time.Time // look
	busy   bool      // a brief look is on its way
	slow   bool      // the last one took long, or got no answer
	doubt  bool      // the last one may be older than what is known: the next comes at once
	seen   time.Time // the round that listed it last
	missed int
	told   bool      // that it is unusable
	since  time.Time // of the first of the misses

	parts   time.Time // when the parts are to be read next; zero: not decided
	reading bool      // the parts are being read,
	changed bool      // and may have changed since that began
	unread  int       // how often in a row they could not be
}

// of is what is remembered of a machine; mu is held.
func (t *Task) of(m *inventory.Machine) *look {
	l := t.looked[m.ID]
	if l == nil {
		l = &look{}
		t.looked[m.ID] = l
	}
	return l
}

// listed notes that a machine is there, in the round that began then.
func (t *Task) listed(m *inventory.Machine, round time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).seen = round
}

// forget drops the machines that the round did not list.
func (t *Task) forget(round time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, l := range t.looked {
		if l.seen.Before(round) && !l.busy && !l.reading {
			delete(t.looked, id)
		}
	}
}

// miss counts a look that found no answer, and reports whether there were enough of them.
func (t *Task) miss(m *inventory.Machine) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	if l.missed == 0 {
		l.since = t.Now()
	}
	l.missed++
	ago := t.Now().Sub(l.since)
	return l.missed >= misses && ago >= t.Every || ago >= silent
}

// hit forgets the misses.
func (t *Task) hit(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).missed = 0
}

// tell notes that the machine has the condition now.
func (t *Task) tell(m *inventory.Machine, unusable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).told = unusable
}

// due reports whether a BMC is to be looked at, and whether it was slow the last time; it
// is marked as being looked at.
func (t *Task) due(m *inventory.Machine) (due, slow bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	if l.told && !hasCondition(m, inventory.BMCUnusable) { // its plan changed
		l.told, l.next = false, time.Time{}
	}
	if l.busy || l.reading || t.Now().Before(l.next) {
		return false, false
	}
	l.busy = true
	return true, l.slow
}

// later takes the mark off a BMC for which there was no place.
func (t *Task) later(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).busy = false
}

// remember notes that a brief look is over. The next comes some time by chance earlier or
// later, so that looks spread, and soon after a miss: it may have been of the moment.
func (t *Task) remember(m *inventory.Machine, slow bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	l.busy, l.slow = false, slow
	wait := t.Every
	if l.missed > 0 && !l.told {
		wait = min(wait, wait/sooner<<min(l.missed-1, misses))
	}
	l.next = t.Now().Add(wait*9/10 + rand.N(wait/5+1))
	if l.doubt {
		l.doubt, l.next = false, t.Now()
	}
}

// doubt has the next look come at once.
func (t *Task) doubt(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	l.doubt, l.next = true, t.Now() // l.next: a look for the parts does not set it
}

// takeParts reports whether a machine's parts are to be read now, and marks it so. A
// machine nobody discovered has no parts to compare, and a BMC that cannot be used is
// left to the brief looks.
func (t *Task) takeParts(m *inventory.Machine) bool {
	if unknown(m) || hasCondition(m, inventory.BMCUnusable) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	if l.parts.IsZero() {
		l.parts = t.firstParts(m)
	}
	if l.reading || l.missed > 0 || t.Now().Before(l.parts) {
		return false
	}
	l.reading = true
	return true
}

// leaveParts takes the mark off again.
func (t *Task) leaveParts(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).reading = false
}

// rememberParts notes that the parts were read, or not.
func (t *Task) rememberParts(m *inventory.Machine, whole bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	l.reading = false
	switch {
	case l.changed:
		l.changed, l.parts = false, t.Now()
	case whole:
		l.unread, l.parts = 0, t.Now().Add(daily)
	default:
		l.parts = t.Now().Add(min(again<<l.unread, rarely))
		l.unread = min(l.unread+1, 10) // far enough for the longest
	}
}

// stale makes the parts due: an operation has the machine in hand, and may change them.
func (t *Task) stale(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	l.parts, l.changed = t.Now(), l.reading
}

// firstParts is when the parts are read that this server has not read yet: at once when
// no BMC ever told them (firmware versions come from a BMC only), a day after it did, and
// within the hour where the agent looked later, so that a server that starts does not ask
// all BMCs at once.
func (t *Task) firstParts(m *inventory.Machine) time.Time {
	switch {
	case m.Facts == nil || len(m.Facts.Versions) == 0:
		return t.Now()
	case m.Facts.Source == "agent":
		h := fnv.New32a()
		h.Write([]byte(m.ID))
		return t.Now().Add(time.Duration(h.Sum32()) * time.Millisecond % spread)
	}
	return m.Facts.Observed.Add(daily)
}

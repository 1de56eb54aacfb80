package watch

import (
	"hash/fnv"
	"time"

	"rackwright/inventory"
)

// When parts are read: once a machine is discovered, after each operation, and daily.
const (
	daily  = 24 * time.Hour
	again  = 10 * time.Minute // where the parts could not be read
	spread = time.Hour        // over which the machines of a server that starts are read
)

// of is what is remembered of a machine; mu is held.
func (t *Task) of(m *inventory.Machine) *look {
	l := t.looked[m.ID]
	if l == nil {
		l = &look{}
		t.looked[m.ID] = l
	}
	return l
}

// remember notes a look that is over.
func (t *Task) remember(m *inventory.Machine, o outcome, parts bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(m)
	l.at, l.denied = t.Now(), o.denied
	if !parts {
		return
	}
	l.busy, l.parts = false, t.Now().Add(again)
	if o.whole {
		l.parts = t.Now().Add(daily)
	}
}

// due reports whether a BMC is to be looked at. One that refused us is left alone until
// its plan changes, which clears the condition, or so long that no account is locked.
func (t *Task) due(m *inventory.Machine) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := *t.of(m)
	if l.busy {
		return false
	}
	wait := t.Every
	if l.denied {
		wait = 20 * t.Every
	}
	if l.denied && !hasCondition(m, inventory.BMCUnusable) {
		return true
	}
	return l.at.IsZero() || t.Now().Sub(l.at) >= wait
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
	if l.busy || l.denied || t.Now().Before(l.parts) {
		return false
	}
	l.busy = true
	return true
}

// leaveParts takes the mark off again.
func (t *Task) leaveParts(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).busy = false
}

// stale makes the parts due: an operation has the machine in hand, and may change them.
func (t *Task) stale(m *inventory.Machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(m).parts = t.Now()
}

// firstParts is when the parts are read that this server has not read yet: at once when
// no BMC ever told them (firmware versions come from a BMC only), a day after it did, and
// within the hour where the agent looked later, so that a server that starts does not ask
// all BMCs at once.
func (t *Task) firstParts(m *inventory.Machine) time.Time {
	switch {
	case m.Facts == nil || len(m.Facts.Versions) == 0:
		return t.Now()
	case m.Facts.Source != "redfish":
		h := fnv.New32a()
		h.Write([]byte(m.ID))
		return t.Now().Add(time.Duration(h.Sum32()) * time.Millisecond % spread)
	}
	return m.Facts.Observed.Add(daily)
}

package inventory

import (
	"fmt"
	"time"

	"rackwright/fault"
)

// How long a hold lasts.
const (
	HoldFor  = 4 * time.Hour       // when nobody says
	MaxHold  = 30 * 24 * time.Hour // at most
	MaxWords = 1000                // bytes of a reason
)

// NewHold makes a hold, Invalid without a reason or with a time that is none.
func NewHold(by, reason string, long time.Duration, now time.Time) (*Hold, error) {
	if long == 0 {
		long = HoldFor
	}
	switch {
	case reason == "" || len(reason) > MaxWords:
		return nil, fault.Invalidf("a hold needs a reason of at most %d characters", MaxWords).WithHint("say what is being done to the machine")
	case long < time.Minute || long > MaxHold:
		return nil, fault.Invalidf("a hold of %s is not possible", long).WithHint("say a time from 1m to 720h")
	}
	return &Hold{By: by, Reason: reason, Since: now, Until: now.Add(long)}, nil
}

// String says who holds a machine, until when and why.
func (h *Hold) String() string {
	return fmt.Sprintf("held by %s until %s: %s", h.By, h.Until.UTC().Format("2006-01-02 15:04 UTC"), h.Reason)
}

// Keep puts a hold on a machine and moves it to maintenance. The holder may hold it
// longer; somebody else's hold is Conflict.
func Keep(m *Machine, h *Hold, now time.Time) error {
	if m.Held(now) && m.Hold.By != h.By {
		return held(m)
	}
	if m.Phase == Retired {
		return fault.Conflictf("%s is retired", m.Name)
	}
	if m.Held(now) {
		h.Since = m.Hold.Since
	}
	m.Phase, m.Hold = Maintenance, h
	return nil
}

// Release ends a hold and takes the machine back to where the evidence says. Only the
// holder or an admin ends it before its time.
func Release(m *Machine, seen []Identifier, by string, admin bool, now time.Time) error {
	if m.Phase != Maintenance && m.Hold == nil {
		return fault.Conflictf("%s is not held", m.Name)
	}
	if m.Held(now) && m.Hold.By != by && !admin {
		return held(m).WithHint("ask %s, or an admin, to release it", m.Hold.By)
	}
	m.Hold = nil
	if m.Phase == Maintenance {
		m.Phase = Evidenced(m, seen)
	}
	return nil
}

// Guard refuses work on a machine that somebody else holds. While it is held nothing is
// deployed, not even by the holder.
func Guard(m *Machine, by string, destructive bool, now time.Time) error {
	if !m.Held(now) || m.Hold.By == by && !destructive {
		return nil
	}
	return held(m)
}

func held(m *Machine) *fault.Error {
	return fault.Conflictf("%s is %s", m.Name, m.Hold).
		WithHint("wait, or have it released: 'rackwright machine release %s'", m.Name)
}

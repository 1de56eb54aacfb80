package inventory

import (
	"fmt"
	"strings"
	"time"
)

// Condition types.
const (
	IdentityMismatch = "identity-mismatch" // what was seen disagrees with the plan
	BMCUnusable      = "bmc-unusable"      // the BMC does not answer, or refuses us
)

// Bind weighs evidence against what the plan says of a machine and moves it on: two
// identifiers that agree make it discovered, one makes it racked, and any that disagree
// become a condition that names both. It returns a sentence when something changed, and
// whether the evidence was strong enough to be this machine.
func Bind(m *Machine, e Evidence, now time.Time) (said string, bound bool) {
	agree, disagree := e.Match(m)
	bound = len(agree) >= 2 && len(disagree) == 0
	SetCondition(m, mismatch(disagree, agree, now), IdentityMismatch)
	switch {
	case len(disagree) > 0:
		return fmt.Sprintf("%s saw another machine than planned: %s", e.Source, strings.Join(disagree, "; ")), false
	case bound && (m.Phase == Planned || m.Phase == Racked):
		m.Phase = Discovered
		return fmt.Sprintf("discovered: %s agree (%s)", strings.Join(agree, " and "), e.Source), true
	case len(agree) == 1 && m.Phase == Planned:
		m.Phase = Racked
		return fmt.Sprintf("racked: %s was seen (%s); one more identifier makes it discovered", agree[0], e.Source), false
	}
	return "", bound
}

func mismatch(disagree, agree []string, now time.Time) *Condition {
	if len(disagree) == 0 {
		return nil
	}
	evidence := strings.Join(disagree, "; ")
	if len(agree) > 0 {
		evidence += "; agreeing: " + strings.Join(agree, ", ")
	}
	return &Condition{Type: IdentityMismatch, Reason: "evidence-disagrees", Evidence: evidence, Since: now,
		Hint: "see which machine is really in the slot, then correct the plan or move the machine"}
}

// SetCondition puts a condition on a machine, or takes the one of that type off when c is
// nil. A condition that stays keeps the time it began.
func SetCondition(m *Machine, c *Condition, kind string) {
	kept := m.Conditions[:0:0]
	for _, old := range m.Conditions {
		if old.Type != kind {
			kept = append(kept, old)
		} else if c != nil {
			c.Since = old.Since
		}
	}
	if c != nil {
		kept = append(kept, *c)
	}
	m.Conditions = kept
}

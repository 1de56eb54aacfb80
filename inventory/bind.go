package inventory

import (
	"fmt"
	"strings"
	"time"
)

// Condition types.
const (
	IdentityMismatch = "identity-mismatch" // what was seen disagrees with the plan; subject is the identifier
	BMCUnusable      = "bmc-unusable"      // the BMC does not answer, or refuses us
)

// Bind weighs evidence against what the plan says of a machine and moves it on: two
// identifiers that agree make it discovered, one makes it racked, and each that disagrees
// becomes a condition that names both values. A condition stays until its own identifier
// was seen to agree. It returns a sentence when something changed, and whether the
// evidence was strong enough to be this machine.
func Bind(m *Machine, e Evidence, now time.Time) (said string, bound bool) {
	agree, disagree := e.Match(m)
	setMismatches(m, e.Compare(m), agree, now)
	bound = len(agree) >= 2 && len(disagree) == 0
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

// setMismatches brings the conditions of the identifiers that were compared up to date.
// Ports that a bound machine was heard at are left to the verification of cabling.
func setMismatches(m *Machine, verdicts []Verdict, agree []string, now time.Time) {
	found, since := map[string]*Condition{}, map[string]time.Time{}
	settled := len(agree) >= 2
	for _, v := range verdicts {
		if v.Agrees {
			found[v.Kind] = nil
			continue
		}
		settled = false
		evidence := v.Text
		if len(agree) > 0 {
			evidence += "; agreeing: " + strings.Join(agree, ", ")
		}
		found[v.Kind] = &Condition{Type: IdentityMismatch, Subject: v.Kind, Reason: "evidence-disagrees", Evidence: evidence, Since: now,
			Hint: "see which machine is really in the slot, then correct the plan or move the machine"}
	}
	var kept []Condition
	for _, c := range m.Conditions {
		_, compared := found[c.Subject]
		over := settled && (c.Subject == "" || c.Subject == IDLLDP || c.Subject == IDCircuit || c.Subject == ambiguous)
		if c.Type == IdentityMismatch && (compared || over) {
			since[c.Subject] = c.Since
			continue
		}
		kept = append(kept, c)
	}
	for _, v := range verdicts {
		if c := found[v.Kind]; c != nil {
			if t, known := since[v.Kind]; known {
				c.Since = t
			}
			kept = append(kept, *c)
		}
	}
	m.Conditions = kept
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

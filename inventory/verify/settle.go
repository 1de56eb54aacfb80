package verify

import (
	"slices"
	"strings"
	"time"

	"rackwright/inventory"
)

// ByPlan is who waives when a waiver stands in the plan.
const ByPlan = "the plan"

// Settle replaces on a machine the conditions of the owned types by those now found. One
// that stays keeps the time it began, and what a person waived stays waived as long as
// the reason is the same. The rest is left as it is.
func Settle(old, found []inventory.Condition, owned []string, now time.Time) []inventory.Condition {
	var out []inventory.Condition
	kept := map[string]inventory.Condition{}
	for _, c := range old {
		if !slices.Contains(owned, c.Type) {
			out = append(out, c)
			continue
		}
		kept[c.Type+" "+c.Subject] = c
	}
	var fresh []inventory.Condition
	for _, c := range found {
		c.Since = now
		if was, stays := kept[c.Type+" "+c.Subject]; stays {
			c.Since = was.Since
			c.Waived = stillWaived(was, c, now)
		} else if !c.Waived.At.IsZero() {
			c.Waived.At = now
		}
		fresh = append(fresh, c)
	}
	slices.SortStableFunc(fresh, func(a, b inventory.Condition) int {
		if n := a.Since.Compare(b.Since); n != 0 {
			return n
		}
		return strings.Compare(a.Type+" "+a.Subject, b.Type+" "+b.Subject)
	})
	return append(out, fresh...)
}

// stillWaived is the waiver of a condition that stays. The plan's is as the plan now
// says; one by hand is for the reason it was given for.
func stillWaived(was, is inventory.Condition, now time.Time) inventory.Waived {
	if !is.Waived.At.IsZero() { // by the plan
		if was.Waived.By == is.Waived.By && was.Waived.Reason == is.Waived.Reason {
			return was.Waived
		}
		is.Waived.At = now
		return is.Waived
	}
	if was.Waived.By == ByPlan || was.Reason != is.Reason {
		return inventory.Waived{}
	}
	return was.Waived
}

// waive lets conditions pass that the plan's waivers of a machine name.
func waive(m *inventory.Machine, list []inventory.Condition, now time.Time) []inventory.Condition {
	for i := range list {
		for _, w := range m.Waivers {
			if Waives(w, list[i]) {
				list[i].Waived = inventory.Waived{By: ByPlan, Reason: w.Reason, At: now}
				break
			}
		}
	}
	return list
}

// Waives reports whether a waiver is about a condition, however its part is written.
func Waives(w inventory.Waiver, c inventory.Condition) bool {
	return w.Covers(c.Type, c.Subject) || w.Rule == c.Type && Location(w.On) == Location(c.Subject)
}

// Open are the conditions of verification that nobody waived.
func Open(list []inventory.Condition) []inventory.Condition {
	var out []inventory.Condition
	for _, c := range list {
		if slices.Contains(Types(), c.Type) && c.Waived.At.IsZero() {
			out = append(out, c)
		}
	}
	return out
}

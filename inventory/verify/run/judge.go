package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// judgement is what was found about a rack and about the siblings of its machines.
type judgement struct {
	inv      *inventory.Inventory
	mates    []inventory.Machine
	now      time.Time
	seen     map[string][]inventory.Facts
	models   map[string]*inventory.Model
	wiring   verify.Wiring
	cabling  map[string][]inventory.Condition
	siblings []inventory.Machine
	differs  map[string][]inventory.Condition
	compared map[string]bool // machines that were compared with siblings
	here     map[string]bool // machines of the rack
}

func judge(inv *inventory.Inventory, mates, siblings []inventory.Machine, seen map[string][]inventory.Facts, now time.Time) *judgement {
	j := &judgement{inv: inv, mates: mates, now: now, seen: seen, siblings: siblings, models: map[string]*inventory.Model{}, compared: map[string]bool{}, here: map[string]bool{},
		wiring: verify.Rack(*inv, mates, now), cabling: verify.Cabling(*inv, mates, now), differs: verify.Siblings(siblings, now)}
	for i := range inv.Models {
		j.models[inv.Models[i].Name] = &inv.Models[i]
	}
	for i := range siblings {
		j.compared[siblings[i].ID] = true
	}
	for i := range inv.Machines {
		j.here[inv.Machines[i].ID] = true
	}
	return j
}

// verdict is what a machine is to become; evidence moves it to verified.
type verdict struct {
	conditions []inventory.Condition
	evidence   string
}

// machine judges a machine of the rack.
func (j *judgement) machine(m *inventory.Machine) verdict {
	model := j.models[m.Model]
	found := append(verify.Machine(*m, model, j.seen[m.ID], j.now), j.cabling[m.ID]...)
	v := verdict{conditions: verify.Settle(m.Conditions, found, append(verify.MachineTypes(), verify.CablingWrong), j.now)}
	if j.compared[m.ID] || m.Batch == "" {
		v.conditions = verify.Settle(v.conditions, j.differs[m.ID], []string{verify.SiblingsDiffers}, j.now)
	}
	is := *m
	is.Conditions = v.conditions
	v.evidence, _ = verify.Gate(&is, model, j.seen[m.ID], j.wiring, j.now)
	return v
}

// sibling judges a machine of another rack, against its siblings only.
func (j *judgement) sibling(m *inventory.Machine) verdict {
	return verdict{conditions: verify.Settle(m.Conditions, j.differs[m.ID], []string{verify.SiblingsDiffers}, j.now)}
}

// concerned are the ids of the machines of other racks that have something to do with the
// mistakes in this rack's cables: what is said of theirs may be another thing now.
func (j *judgement) concerned() (ids []string) {
	wrong := map[string]bool{}
	for _, c := range j.wiring.Causes {
		for _, n := range c.NICs {
			wrong[n.Machine] = true
		}
	}
	for i := range j.mates {
		if m := &j.mates[i]; wrong[m.Name] || len(aboutCables(m.Conditions)) > 0 {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func aboutCables(list []inventory.Condition) []inventory.Condition {
	return slices.DeleteFunc(slices.Clone(list), func(c inventory.Condition) bool { return c.Type != verify.CablingWrong })
}

// errMoved says that a machine is no more as it was judged.
var errMoved = errors.New("changed since it was looked at")

// keep writes a verdict unless it changes nothing, and returns the version it is of.
func (t *Task) keep(ctx context.Context, judged *inventory.Machine, v verdict) (int64, error) {
	next := *judged
	next.Conditions = v.conditions
	if v.evidence == "" && inventory.Advance(&next) == "" && same(judged.Conditions, v.conditions) {
		return judged.Version, nil
	}
	m, err := t.Store.ChangeMachine(ctx, judged.ID, func(m *inventory.Machine) ([]journal.Event, error) {
		if m.Version != judged.Version {
			return nil, errMoved
		}
		events := told(m.Conditions, v.conditions)
		m.Conditions = slices.Clone(v.conditions)
		if v.evidence != "" {
			m.Phase = inventory.Verified
			events = append(events, journal.Event{Kind: journal.PhaseMoved, Actor: "verification", Summary: "verified: " + v.evidence})
		} else if said := inventory.Advance(m); said != "" {
			events = append(events, journal.Event{Kind: journal.PhaseMoved, Actor: "verification", Summary: said})
		}
		return events, nil
	})
	if err != nil {
		return 0, err
	}
	return m.Version, nil
}

// same compares conditions whatever their order.
func same(a, b []inventory.Condition) bool {
	a, b = sorted(a), sorted(b)
	return slices.EqualFunc(a, b, func(x, y inventory.Condition) bool {
		times := x.Since.Equal(y.Since) && x.Waived.At.Equal(y.Waived.At)
		x.Since, y.Since, x.Waived.At, y.Waived.At = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		return times && x == y
	})
}

func sorted(list []inventory.Condition) []inventory.Condition {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b inventory.Condition) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Subject, b.Subject))
	})
	return list
}

// told are the events of conditions that came and went: one for all that came, one for
// all that went.
func told(old, is []inventory.Condition) []journal.Event {
	came, went := missing(is, old), missing(old, is)
	var events []journal.Event
	if len(came) > 0 {
		e := event("found: ", came)
		e.Summary += fmt.Sprintf(" (%s: %s)", came[0].Evidence, came[0].Hint)
		events = append(events, e)
	}
	if len(went) > 0 {
		events = append(events, event("gone: ", went))
	}
	return events
}

// missing are the conditions of list that others do not have.
func missing(list, others []inventory.Condition) []inventory.Condition {
	var out []inventory.Condition
	for _, c := range list {
		if !slices.ContainsFunc(others, func(o inventory.Condition) bool { return o.Type == c.Type && o.Subject == c.Subject }) {
			out = append(out, c)
		}
	}
	return out
}

// named is how many conditions an event names in its line; its detail has all.
const named = 4

func event(words string, list []inventory.Condition) journal.Event {
	var names []string
	for _, c := range list {
		names = append(names, strings.TrimSpace(c.Type+" "+c.Subject))
	}
	line := strings.Join(names, ", ")
	if len(names) > named {
		line = fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
	}
	return journal.Event{Kind: journal.Condition, Actor: "verification", Summary: words + line, Detail: map[string]any{"conditions": names}}
}

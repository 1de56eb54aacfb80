package racking

import (
	"cmp"
	"slices"
	"time"

	"rackwright/inventory"
)

// Sighting is one identifier of a machine and where it was seen.
type Sighting struct {
	Machine string    `json:"-"` // id
	Kind    string    `json:"kind" enum:"bmc-mac,mac,uuid,serial,circuit,remote,lldp,asset-tag"`
	Value   string    `json:"value"`
	Source  string    `json:"source" doc:"scan, dhcp, agent, redfish"`
	First   time.Time `json:"first_at"`
	Last    time.Time `json:"last_at"`
}

// View is what is known of one rack: the plan and what came in from people and from the
// wire.
type View struct {
	Inventory *inventory.Inventory
	Rack      string // name
	Marks     []Mark
	Seen      []Sighting
	Blinking  map[string]time.Time // machine id: until when its locator LED blinks
}

// Sheet is the list of what to do in one rack.
type Sheet struct {
	Rack  string    `json:"rack"`
	At    time.Time `json:"at"`
	Open  int       `json:"open" doc:"Steps that are neither done nor waived"`
	Held  int       `json:"held" doc:"Steps that are held"`
	Total int       `json:"total" doc:"All steps"`
	Items []Item    `json:"items" nullable:"false" doc:"What is beside the units first, then from the bottom up"`
}

// Item is one machine or device of the list.
type Item struct {
	Owner string          `json:"owner" doc:"Name of the machine or device"`
	ID    string          `json:"id"`
	Kind  inventory.Kind  `json:"kind" enum:"machine,switch,pdu,chassis,panel,other"`
	Slot  inventory.Slot  `json:"slot"`
	Model string          `json:"model,omitempty"`
	Phase inventory.Phase `json:"phase,omitempty" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired" doc:"Of a machine"`
	Note  string          `json:"note,omitempty" doc:"e.g. that its locator LED blinks"`
	Steps []Task          `json:"steps" nullable:"false"`
}

// Task is one thing to do and what is known of it.
type Task struct {
	Name     StepName   `json:"name" enum:"receive,mount,cable,power,seen,verified"`
	State    State      `json:"state" enum:"todo,doing,done,held,waived"`
	Evidence []Evidence `json:"evidence,omitempty" nullable:"false"`
	Hint     string     `json:"hint,omitempty" doc:"What to do next; absent when nothing is"`
}

// Evidence is one thing that speaks for a step, or against it.
type Evidence struct {
	Says    string    `json:"says"`
	By      string    `json:"by,omitempty" doc:"Who said it, or what saw it"`
	At      time.Time `json:"at,omitzero"`
	Against bool      `json:"against,omitempty" doc:"It contradicts the plan"`
}

// closed reports whether nothing is left to do.
func (s Task) closed() bool { return s.State == Done || s.State == Waived }

// Sheet makes the list of what to do in the view's rack.
func (v *View) Sheet(now time.Time) Sheet {
	out := Sheet{Rack: v.Rack, At: now, Items: []Item{}}
	for i := range v.Inventory.Devices {
		if d := &v.Inventory.Devices[i]; d.Slot != nil && d.Slot.Rack == v.Rack {
			out.Items = append(out.Items, v.device(d))
		}
	}
	for i := range v.Inventory.Machines {
		if m := &v.Inventory.Machines[i]; m.Slot != nil && m.Slot.Rack == v.Rack && m.Phase != inventory.Retired {
			out.Items = append(out.Items, v.machine(m))
		}
	}
	down := false
	if r := v.Inventory.Rack(v.Rack); r != nil {
		down = r.Numbering == inventory.NumberedDown
	}
	slices.SortFunc(out.Items, func(a, b Item) int { return fromTheBottom(a, b, down) })
	for _, it := range out.Items {
		for _, s := range it.Steps {
			out.Total++
			if !s.closed() {
				out.Open++
			}
			if s.State == Held {
				out.Held++
			}
		}
	}
	return out
}

// fromTheBottom orders things as they are mounted: beside the units first, then upwards;
// a chassis before its nodes.
func fromTheBottom(a, b Item, down bool) int {
	beside := func(it Item) int { return cmp.Compare(min(it.Slot.U, 1), 0) }
	u := cmp.Compare(a.Slot.U, b.Slot.U)
	if down {
		u = -u
	}
	node := func(it Item) int { return min(len(it.Slot.Chassis), 1) }
	return cmp.Or(cmp.Compare(beside(a), beside(b)), u, cmp.Compare(node(a), node(b)), cmp.Compare(a.Slot.Face, b.Slot.Face),
		cmp.Compare(a.Slot.Side, b.Slot.Side), cmp.Compare(a.Slot.Bay, b.Slot.Bay), cmp.Compare(a.Owner, b.Owner))
}

// mark is what a person said of a step, nil for nothing.
func (v *View) mark(owner string, n StepName) *Mark {
	for i := range v.Marks {
		if v.Marks[i].Owner == owner && v.Marks[i].Step == n {
			return &v.Marks[i]
		}
	}
	return nil
}

// proof is what evidence alone says of a step.
type proof struct {
	lines               []Evidence
	done, begun, denied bool
}

func (p *proof) add(e Evidence) {
	p.lines = append(p.lines, e)
	p.denied = p.denied || e.Against
}

// step joins what people said with what was seen. A word that evidence contradicts does
// not count; a hold and a waiver do.
func step(n StepName, m *Mark, p proof, hint string) Task {
	s := Task{Name: n, State: Todo, Evidence: p.lines}
	if m != nil {
		s.Evidence = append([]Evidence{m.evidence()}, s.Evidence...)
	}
	switch {
	case m != nil && m.State != Done:
		s.State = m.State
	case p.denied:
		s.State = Doing
	case p.done || m != nil:
		s.State = Done
	case p.begun:
		s.State = Doing
	}
	switch {
	case s.State == Held:
		s.Hint = "resume it when the reason is gone"
	case !s.closed():
		s.Hint = hint
	}
	return s
}

// evidence is a mark in words.
func (m *Mark) evidence() Evidence {
	e := Evidence{By: m.By, At: m.At, Says: string(m.State)}
	switch {
	case m.State == Held:
		e.Says = "held: " + m.Reason
	case m.State == Waived:
		e.Says = "waived: " + m.Reason
	case len(m.Codes) > 0:
		e.Says = "scanned " + words(m.Codes)
	case m.Reason != "":
		e.Says = "done: " + m.Reason
	}
	return e
}

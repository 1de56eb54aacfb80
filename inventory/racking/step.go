// Package racking is the technician's side of a rack: what has to be done for each thing
// in it until it is verified, what shows that it was done, and what a scanned code
// means. It looks at nothing but its arguments and keeps nothing.
package racking

import (
	"slices"
	"time"

	"rackwright/fault"
)

// StepName names one thing to do.
type StepName string

// The steps, in the order in which they are usually done. One that was done out of order
// is done all the same.
const (
	Receive  StepName = "receive"  // it was unpacked and is the right one
	Mount    StepName = "mount"    // it is in its slot
	Cabling  StepName = "cable"    // every planned cable is plugged in
	Power    StepName = "power"    // it has power
	Seen     StepName = "seen"     // two of its identifiers were seen on the wire and agree
	Verified StepName = "verified" // its parts, cables and firmware are as planned
)

// Steps lists all steps in order.
func Steps() []StepName { return []StepName{Receive, Mount, Cabling, Power, Seen, Verified} }

// byHand are the steps that a person's word completes; the others need evidence, or a
// waiver.
func (n StepName) byHand() bool { return n != Seen && n != Verified }

// State is where a step stands.
type State string

// The states.
const (
	Todo   State = "todo"
	Doing  State = "doing"  // some evidence is there, or some of it speaks against it
	Done   State = "done"   // by evidence, or by a person's word that no evidence contradicts
	Held   State = "held"   // a person stopped it
	Waived State = "waived" // a person let it pass
)

// Action is what a person does to a step.
type Action string

// The actions.
const (
	DoDone   Action = "done"   // say that it is done
	DoHold   Action = "hold"   // stop it, with a reason
	DoResume Action = "resume" // end the hold
	DoWaive  Action = "waive"  // let it pass, with a reason
	DoUndo   Action = "undo"   // take back what was said
)

// Mark is what a person said of one step of one machine or device.
type Mark struct {
	Owner  string    `json:"owner" doc:"Id of the machine or device"`
	Step   StepName  `json:"step" enum:"receive,mount,cable,power,seen,verified"`
	State  State     `json:"state" enum:"done,held,waived"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	Codes  []string  `json:"codes,omitempty" nullable:"false" doc:"What was scanned with it"`
	Under  *Mark     `json:"under,omitempty" doc:"Of a hold: the mark that comes back when it ends"`
}

// MaxReason bounds a reason, in bytes.
const MaxReason = 500

// Act returns the mark that a step has after a person's action, nil for none, and whether
// anything changed. now holds who acts, when and why; before is nil where nobody said
// anything yet. Of two people who say the same the first one counts; who says it again
// changes nothing.
func Act(a Action, before *Mark, now Mark) (after *Mark, changed bool, err error) {
	if err := now.check(a); err != nil {
		return nil, false, err
	}
	held := before != nil && before.State == Held
	if before.again(a, now) {
		return before, false, nil
	}
	if held && a != DoResume {
		return nil, false, fault.Conflictf("%s is held by %s: %s", now.Step, before.By, before.Reason).WithHint("resume it first")
	}
	switch a {
	case DoDone:
		return sayDone(before, now)
	case DoHold:
		now.State, now.Under = Held, before
		return &now, true, nil
	case DoWaive:
		if before != nil && before.State == Waived {
			return nil, false, fault.Conflictf("%s is waived already by %s: %s", now.Step, before.By, before.Reason).
				WithHint("undo it first to give another reason")
		}
		now.State = Waived
		return &now, true, nil
	case DoResume:
		if !held {
			return nil, false, fault.Conflictf("%s is not held", now.Step).WithHint("'rackwright rack tasks' shows how it stands")
		}
		return before.Under, true, nil
	case DoUndo:
		if before == nil {
			return nil, false, fault.Conflictf("nobody marked %s by hand", now.Step).WithHint("evidence cannot be taken back")
		}
		return nil, true, nil
	}
	return nil, false, fault.Invalidf("there is no action %q", a).WithHint("actions are done, hold, resume, waive and undo")
}

// again reports whether somebody repeats a hold or a waiver, word for word.
func (m *Mark) again(a Action, now Mark) bool {
	if m == nil || m.By != now.By || m.Reason != now.Reason {
		return false
	}
	return (a == DoHold && m.State == Held) || (a == DoWaive && m.State == Waived)
}

// check refuses what no step and no reason can be.
func (m Mark) check(a Action) error {
	if !slices.Contains(Steps(), m.Step) {
		return fault.Invalidf("there is no step %q", m.Step).WithHint("steps are receive, mount, cable, power, seen and verified")
	}
	if len(m.Reason) > MaxReason {
		return fault.Invalidf("the reason is longer than %d bytes", MaxReason).WithHint("say it shorter")
	}
	if (a == DoHold || a == DoWaive) && m.Reason == "" {
		return fault.Invalidf("to %s a step needs a reason", a).WithHint("say why in reason (--reason)")
	}
	return nil
}

func sayDone(before *Mark, now Mark) (*Mark, bool, error) {
	if !now.Step.byHand() {
		return nil, false, fault.Conflictf("only evidence completes %s", now.Step).WithHint("waive it with a reason if it has to pass without")
	}
	if before != nil && before.State == Done && len(now.Codes) == 0 {
		return before, false, nil
	}
	now.State = Done
	return &now, true, nil
}

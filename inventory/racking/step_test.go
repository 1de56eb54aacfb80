package racking_test

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory/racking"
)

// act is what bob does after whatever was said before.
func act(a racking.Action, before *racking.Mark, n racking.StepName, reason string) (*racking.Mark, bool, error) {
	return racking.Act(a, before, racking.Mark{Owner: "one", Step: n, By: "bob", At: now, Reason: reason})
}

func TestWhatAPersonSaysOfAStep(t *testing.T) {
	isDone, isHeld, isWaived := said("one", racking.Mount, racking.Done), said("one", racking.Mount, racking.Held), said("one", racking.Mount, racking.Waived)
	bobHolds, bobWaives := isHeld, isWaived
	bobHolds.By, bobHolds.Reason, bobWaives.By, bobWaives.Reason = "bob", "why", "bob", "why"
	for name, c := range map[string]struct {
		action racking.Action
		before *racking.Mark
		step   racking.StepName
		reason string
		want   racking.State // "" for none
		same   bool
		fault  fault.Kind
	}{
		"done":                        {action: racking.DoDone, step: racking.Mount, want: racking.Done},
		"done twice is done once":     {action: racking.DoDone, before: &isDone, step: racking.Mount, want: racking.Done, same: true},
		"nobody's word is a sighting": {action: racking.DoDone, step: racking.Seen, fault: fault.Conflict},
		"held":                        {action: racking.DoHold, step: racking.Seen, reason: "why", want: racking.Held},
		"held without a reason":       {action: racking.DoHold, step: racking.Mount, fault: fault.Invalid},
		"held by another":             {action: racking.DoHold, before: &isHeld, step: racking.Mount, reason: "why", fault: fault.Conflict},
		"done while it is held":       {action: racking.DoDone, before: &isHeld, step: racking.Mount, fault: fault.Conflict},
		"resumed":                     {action: racking.DoResume, before: &isHeld, step: racking.Mount},
		"resumed but not held":        {action: racking.DoResume, before: &isDone, step: racking.Mount, fault: fault.Conflict},
		"waived":                      {action: racking.DoWaive, before: &isDone, step: racking.Mount, reason: "why", want: racking.Waived},
		"waived without a reason":     {action: racking.DoWaive, step: racking.Mount, fault: fault.Invalid},
		"held again, word for word":   {action: racking.DoHold, before: &bobHolds, step: racking.Mount, reason: "why", want: racking.Held, same: true},
		"held again, another reason":  {action: racking.DoHold, before: &bobHolds, step: racking.Mount, reason: "wherefore", fault: fault.Conflict},
		"waived again, word for word": {action: racking.DoWaive, before: &bobWaives, step: racking.Mount, reason: "why", want: racking.Waived, same: true},
		"waived twice":                {action: racking.DoWaive, before: &isWaived, step: racking.Mount, reason: "why", fault: fault.Conflict},
		"taken back":                  {action: racking.DoUndo, before: &isWaived, step: racking.Mount},
		"nothing to take back":        {action: racking.DoUndo, step: racking.Mount, fault: fault.Conflict},
		"no such step":                {action: racking.DoDone, step: "paint", fault: fault.Invalid},
		"no such action":              {action: "paint", step: racking.Mount, fault: fault.Invalid},
		"a reason like a book":        {action: racking.DoHold, step: racking.Mount, reason: strings.Repeat("x", 501), fault: fault.Invalid},
	} {
		got, changed, err := act(c.action, c.before, c.step, c.reason)
		switch {
		case c.fault != 0:
			if !fault.Is(err, c.fault) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || changed == c.same || (got == nil) != (c.want == "") || (got != nil && got.State != c.want):
			t.Errorf("%s: %+v, changed %v, %v", name, got, changed, err)
		}
	}
}

func TestAHoldThatEndsGivesBackWhatWasSaidBefore(t *testing.T) {
	before := said("one", racking.Mount, racking.Done)
	hold, _, err := act(racking.DoHold, &before, racking.Mount, "rails are bent")
	if err != nil || hold.By != "bob" {
		t.Fatalf("%+v, %v", hold, err)
	}
	if after, changed, err := act(racking.DoResume, hold, racking.Mount, ""); err != nil || !changed || after == nil || after.By != "ada" || after.State != racking.Done {
		t.Errorf("%+v, %v", after, err)
	}
}

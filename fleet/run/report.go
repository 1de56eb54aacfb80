package run

import (
	"fmt"

	"rackwright/deploy"
	"rackwright/fleet"
	"rackwright/journal"
	"rackwright/store"
)

// fetched is at which part of a write step, in thousandths, all of the image has come: the
// rest is reading back.
const fetched = 500

// reportOf is an operation as a fleet sees it: one that waits for a person has failed
// until that person lets it go on.
func reportOf(o *deploy.Operation) fleet.Report {
	r := fleet.Report{State: fleet.Running, Operation: o.ID}
	r.Stage, r.Share = stageOf(o)
	for _, s := range o.Steps {
		if s.Name == deploy.StepWrite && !s.Started.IsZero() {
			r.Boot = s.Started.Sub(o.Created)
		}
	}
	switch o.State {
	case deploy.Succeeded:
		r.State, r.Times = fleet.Done, timesOf(o)
	case deploy.Parked, deploy.Failed:
		r.State, r.Reason, r.Why = fleet.Failed, o.Reason, o.Reason+": "+o.Message
	case deploy.Cancelled:
		r.State, r.Reason, r.Why = fleet.Failed, "cancelled", "its operation was cancelled"
	}
	return r
}

func stageOf(o *deploy.Operation) (fleet.Stage, float64) {
	for i, s := range o.Steps {
		if s.Name != deploy.StepWrite {
			continue
		}
		switch {
		case i > o.Current || i == o.Current && s.State == deploy.StepTodo:
			return fleet.Boot, 0
		case i < o.Current:
			return fleet.Finish, 1
		case s.Total <= 0 || s.Done <= 0:
			return fleet.Write, 0
		}
		share := float64(s.Done) / float64(s.Total) * 1000 / fetched
		if share >= 1 {
			return fleet.Finish, 1
		}
		return fleet.Write, share
	}
	return fleet.Boot, 0 // nothing of the kind: its bytes come in ways of their own
}

func timesOf(o *deploy.Operation) (t fleet.Times) {
	for _, s := range o.Steps {
		if s.Name == deploy.StepWrite && !s.Started.IsZero() && !s.Ended.IsZero() {
			return fleet.Times{Write: s.Ended.Sub(s.Started), Finish: o.Finished.Sub(s.Ended)}
		}
	}
	return fleet.Times{Finish: o.Finished.Sub(o.Created)}
}

// events says what a fleet did.
func events(was, now *fleet.Fleet) (out []journal.Event) {
	say := func(what, why string) *journal.Event {
		if why != "" {
			what += ": " + why
		}
		out = append(out, store.FleetEvent(now, string(now.Kind), what))
		return &out[len(out)-1]
	}
	if now.State != was.State {
		say(string(now.State), now.Why)
	}
	if now.Wave != was.Wave {
		say(fmt.Sprintf("wave %d", now.Wave), "")
	}
	before := map[string]fleet.State{}
	for i := range was.Members {
		before[was.Members[i].Machine] = was.Members[i].State
	}
	for i := range now.Members {
		if m := &now.Members[i]; m.State != before[m.Machine] {
			e := say(fmt.Sprintf("%s is %s", m.Name, m.State), m.Why)
			e.Machine, e.Name, e.Operation = m.Machine, m.Name, m.Operation
		}
	}
	return out
}

package rollout

import (
	"time"

	"rackwright/deploy"
)

// Stage is how far the deployment of a machine is, as far as it weighs on others.
type Stage string

// The stages.
const (
	Boot   Stage = "boot"   // from its order until bytes of the image come
	Write  Stage = "write"  // it draws on the network
	Finish Stage = "finish" // the image is there: read back, first boot
)

// Report is what became of a member that was begun, or was to be.
type Report struct {
	State     ReportState
	Operation string
	Reason    string // stable code, of a failure
	Why       string
	Stage     Stage
	Share     float64       // of the image
	Boot      time.Duration // until it began to write; 0: it did not yet
	Times     Times         // of one that is deployed
}

// ReportState is the sort of a report.
type ReportState string

// The sorts of report.
const (
	IsRunning ReportState = "running"
	IsDone    ReportState = "done"
	IsFailed  ReportState = "failed"  // ended badly, or stopped and waits for a person
	IsBusy    ReportState = "busy"    // not begun: something else has the machine
	IsSkipped ReportState = "skipped" // not begun: no way
)

// Times are how long a deployment took from when it began to write.
type Times struct {
	Write  time.Duration `json:"write_ns"`
	Finish time.Duration `json:"finish_ns"`
}

// fetched is at which part of a write step, in thousandths, all of the image has come: the
// rest is reading back.
const fetched = 500

// ReportOf is an operation as a rollout sees it: one that waits for a person has failed
// until that person lets it go on.
func ReportOf(o *deploy.Operation) Report {
	r := Report{State: IsRunning, Operation: o.ID}
	r.Stage, r.Share = stageOf(o)
	for _, s := range o.Steps {
		if s.Name == deploy.StepWrite && !s.Started.IsZero() {
			r.Boot = s.Started.Sub(o.Created)
		}
	}
	switch o.State {
	case deploy.Succeeded:
		r.State, r.Times = IsDone, timesOf(o)
	case deploy.Parked, deploy.Failed:
		r.State, r.Reason, r.Why = IsFailed, o.Reason, o.Reason+": "+o.Message
	case deploy.Cancelled:
		r.State, r.Reason, r.Why = IsFailed, "cancelled", "its operation was cancelled"
	}
	return r
}

func stageOf(o *deploy.Operation) (Stage, float64) {
	for i, s := range o.Steps {
		if s.Name != deploy.StepWrite {
			continue
		}
		switch {
		case i > o.Current || i == o.Current && s.State == deploy.StepTodo:
			return Boot, 0
		case i < o.Current:
			return Finish, 1
		case s.Total <= 0 || s.Done <= 0:
			return Write, 0
		}
		share := float64(s.Done) / float64(s.Total) * 1000 / fetched
		if share >= 1 {
			return Finish, 1
		}
		return Write, share
	}
	return Boot, 0 // nothing of the kind: its bytes come in ways of their own
}

func timesOf(o *deploy.Operation) (t Times) {
	for _, s := range o.Steps {
		if s.Name == deploy.StepWrite && !s.Started.IsZero() && !s.Ended.IsZero() {
			return Times{Write: s.Ended.Sub(s.Started), Finish: o.Finished.Sub(s.Ended)}
		}
	}
	return Times{Finish: o.Finished.Sub(o.Created)}
}

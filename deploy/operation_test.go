package deploy_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
)

// at is a deployment whose step of that name is being done.
func at(t *testing.T, step deploy.StepName, s deploy.State) *deploy.Operation {
	t.Helper()
	steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: racked(), Order: deploy.Order{Digest: "sha256:0"}})
	if err != nil {
		t.Fatal(err)
	}
	o := &deploy.Operation{ID: "id", Kind: deploy.Deploy, State: s, Steps: steps}
	for i := range o.Steps {
		s := &o.Steps[i]
		s.State, s.Started, s.Attempts, s.Done, s.Total, s.Note = deploy.StepDone, time.Unix(1, 0), 3, 5, 9, "note"
		if s.Name == step {
			s.State, o.Current = deploy.StepDoing, i
			return o
		}
	}
	t.Fatalf("a deployment has no step %s", step)
	return nil
}

func TestAMachineNetbootsTheAgentOnlyUntilTheImageIsProven(t *testing.T) {
	for step, want := range map[deploy.StepName]bool{deploy.StepCheck: false, deploy.StepBootNet: true, deploy.StepPower: true, deploy.StepDHCP: true, deploy.StepLoader: true,
		deploy.StepRamdisk: true, deploy.StepWrite: true, deploy.StepBootDisk: false, deploy.StepReboot: false, deploy.StepPhone: false, deploy.StepSettle: false} {
		for state, open := range map[deploy.State]bool{deploy.Queued: false, deploy.Running: true, deploy.Parked: true, deploy.Succeeded: false, deploy.Failed: false, deploy.Cancelled: false} {
			if got := at(t, step, state).Netboots(); got != (want && open) {
				t.Errorf("%s at %s netboots the agent: %v", state, step, got)
			}
		}
	}
	power := &deploy.Operation{Kind: deploy.Power, State: deploy.Running, Steps: []deploy.Step{{Name: deploy.StepPower}}}
	if power.Netboots() || deploy.Destructive(power.Kind, power.Order) || !deploy.Destructive(deploy.Deploy, deploy.Order{}) {
		t.Error("power is no deployment")
	}
}

func TestAfterTheLastStepThereIsNone(t *testing.T) {
	o := at(t, deploy.StepSettle, deploy.Running)
	if !o.At(deploy.StepPhone, deploy.StepSettle) || o.At(deploy.StepWrite) {
		t.Error("it is at settle")
	}
	o.Current++
	if o.Step() != nil || o.At(deploy.StepSettle) || o.Netboots() {
		t.Error("it goes on after its end")
	}
}

func TestARetryBeginsTheParkedStepAnew(t *testing.T) {
	o := at(t, deploy.StepPhone, deploy.Parked)
	o.Reason, o.Message, o.Hint, o.Cancel, o.Turn = "r", "m", "h", true, 4
	o.Restart()
	if s := o.Step(); s.Name != deploy.StepPhone || s.State != deploy.StepTodo || s.Attempts != 0 || s.Done != 0 || s.Note != "" || !s.Started.IsZero() || s.Budget != 1 || s.Limit == 0 {
		t.Errorf("the step is %+v", s)
	}
	if o.State != deploy.Running || o.Reason+o.Message+o.Hint != "" || o.Cancel || o.Turn != 5 || o.Steps[0].State != deploy.StepDone {
		t.Errorf("the operation is %+v", o)
	}
}

func TestARetryOfTheWriteNetbootsTheMachineAgain(t *testing.T) {
	o := at(t, deploy.StepWrite, deploy.Parked)
	first := deploy.OrderID(o, "write")
	o.Restart()
	if o.Step().Name != deploy.StepBootNet || o.Steps[0].State != deploy.StepDone {
		t.Errorf("it goes on at %s", o.Step().Name)
	}
	for _, s := range o.Steps[o.Current:] {
		if s.State != deploy.StepTodo {
			t.Errorf("%s is %s", s.Name, s.State)
		}
	}
	if deploy.OrderID(o, "write") == first {
		t.Error("the agent would take the order for one it has done")
	}
	o.Rewind("no such step")
	if o.Current != 0 {
		t.Errorf("rewound to %d", o.Current)
	}
}

func TestStatesThatEndedAreLeftByNoEdge(t *testing.T) {
	drawing, into := deploy.Drawing(), map[deploy.State]bool{}
	for _, e := range deploy.StateEdges() {
		if e.From.Ended() || e.Cause == "" {
			t.Errorf("%s to %s", e.From, e.To)
		}
		into[e.To] = true
		if !strings.Contains(drawing, string(e.From)+" --> "+string(e.To)) {
			t.Errorf("%s to %s is not drawn", e.From, e.To)
		}
	}
	for _, s := range []deploy.State{deploy.Running, deploy.Parked, deploy.Succeeded, deploy.Failed, deploy.Cancelled} {
		if !into[s] {
			t.Errorf("nothing becomes %s", s)
		}
	}
}

func TestAnEndIsWordedAsPeopleSayIt(t *testing.T) {
	for state, want := range map[deploy.State]string{deploy.Cancelled: "was cancelled", deploy.Succeeded: "has succeeded", deploy.Failed: "has failed"} {
		if got := state.Ending(); got != want {
			t.Errorf("%s: %q", state, got)
		}
	}
}

package run

import (
	"testing"

	"rackwright/deploy"
	"rackwright/fleet"
)

func TestAnOperationIsSeenByWhatItDrawsOn(t *testing.T) {
	step := func(name deploy.StepName, s deploy.StepState, done int64) deploy.Step {
		return deploy.Step{Name: name, State: s, Done: done, Total: 1000}
	}
	for _, c := range []struct {
		current int
		steps   []deploy.Step
		stage   fleet.Stage
		share   float64
	}{
		{0, []deploy.Step{step(deploy.StepDHCP, deploy.StepDoing, 0), step(deploy.StepWrite, deploy.StepTodo, 0)}, fleet.Boot, 0},
		{1, []deploy.Step{step(deploy.StepDHCP, deploy.StepDone, 0), step(deploy.StepWrite, deploy.StepDoing, 250)}, fleet.Write, 0.5},
		{1, []deploy.Step{step(deploy.StepDHCP, deploy.StepDone, 0), step(deploy.StepWrite, deploy.StepDoing, 700)}, fleet.Finish, 1},
		{2, []deploy.Step{step(deploy.StepDHCP, deploy.StepDone, 0), step(deploy.StepWrite, deploy.StepDone, 1000), step(deploy.StepPhone, deploy.StepDoing, 0)}, fleet.Finish, 1},
		{0, []deploy.Step{step(deploy.StepStart, deploy.StepDoing, 0)}, fleet.Boot, 0},
	} {
		r := reportOf(&deploy.Operation{State: deploy.Running, Current: c.current, Steps: c.steps})
		if r.State != fleet.Running || r.Stage != c.stage || r.Share != c.share {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	if r := reportOf(&deploy.Operation{State: deploy.Parked, Reason: "disk-io", Message: "it hurts"}); r.State != fleet.Failed || r.Reason != "disk-io" {
		t.Errorf("%+v", r)
	}
}

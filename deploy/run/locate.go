package run

import (
	"context"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
)

// located makes the locator LED as it was asked for. One that is lit goes off again when
// its time is over, counted from the step's begin; the step's total says that it is lit.
func located(ctx context.Context, j *job, s *deploy.Step) outcome {
	if j.op.Order.Locate == "off" {
		return j.light(ctx, false, done())
	}
	if s.Total == 0 {
		s.Total = int64(j.op.Order.Seconds)
		o := j.light(ctx, true, wait(0))
		if o.verdict != isWaiting {
			s.Total = 0
		}
		return o
	}
	over := s.Started.Add(time.Duration(s.Total) * time.Second)
	left := over.Sub(j.w.Now())
	if left <= 0 {
		s.Done = s.Total
		return j.light(ctx, false, done())
	}
	s.Done = s.Total - int64(left.Seconds())
	return wait(min(left, look))
}

// light sets the LED; it returns then when that went well.
func (j *job) light(ctx context.Context, on bool, then outcome) outcome {
	what := map[bool]string{true: "locator LED on", false: "locator LED off"}[on]
	if err := j.act(ctx, what, func(ctx context.Context, c bmc.Controller) error { return c.Locate(ctx, on) }); err != nil {
		return retry(err)
	}
	return then
}

// darken puts the LED out that a cancelled operation has lit. Where the BMC does not
// answer it stays lit: the journal says so.
func (j *job) darken(ctx context.Context) {
	if s := j.op.Step(); s == nil || s.Name != deploy.StepLocate || s.Total == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastTry)
	defer cancel()
	j.light(ctx, false, done())
}

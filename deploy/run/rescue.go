package run

import (
	"context"
	"encoding/json"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
)

// rescued lets a person in until the time is over or they say that they have finished.
func rescued(ctx context.Context, j *job, s *deploy.Step) outcome {
	long := time.Duration(j.op.Order.Rescue.Seconds) * time.Second
	if s.Door != nil && !j.w.Now().Before(s.Started.Add(long)) {
		j.event(journal.OpStep, "the rescue's time is over", "step", s.Name)
		s.Door = nil
		return done()
	}
	o := ordered(wire.Rescue, opened)(ctx, j, s)
	if o.verdict == isDone {
		s.Door = nil
	}
	return o
}

// opened notes how to get in. What the agent tells is judged before people are told to
// type it.
func opened(_ context.Context, _ *job, s *deploy.Step, r wire.Event) outcome {
	var d wire.Door
	if err := json.Unmarshal(r.Result, &d); err != nil {
		return park("bad-door", fault.Invalidf("the agent's door is not understood: %w", err).Error(), hintOr(""))
	}
	if door, ok := deploy.NewDoor(d.Address, d.HostKey); ok {
		s.Door = &door
	}
	return done()
}

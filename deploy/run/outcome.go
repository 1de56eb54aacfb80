package run

import (
	"context"
	"fmt"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// verdict is how a try at a step ended.
type verdict uint8

const (
	isDone verdict = iota
	isWaiting
	isRetry
	isParked
	isFailed
	isRewind
)

// outcome is a verdict and what belongs to it.
type outcome struct {
	verdict verdict
	at      time.Time       // done: when it became true, zero for now
	after   time.Duration   // waiting: look again then at the latest
	err     error           // retry
	reason  string          // parked, failed
	message string          // parked, failed, rewind
	hint    string          // parked, failed
	to      deploy.StepName // rewind
}

func done() outcome                    { return outcome{verdict: isDone} }
func doneAt(t time.Time) outcome       { return outcome{verdict: isDone, at: t} }
func wait(after time.Duration) outcome { return outcome{verdict: isWaiting, after: after} }
func retry(err error) outcome          { return outcome{verdict: isRetry, err: err} }
func park(reason, message, hint string) outcome {
	return outcome{verdict: isParked, reason: reason, message: message, hint: hint}
}

// failed ends the operation: it can never succeed as it was asked for.
func failed(reason string, err error) outcome {
	return outcome{verdict: isFailed, reason: reason, message: err.Error(), hint: hintFor(err)}
}
func rewind(to deploy.StepName, message string) outcome {
	return outcome{verdict: isRewind, to: to, message: message}
}

// maxTurns bounds how often an operation starts its netboot over by itself.
const maxTurns = 4

// settle turns an outcome into the operation's next state and saves it.
func (j *job) settle(ctx context.Context, s *deploy.Step, o outcome) error {
	if ctx.Err() != nil {
		return ctx.Err() // we stop, the operation does not
	}
	switch o.verdict {
	case isDone:
		return j.stepDone(ctx, s, o)
	case isWaiting:
		j.op.Due = j.w.Now().Add(o.after)
		return j.save(ctx)
	case isRewind:
		return j.again(ctx, o)
	case isParked:
		return j.park(ctx, o)
	case isFailed:
		return j.fail(ctx, o)
	}
	return j.stepFailed(ctx, s, o.err)
}

func (j *job) stepDone(ctx context.Context, s *deploy.Step, o outcome) error {
	s.State, s.Ended, s.Note = deploy.StepDone, j.w.Now().UTC(), ""
	if !o.at.IsZero() && o.at.After(s.Started) {
		s.Ended = o.at
	}
	j.event(journal.OpStep, fmt.Sprintf("%s: done", s.Title), "step", s.Name, "seconds", s.Ended.Sub(s.Started).Seconds())
	j.op.Current++
	if next := j.op.Step(); next != nil {
		next.State, next.Started = deploy.StepDoing, s.Ended
		j.op.Due = j.w.Now()
		return j.save(ctx)
	}
	return j.succeed(ctx)
}

func (j *job) succeed(ctx context.Context) error {
	j.op.State = deploy.Succeeded
	j.event(journal.OpState, fmt.Sprintf("%s succeeded", j.op.Kind), "state", j.op.State)
	if err := j.stopped(ctx, nil); err != nil {
		return err
	}
	return j.save(ctx)
}

// stepFailed counts a failure that may pass. What cannot pass (wrong password, wrong
// certificate, a BMC that cannot do it) parks at once: trying again locks accounts.
func (j *job) stepFailed(ctx context.Context, s *deploy.Step, err error) error {
	s.Attempts++
	s.Note = err.Error()
	kind := fault.KindOf(err)
	if kind == fault.Denied || kind == fault.Invalid || s.Attempts >= s.Budget {
		return j.park(ctx, park(fmt.Sprintf("%s-%s", s.Name, kind), err.Error(), hintFor(err)))
	}
	j.event(journal.OpStep, fmt.Sprintf("%s: attempt %d of %d failed: %s", s.Title, s.Attempts, s.Budget, err), "step", s.Name)
	j.op.Due = j.w.Now().Add(backoff(s.Attempts))
	return j.save(ctx)
}

func hintFor(err error) string {
	if h := fault.HintOf(err); h != "" {
		return h
	}
	return "mend what the message names, then 'rackwright operation retry'"
}

func backoff(attempts int) time.Duration { return min(time.Minute, time.Second<<attempts) }

// park stops the operation where it is, with the reason on the machine as a condition.
func (j *job) park(ctx context.Context, o outcome) error {
	j.op.State, j.op.Reason, j.op.Message, j.op.Hint = deploy.Parked, o.reason, o.message, o.hint
	j.event(journal.OpState, fmt.Sprintf("%s parked (%s): %s", j.op.Kind, o.reason, o.message), "state", j.op.State, "reason", o.reason, "hint", o.hint)
	c := &inventory.Condition{Type: conditionOf(j.op.Kind), Reason: o.reason, Evidence: o.message, Hint: o.hint, Since: j.w.Now()}
	if err := j.stopped(ctx, c); err != nil {
		return err
	}
	return j.save(ctx)
}

// fail ends the operation, with no condition: nothing waits for hands.
func (j *job) fail(ctx context.Context, o outcome) error {
	j.op.State, j.op.Reason, j.op.Message, j.op.Hint = deploy.Failed, o.reason, o.message, o.hint
	j.event(journal.OpState, fmt.Sprintf("%s failed (%s): %s", j.op.Kind, o.reason, o.message), "state", j.op.State, "reason", o.reason, "hint", o.hint)
	if err := j.stopped(ctx, nil); err != nil {
		return err
	}
	return j.save(ctx)
}

// again starts the netboot over.
func (j *job) again(ctx context.Context, o outcome) error {
	if j.op.Turn >= maxTurns {
		return j.park(ctx, park("agent-lost", o.message, "look at the machine's console and 'rackwright machine timeline', then 'rackwright operation retry'"))
	}
	j.op.Turn++
	j.op.Rewind(o.to)
	j.op.Due = j.w.Now()
	j.event(journal.OpStep, o.message+"; it is netbooted again", "step", o.to)
	return j.save(ctx)
}

func (j *job) cancel(ctx context.Context) error {
	j.darken(ctx)
	j.leaveDrive(ctx)
	j.op.State = deploy.Cancelled
	j.event(journal.OpState, fmt.Sprintf("%s cancelled", j.op.Kind), "state", j.op.State)
	if err := j.stopped(ctx, nil); err != nil {
		return err
	}
	return j.save(ctx)
}

// stopped ends what the operation lent out and sets or clears its condition.
func (j *job) stopped(ctx context.Context, c *inventory.Condition) error {
	if j.op.State.Ended() {
		if err := j.w.Store.EndSessions(ctx, j.op.ID); err != nil {
			return err
		}
	}
	_, err := j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		inventory.SetCondition(m, c, conditionOf(j.op.Kind))
		return nil, nil
	})
	return err
}

func conditionOf(k deploy.Kind) string { return string(k) + "-parked" }

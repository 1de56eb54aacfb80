package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/journal"
)

// How an update waits.
const (
	lookTask = 5 * time.Second  // between two looks at the BMC's task
	doubtful = 20 * time.Minute // until a file that the BMC may have taken shows no effect
)

// handed makes one file the BMC's, and follows its task to the end. Before it is sent the
// step is marked with the next claim; a worker that finds the mark of another does not
// send it, but looks whether it had an effect.
func handed(ctx context.Context, j *job, s *deploy.Step) outcome {
	p := j.op.Pick()
	if p == nil {
		return park("no-order", "the operation does not say which file", "cancel it and ask anew")
	}
	o := j.handOver(ctx, s, p)
	if o.verdict == isDone || o.verdict == isParked {
		if err := j.w.Store.EndTickets(ctx, j.op.ID); err != nil {
			return retry(err)
		}
	}
	return o
}

func (j *job) handOver(ctx context.Context, s *deploy.Step, p *firmware.Pick) outcome {
	switch sent := s.Sent; {
	case sent == nil:
		there, now, err := j.runs(ctx, p)
		if err != nil {
			return retry(err)
		}
		if there {
			j.event(journal.OpStep, fmt.Sprintf("%s has %s already", p.Component, now), "step", s.Name)
			return done()
		}
		s.Sent = j.mark()
		return wait(0)
	case sent.Taken:
		return j.followTask(ctx, s, p)
	case !sent.Lost && sent.Fence == j.op.Fence:
		return j.send(ctx, s, p)
	}
	return j.doubt(ctx, s, p, "a server stopped while it handed the file over")
}

// mark is the right of the next claim, and of no other, to do something once.
func (j *job) mark() *deploy.Sent {
	return &deploy.Sent{Fence: j.op.Fence + 1, At: j.w.Now().UTC()}
}

// send hands the file over. Where the BMC refused, it did not take it; where it fell
// silent, only the effect can tell.
func (j *job) send(ctx context.Context, s *deploy.Step, p *firmware.Pick) outcome {
	ticket, err := j.w.Store.IssueTicket(ctx, j.op.ID, p.Digest)
	if err != nil {
		s.Sent = nil
		return retry(err)
	}
	if _, err := j.controller(ctx); err != nil { // nothing was sent
		s.Sent = nil
		return retry(err)
	}
	var task bmc.Task
	err = j.act(ctx, fmt.Sprintf("%s handed over (%s %s)", p.File, p.Component, p.To), func(ctx context.Context, c bmc.Controller) (err error) {
		task, err = c.StartUpdate(ctx, bmc.Update{Name: p.Original, Size: p.Size, OnReset: p.Reset == firmware.ResetHost,
			URI: j.w.Depot.URL(j.machine.BMC.Address, ticket, p.Original), Open: func() (io.ReadCloser, error) { return j.w.Depot.OpenFile(p.Digest) }})
		return without(err, ticket)
	})
	switch kind := fault.KindOf(err); {
	case err == nil:
		s.Sent.Taken, s.Sent.Task = true, task.ID
		return j.progress(ctx, s, p, task)
	case kind == fault.Conflict || kind == fault.Denied || kind == fault.Invalid || kind == fault.NotFound:
		s.Sent = nil
		return retry(err)
	}
	return j.doubt(ctx, s, p, err.Error())
}

// doubt waits for the effect of a file that the BMC may have taken.
func (j *job) doubt(ctx context.Context, s *deploy.Step, p *firmware.Pick, why string) outcome {
	if !s.Sent.Lost {
		s.Sent.Lost, s.Note = true, why+"; it is not sent again, its version will tell"
		j.event(journal.OpStep, s.Title+": "+s.Note, "step", s.Name)
	}
	there, now, err := j.runs(ctx, p)
	switch {
	case err == nil && there:
		return done()
	case j.w.Now().Sub(s.Sent.At) > doubtful && err == nil:
		return park("update-unknown", fmt.Sprintf("nobody knows whether the BMC took %s, and %s still has %s", p.File, p.Component, now),
			"see its log; 'rackwright operation retry' sends the file again")
	}
	return wait(look)
}

// followTask looks at the BMC's task. A BMC that restarts with its new firmware is silent
// for minutes, may forget the task, and may refuse everybody while it comes up.
func (j *job) followTask(ctx context.Context, s *deploy.Step, p *firmware.Pick) outcome {
	if s.Sent.Task == "" {
		return j.ended(ctx, s, p)
	}
	hand, err := j.controller(ctx)
	var task bmc.Task
	if err == nil {
		task, err = hand.Task(ctx, s.Sent.Task)
	}
	switch kind := fault.KindOf(err); {
	case err == nil:
		return j.progress(ctx, s, p, task)
	case kind == fault.NotFound:
		return j.progress(ctx, s, p, bmc.Task{State: bmc.TaskLost})
	case kind == fault.Invalid:
		return retry(err)
	case kind == fault.Denied:
		s.Note = "the BMC refuses us, perhaps while it starts: " + err.Error()
		return wait(time.Minute)
	}
	s.Note = "the BMC does not answer; it may be restarting"
	return wait(look)
}

// progress goes by what the task says.
func (j *job) progress(ctx context.Context, s *deploy.Step, p *firmware.Pick, t bmc.Task) outcome {
	if t.Message = told(t.Message); t.Message != "" {
		s.Note = t.Message
	}
	switch t.State {
	case bmc.TaskFailed:
		return park("update-failed", fmt.Sprintf("the BMC did not take %s: %s", p.File, or(t.Message, "it does not say why")),
			"see 'rackwright bmc log "+j.machine.Name+"'; 'rackwright operation retry' sends the file again")
	case bmc.TaskWaiting:
		if p.Reset == firmware.ResetHost {
			return done()
		}
	case bmc.TaskDone, bmc.TaskLost:
		return j.ended(ctx, s, p)
	}
	s.Done, s.Total = max(s.Done, int64(min(max(t.Percent, 0), 100))), 100
	return wait(lookTask)
}

// address is that of a file for a BMC, with its secret.
var address = regexp.MustCompile(`/bmc/firmware/[^/\s"']*`)

// told is what a BMC says in one short line. Some repeat the address that they fetch from,
// which is a secret while they do.
func told(message string) string {
	message = strings.Join(strings.Fields(address.ReplaceAllString(message, "/bmc/firmware/(hidden)")), " ")
	if len(message) > mostTold {
		message = strings.ToValidUTF8(message[:mostTold], "") + " ..."
	}
	return message
}

// mostTold bounds what of a BMC's words is kept, in bytes.
const mostTold = 400

// without takes a secret out of an error.
func without(err error, secret string) error {
	f, is := errors.AsType[*fault.Error](err)
	if err == nil || !strings.Contains(err.Error()+fault.HintOf(err), secret) {
		return err
	}
	if !is {
		return fault.Unreachablef("%s", strings.ReplaceAll(err.Error(), secret, "(hidden)"))
	}
	return fault.New(f.Kind, "%s", strings.ReplaceAll(err.Error(), secret, "(hidden)")).WithHint("%s", strings.ReplaceAll(f.Hint, secret, "(hidden)"))
}

// ended judges by the effect. What waits for the machine's restart has none yet.
func (j *job) ended(ctx context.Context, s *deploy.Step, p *firmware.Pick) outcome {
	if p.Reset == firmware.ResetHost {
		return done()
	}
	s.Sent.Task = ""
	there, now, err := j.runs(ctx, p)
	switch {
	case err == nil && there:
		return done()
	case err != nil:
		s.Note = "the task is over; the BMC does not answer, it may be restarting"
	default:
		s.Note = fmt.Sprintf("the task is over; %s still says %s", p.Component, or(now, "nothing"))
	}
	return wait(look)
}

func or(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

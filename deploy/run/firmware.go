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
	"rackwright/inventory"
	"rackwright/journal"
)

// How an update waits.
const (
	lookTask = 5 * time.Second  // between two looks at the BMC's task
	doubtful = 20 * time.Minute // until a file that the BMC may have taken shows no effect
)

// Depot has the bytes of firmware files.
type Depot interface {
	// OpenFile is NotFound when this server does not have them.
	OpenFile(digest string) (io.ReadCloser, error)
	// URL is where a BMC at an address fetches what a ticket is for; "" when no server of
	// ours can be reached by BMCs.
	URL(bmcAddress, ticket, original string) string
}

// Tickets let BMCs fetch files.
type Tickets interface {
	IssueTicket(ctx context.Context, operation, digest string) (string, error)
	EndTickets(ctx context.Context, operation string) error
}

// firmwareChecked sees, before anything is changed, that the files are here, that the BMC
// answers, and that the machine has the versions for which the files were chosen.
func firmwareChecked(ctx context.Context, j *job, _ *deploy.Step) outcome {
	o := j.op.Order.Firmware
	switch {
	case o == nil || len(o.Files) == 0 || j.machine.BMC == nil:
		return park("no-order", "the operation names no files, or the machine has no BMC any more", "cancel it and ask anew")
	case j.machine.Phase == inventory.Active && !o.Active:
		return park("machine-active", j.machine.Name+" became active meanwhile", "cancel this operation; ask again with --active once its work is moved away")
	}
	for _, p := range o.Files {
		if err := j.haveFile(p); err != nil {
			if fault.Is(err, fault.NotFound) {
				return park("firmware-gone", err.Error(), hintFor(err))
			}
			return retry(err)
		}
	}
	seen, err := j.versions(ctx, "firmware versions read")
	if err != nil {
		return retry(err)
	}
	if c := changed(seen, o.Files); c != "" {
		return park("firmware-changed", c, "cancel it and ask anew: other files may be right now")
	}
	return done()
}

// changed says which component is neither as it was when the files were chosen nor on the
// way that they go.
func changed(seen *inventory.Facts, files []firmware.Pick) string {
	for i, first := range files {
		v, fits := firmware.VersionIn(seen, first.Component), false
		for at, p := range files {
			same := firmware.Key(p.Component) == firmware.Key(first.Component)
			if same && at < i {
				fits = true // judged with the first of its component
			}
			fits = fits || same && firmware.Same(v, p.To)
		}
		if !fits && first.From != "" && !firmware.Same(v, first.From) {
			return fmt.Sprintf("%s has version %q; %s was chosen for %s", first.Component, v, first.File, first.From)
		}
	}
	return ""
}

func (j *job) haveFile(p firmware.Pick) error {
	if j.w.Depot == nil {
		return fault.NotFoundf("this server keeps no firmware files")
	}
	f, err := j.w.Depot.OpenFile(p.Digest)
	if err != nil {
		return err
	}
	return f.Close()
}

// versions reads the firmware inventory; what is "" is not noted in the journal.
func (j *job) versions(ctx context.Context, what string) (*inventory.Facts, error) {
	var list []bmc.Component
	read := func(ctx context.Context, c bmc.Controller) (err error) {
		list, err = c.Components(ctx)
		return err
	}
	var err error
	if what != "" {
		err = j.act(ctx, what, read)
	} else if hand, e := j.controller(ctx); e != nil {
		err = e
	} else {
		err = read(ctx, hand)
	}
	facts := &inventory.Facts{}
	for _, c := range list {
		facts.Versions = append(facts.Versions, inventory.Version{Component: c.Name, Version: c.Version})
	}
	for _, c := range list { // a baseline may name it by its id
		facts.Versions = append(facts.Versions, inventory.Version{Component: c.ID, Version: c.Version})
	}
	return facts, err
}

// runs reports whether a file's version is there. A BMC that does not answer may be
// restarting with it: then it is not known yet.
func (j *job) runs(ctx context.Context, p *firmware.Pick) (there bool, now string, err error) {
	seen, err := j.versions(ctx, "")
	if err != nil {
		return false, "", err
	}
	now = firmware.VersionIn(seen, p.Component)
	return firmware.Same(now, p.To), now, nil
}

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

// restarted restarts the machine once for all that is staged. It is never restarted in
// doubt: a second restart may hit the first one's flashing.
func restarted(ctx context.Context, j *job, s *deploy.Step) outcome {
	if s.Sent == nil {
		seen, err := j.versions(ctx, "")
		if err != nil {
			return retry(err)
		}
		if len(lagging(seen, j.op.Staged())) == 0 {
			j.event(journal.OpStep, "all runs already; no restart is needed", "step", s.Name)
			return done()
		}
		s.Sent = j.mark()
		return wait(0)
	}
	if s.Sent.Fence != j.op.Fence {
		j.event(journal.OpStep, "a server stopped while it restarted the machine; it is not restarted again, the versions will tell", "step", s.Name)
		return done()
	}
	began := false
	err := j.act(ctx, "restarted for its new firmware", func(ctx context.Context, c bmc.Controller) error {
		power, err := c.Power(ctx)
		if err != nil {
			return err
		}
		began = true
		if power == inventory.PowerOff {
			return c.On(ctx)
		}
		err = c.Reset(ctx)
		if fault.Is(err, fault.Invalid) {
			return c.Cycle(ctx)
		}
		return err
	})
	if kind := fault.KindOf(err); err != nil && (!began || kind == fault.Conflict || kind == fault.Invalid || kind == fault.Denied) {
		s.Sent = nil
		return retry(err)
	}
	if err := j.power(ctx, inventory.PowerOn); err != nil {
		return retry(err)
	}
	return done()
}

// lagging says what is not there yet.
func lagging(seen *inventory.Facts, files []firmware.Pick) (out []string) {
	for _, p := range files {
		if v := firmware.VersionIn(seen, p.Component); !firmware.Same(v, p.To) {
			out = append(out, fmt.Sprintf("%s is %s, not %s", p.Component, or(v, "not listed"), p.To))
		}
	}
	return out
}

// firmwareVerified waits until the firmware inventory has the versions. At the end the
// machine's facts are read anew, so that it is compared with its baseline by them.
func firmwareVerified(ctx context.Context, j *job, s *deploy.Step) outcome {
	seen, err := j.versions(ctx, "")
	if err != nil {
		if fault.Is(err, fault.Invalid) {
			return retry(err)
		}
		s.Note = "the BMC does not answer: " + err.Error()
		return wait(look)
	}
	files := j.op.Staged()
	late := lagging(seen, files)
	s.Done, s.Total = int64(len(files)-len(late)), int64(len(files))
	if len(late) > 0 {
		s.Note = strings.Join(late, "; ")
		return wait(look)
	}
	if j.op.Current+1 < len(j.op.Steps) {
		return done()
	}
	if err := j.factsAnew(ctx); err != nil {
		j.event(journal.BMCFailed, "the parts were not read after the update; that is done later: "+err.Error())
	}
	return done()
}

func (j *job) factsAnew(ctx context.Context) error {
	hand, err := j.controller(ctx)
	if err != nil {
		return err
	}
	facts, err := hand.Facts(ctx)
	if err != nil {
		return err
	}
	_, err = j.w.Store.ChangeMachine(context.WithoutCancel(ctx), j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		if m.Phase != inventory.Retired {
			m.Facts = &facts
		}
		return nil, nil
	})
	return err
}

package broker

import (
	"context"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// What a line to a BMC can be.
const (
	Idle      = "idle"      // no session
	Open      = "open"      // a session is open
	Silent    = "silent"    // the BMC does not answer; sweeps wait until Next
	Refused   = "refused"   // it did not let us in; nobody asks before Next or new credentials
	Elsewhere = "elsewhere" // another process has it
)

// Standing is how things stand between this process and a BMC.
type Standing struct {
	State   string    `json:"state" enum:"idle,open,silent,refused,elsewhere"`
	Since   time.Time `json:"since,omitzero"`
	Owner   string    `json:"owner,omitempty" doc:"Server process that talks to the BMC"`
	Error   string    `json:"error,omitempty" doc:"The last one"`
	Hint    string    `json:"hint,omitempty"`
	Next    time.Time `json:"next,omitzero" doc:"When it is tried again by itself"`
	Waiting int       `json:"waiting" doc:"Calls that wait for their turn"`
	Busy    int       `json:"busy" doc:"Calls in flight"`
}

// Status tells how things stand with a machine's BMC, without asking it.
func (b *Broker) Status(ctx context.Context, machineID string) (Standing, error) {
	h, err := b.o.Store.BMCHold(ctx, machineID, b.o.Owner)
	if err != nil {
		return Standing{}, err
	}
	b.mu.Lock()
	l := b.lines[machineID]
	b.mu.Unlock()
	s := Standing{State: Idle, Owner: h.Owner}
	if l != nil {
		l.standing(&s, h.Version)
	}
	switch {
	case serving(h.Refused, b.o.Now()):
		s.State, s.Since, s.Error, s.Hint, s.Next = Refused, h.Refused.At, h.Refused.Words, h.Refused.Hint, h.Refused.At.Add(penance)
	case !h.Mine && h.Owner != "":
		s.State, s.Since = Elsewhere, time.Time{}
	}
	return s, nil
}

// standing fills in what this process knows.
func (l *line) standing(s *Standing, version string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Waiting, s.Busy = len(l.order.waiting), l.order.busy()
	if l.version != version { // what is known is of another access
		return
	}
	switch {
	case serving(l.refusal, l.b.o.Now()):
		r := l.refusal
		s.State, s.Since, s.Error, s.Hint, s.Next = Refused, r.At, r.Words, r.Hint, r.At.Add(penance)
	case l.pause.err != nil:
		s.State, s.Since, s.Next = Silent, l.pause.since, l.pause.next
		s.Error, s.Hint = l.pause.err.Error(), fault.HintOf(l.pause.err)
	case l.session != nil || l.solo != nil:
		s.State, s.Since = Open, l.since
	}
}

// busy counts the calls in flight.
func (o *order) busy() int {
	n := o.greets
	for _, r := range o.reads[:bmc.Human+1] {
		n += r
	}
	for _, is := range []bool{o.change, o.alone} {
		if is {
			n++
		}
	}
	return n
}

package agent

import (
	"context"
	"errors"

	"rackwright/agent/wire"
	"rackwright/fault"
)

// maxOutcomes bounds how many orders a session does; it has one or two.
const maxOutcomes = 64

// refusal is why an order ends badly: the wire's reason, and the error.
type refusal struct {
	reason string
	err    error
}

// conclude reports how an order ended and remembers it.
func (a *agent) conclude(e wire.Event) {
	a.outcomes[e.Order] = e
	a.reporter.post(e)
}

// refuse concludes an order that was not begun: nothing on any disk has changed.
func (a *agent) refuse(ctx context.Context, o wire.Order, no *refusal) error {
	return a.badly(ctx, o, wire.Refused, no)
}

// fail concludes an order that was begun.
func (a *agent) fail(ctx context.Context, o wire.Order, reason string, err error) error {
	return a.badly(ctx, o, wire.Failed, &refusal{reason, err})
}

// badly concludes an order at one of the bad stages, unless the conversation is over: then
// nobody would hear it, and the error is returned.
func (a *agent) badly(ctx context.Context, o wire.Order, stage wire.Stage, no *refusal) error {
	if ctx.Err() != nil || errors.Is(no.err, errSession) {
		return no.err
	}
	hint := fault.HintOf(no.err)
	a.Say("%s: %v (%s)", stage, no.err, hint)
	a.conclude(wire.Event{Order: o.ID, Stage: stage, Reason: no.reason, Detail: no.err.Error(), Hint: hint})
	return nil
}

package watch

import (
	"context"
	"errors"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/broker"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// depth is how much one look reads.
type depth struct {
	parts   bool
	patient time.Duration // for one BMC
}

// Old BMCs take seconds for each answer: a dozen for a brief look, hundreds for the parts.
func brief() depth    { return depth{patient: 90 * time.Second} }
func thorough() depth { return depth{patient: 10 * time.Minute, parts: true} }

// errCrowded ends a look for which there is no place; it says nothing about the BMC.
var errCrowded = errors.New("too many BMCs are slow")

// look reads one BMC and keeps what it says. It reports whether the parts were read, and
// whether the BMC answered.
func (t *Task) look(ctx context.Context, m *inventory.Machine, d depth) (whole, answered bool) {
	within, cancel := context.WithTimeout(bmc.WithUrgency(ctx, bmc.Routine), d.patient)
	defer cancel()
	seen, err := t.read(within, m, d)
	if err != nil && (ctx.Err() != nil || elsewhere(err)) {
		return false, ctx.Err() == nil
	}
	if err == nil {
		t.hit(m)
	} else if passes(err) && !hasCondition(m, inventory.BMCUnusable) && !t.miss(m) {
		return false, false
	}
	if err == nil && seen.facts == nil && seen.power == m.Power && !hasCondition(m, inventory.BMCUnusable) {
		return false, true // all is as it was
	}
	saving := context.WithoutCancel(ctx)
	e, saveErr := t.witness(saving, m, seen)
	old := false
	if saveErr == nil {
		_, saveErr = t.Store.ChangeMachine(saving, m.ID, func(now *inventory.Machine) ([]journal.Event, error) {
			if now.Phase == inventory.Retired { // meanwhile; what its BMC said may be of the next machine
				return nil, nil
			}
			power := now.Power
			events := t.keep(now, seen, e, err)
			if old = outrun(m, now, power); old {
				now.Power = power
			}
			return events, nil
		})
	}
	if old {
		t.doubt(m)
	}
	if saveErr != nil {
		t.Log.Warn("what a BMC said was not kept", "machine", m.Name, "error", saveErr)
	}
	t.tell(m, err != nil)
	return seen.whole, err == nil
}

// outrun reports whether a machine changed since it was listed for a look, and its power state
// is known: it may have been learned after the BMC was asked, which takes up to a minute and a
// half. What the look found then waits for the next.
func outrun(listed, now *inventory.Machine, power inventory.Power) bool {
	return listed.Version != now.Version && power != inventory.PowerUnknown && power != now.Power
}

// elsewhere reports whether the BMC was not asked because others are at it.
func elsewhere(err error) bool {
	return broker.IsElsewhere(err) || fault.Is(err, fault.Conflict) && errors.Is(err, context.DeadlineExceeded)
}

// passes reports whether an error may be of the moment.
func passes(err error) bool { return fault.Is(err, fault.Unreachable) || fault.Is(err, fault.Conflict) }

// observation is what one look found.
type observation struct {
	power inventory.Power
	facts *inventory.Facts // nil: not asked for
	whole bool             // facts have the parts, not only the identity
}

func (t *Task) read(ctx context.Context, m *inventory.Machine, d depth) (seen observation, err error) {
	hand, err := t.BMC.Hand(ctx, m.ID)
	if err != nil {
		return seen, err
	}
	defer hand.Close(context.WithoutCancel(ctx))
	if seen.power, err = hand.Power(ctx); err != nil {
		return seen, err
	}
	var facts inventory.Facts
	switch {
	case d.parts:
		facts, err = hand.Facts(ctx)
	case unknown(m):
		facts, err = hand.Identity(ctx)
	default:
		return seen, nil
	}
	if err != nil && d.parts && !fault.Is(err, fault.Denied) { // it does tell its power
		t.Log.Warn("the parts of a machine were not read", "machine", m.Name, "error", err)
		return seen, nil
	}
	seen.facts, seen.whole = &facts, d.parts && err == nil
	return seen, err
}

// unknown reports whether the machine is still to be discovered.
func unknown(m *inventory.Machine) bool {
	return m.Phase == inventory.Planned || m.Phase == inventory.Racked
}

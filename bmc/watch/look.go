package watch

import (
	"context"
	"time"

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

// outcome is how a look went.
type outcome struct {
	denied bool // the BMC refused us
	whole  bool // the parts were read
}

// look reads one BMC and keeps what it says.
func (t *Task) look(ctx context.Context, m *inventory.Machine, d depth) outcome {
	ctx, cancel := context.WithTimeout(ctx, d.patient)
	defer cancel()
	seen, err := t.read(ctx, m, d)
	if err != nil && ctx.Err() == context.Canceled {
		return outcome{}
	}
	saving := context.WithoutCancel(ctx)
	e, saveErr := t.witness(saving, m, seen)
	if saveErr == nil {
		_, saveErr = t.Store.ChangeMachine(saving, m.ID, func(m *inventory.Machine) ([]journal.Event, error) {
			if m.Phase == inventory.Retired { // meanwhile; what its BMC said may be of the next machine
				return nil, nil
			}
			return t.keep(m, seen, e, err), nil
		})
	}
	if saveErr != nil {
		t.Log.Warn("what a BMC said was not kept", "machine", m.Name, "error", saveErr)
	}
	return outcome{denied: fault.Is(err, fault.Denied), whole: seen.whole}
}

// observation is what one look found.
type observation struct {
	power inventory.Power
	facts *inventory.Facts // nil: not asked for
	whole bool             // facts have the parts, not only the identity
}

func (t *Task) read(ctx context.Context, m *inventory.Machine, d depth) (seen observation, err error) {
	access, err := t.Store.BMCAccess(ctx, m.ID)
	if err != nil {
		return seen, err
	}
	hand, err := t.BMC.Dial(ctx, access)
	if err != nil {
		return seen, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		hand.Close(closing)
	}()
	if access.CertificateSHA256 == "" {
		if err := t.Store.PinCertificate(ctx, m.ID, hand.Certificate()); err != nil {
			return seen, err
		}
	}
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

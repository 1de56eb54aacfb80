package run

import (
	"context"
	"fmt"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// job is one claimed operation in hand.
type job struct {
	w       *Worker
	op      *deploy.Operation
	machine *inventory.Machine
	events  []journal.Event
	hand    bmc.Controller // opened when a deed asks for it
	seen    map[string]store.Evidence
}

// event notes what happened; it is written with the next save.
func (j *job) event(kind journal.Kind, summary string, pairs ...any) {
	detail := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		detail[pairs[i].(string)] = pairs[i+1]
	}
	j.events = append(j.events, journal.Event{At: j.w.Now(), Kind: kind, Machine: j.op.Machine, Name: j.op.Name, Operation: j.op.ID,
		Actor: "worker", Summary: summary, Detail: detail})
}

func (j *job) save(ctx context.Context) error {
	events := j.events
	j.events = nil
	return j.w.Store.SaveOperation(ctx, j.op, events...)
}

// close gives the BMC back, even when ctx has ended.
func (j *job) close() {
	if j.hand == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := j.hand.Close(ctx); err != nil {
		j.w.Log.Debug("BMC not given back", "machine", j.op.Name, "error", err)
	}
}

// controller asks for the machine's BMC.
func (j *job) controller(ctx context.Context) (bmc.Controller, error) {
	if j.hand != nil {
		return j.hand, nil
	}
	hand, err := j.w.BMC.Hand(ctx, j.op.Machine)
	if err != nil {
		return nil, err
	}
	j.hand = hand
	if b := j.machine.BMC; b != nil && b.CertificateSHA256 == "" && hand.Certificate() != "" {
		j.event(journal.BMCAction, "first contact: certificate pinned", "sha256", hand.Certificate())
	}
	return hand, nil
}

// act does one thing at the BMC and notes it with its outcome; pairs are what programs are
// told of it, done or not.
func (j *job) act(ctx context.Context, what string, do func(context.Context, bmc.Controller) error, pairs ...any) error {
	hand, err := j.controller(ctx)
	if err == nil {
		err = do(ctx, hand)
	}
	if err != nil {
		if ctx.Err() == nil {
			j.event(journal.BMCFailed, fmt.Sprintf("%s: %s", what, err), pairs...)
		}
		return err
	}
	j.event(journal.BMCAction, what, pairs...)
	return nil
}

// power keeps the power state that was read back.
func (j *job) power(ctx context.Context, p inventory.Power) error {
	_, err := j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		m.Power = p
		return nil, nil
	})
	return err
}

// evidence returns when something of a kind was last seen, the zero time if it was not
// seen since the machine was started for this operation.
func (j *job) evidence(ctx context.Context, kind string) (store.Evidence, error) {
	if j.seen == nil {
		seen, err := j.w.Store.EvidenceOf(ctx, j.op.ID)
		if err != nil {
			return store.Evidence{}, err
		}
		j.seen = seen
	}
	e := j.seen[kind]
	if e.At.Before(j.op.Since()) {
		return store.Evidence{}, nil
	}
	return e, nil
}

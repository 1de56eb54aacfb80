package intake

import (
	"context"
	"time"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of what waits and of what is done together.
const (
	queue         = 4096             // sightings that wait; more are dropped, for a client asks again
	strangerQueue = 1024             // likewise those of strangers
	atOnce        = 64               // in one transaction at most,
	longTurn      = time.Millisecond // which takes no more when it has taken so long: others want to write
	pause         = time.Second      // after a failure
)

// Strangers are recorded at a pace that leaves the processor to those who answer them: one is
// a machine with all that belongs to it, and anybody can send any number.
const (
	strangerEvery = time.Second / 32
	strangerBurst = 4 * time.Second // what was not used of the pace for so long is not lost
)

// Sighted takes a sighting and returns at once.
func (d *Desk) Sighted(s boot.Sighting) {
	to, h := d.in, d.view().Host(s.MAC)
	if h != nil {
		s.Wanted = h.Operation // one that begins while this waits had no part in it
	}
	if !s.BMC && h == nil {
		to = d.strangers
	}
	select {
	case to <- s:
	default:
	}
}

// String names the task.
func (d *Desk) String() string { return "intake" }

// Run takes sightings in until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if len(d.some) == 0 {
			d.wait(ctx)
		}
		if err := d.takeSome(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("sightings not taken in", "waiting", len(d.some)+len(d.in)+len(d.strangers), "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
	return nil
}

// wait waits for a sighting; for a stranger's only when it is one's turn.
func (d *Desk) wait(ctx context.Context) {
	strangers, turn := d.strangers, (<-chan time.Time)(nil)
	if early := time.Until(d.turn); early > 0 {
		strangers, turn = nil, time.After(early)
	}
	select {
	case <-ctx.Done():
	case <-turn:
	case s := <-d.in:
		d.keep(s)
	case s := <-strangers:
		d.keepStranger(s)
	}
}

// keep has a sighting taken in next, unless it says nothing new.
func (d *Desk) keep(s boot.Sighting) {
	if h := d.view().Host(s.MAC); h == nil || d.memo.news(h.Machine, h, s) || awaited(h, s) {
		d.some = append(d.some, s)
	}
}

func (d *Desk) keepStranger(s boot.Sighting) {
	if from := time.Now().Add(-strangerBurst); d.turn.Before(from) {
		d.turn = from
	}
	d.turn = d.turn.Add(strangerEvery)
	d.keep(s)
}

// gather keeps those that wait, as many as go into one transaction.
func (d *Desk) gather() {
	for range min(len(d.in), atOnce-len(d.some)) {
		d.keep(<-d.in)
	}
	for range min(len(d.strangers), atOnce-len(d.some)) {
		if time.Until(d.turn) > 0 {
			return
		}
		d.keepStranger(<-d.strangers)
	}
}

// takeSome takes in those that wait, as many as go into one turn. One that cannot be is left
// out; while the database does not answer all of them wait.
func (d *Desk) takeSome(ctx context.Context) error {
	if d.gather(); len(d.some) == 0 {
		return nil
	}
	done := 0
	err := d.store.Together(ctx, true, func(ctx context.Context) (err error) {
		d.memo.undo()
		done, err = d.takeTurn(ctx)
		return err
	})
	if err != nil {
		d.memo.undo()
		if done < len(d.some) && !fault.Is(err, fault.Unreachable) {
			d.some = append(d.some[:done], d.some[done+1:]...)
		}
		return err
	}
	d.memo.settle()
	d.some = d.some[:copy(d.some, d.some[done:])]
	return nil
}

// takeTurn takes in as many as go into a transaction that is under way, and says how many.
func (d *Desk) takeTurn(ctx context.Context) (done int, err error) {
	start, had := time.Now(), map[inventory.MAC]bool{}
	for _, s := range d.some {
		if done > 0 && time.Since(start) > longTurn || had[s.MAC] { // what one changed is seen after the transaction
			break
		}
		err := d.take(ctx, s)
		if fault.Is(err, fault.Internal) || fault.Is(err, fault.Unreachable) {
			return done, err // the transaction cannot go on
		}
		if err != nil {
			d.log.Warn("sighting not taken in", "mac", s.MAC, "error", err)
		}
		had[s.MAC] = true
		done++
	}
	return done, nil
}

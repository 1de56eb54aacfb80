// Package agent is what runs inside the netboot ramdisk: it checks in with the server
// that started it, takes orders, does them and reports. It does not bring the machine's
// devices and network up; the program around it does.
package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"rackwright/agent/burn"
	"rackwright/agent/disk"
	"rackwright/agent/rescue"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/line"
)

// World is everything the agent touches.
type World struct {
	Params  Params
	Version string                                           // of the agent's build
	Facts   func() inventory.Facts                           // reads the machine now
	Open    func(path string) (Disk, error)                  // opens a device for writing
	Arch    string                                           // of this machine, as Go names it
	Written Written                                          // what can be done with a written disk
	Memory  Memory                                           // what can be done with a system in memory
	Burn    burn.World                                       // what a burn-in works on; the zero value is this machine
	Rescue  rescue.Ground                                    // what a person gets who is let in
	Power   Power                                            // of this machine
	Backoff func(ctx context.Context, failures int) error    // waits before trying the server again; an error: give up
	Pause   func(ctx context.Context, d time.Duration) error // the clock
	Say     func(format string, args ...any)                 // one line for a person at the console
}

// Disk is an opened device.
type Disk interface {
	disk.Medium
	io.Closer
}

// Power ends this system. All sync first and return only if they fail.
type Power interface {
	Restart() error
	Off() error
	Kexec() error // starts the kernel that was taken in
}

// Sleep is the Pause of the real clock.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Limits of the back-off: the first wait, the longest, and how many failures in a row end
// patience, which takes half an hour and as long as the attempts themselves last.
const (
	firstWait   = 250 * time.Millisecond
	longestWait = 10 * time.Second
	maxFailures = 240
)

// Backoff doubles its wait up to a bound, with jitter so that a row of machines does not
// return in step.
func Backoff(pause func(context.Context, time.Duration) error) func(context.Context, int) error {
	return func(ctx context.Context, failures int) error {
		if failures > maxFailures {
			return fault.Unreachablef("the server did not answer %d times in a row", failures)
		}
		wait := min(firstWait<<min(failures-1, 10), longestWait)
		return pause(ctx, wait/2+rand.N(wait/2+1))
	}
}

// Pauses between questions for an order.
const (
	betweenOrders = time.Second
	whileStaying  = 5 * time.Second
)

type agent struct {
	World
	client   *client
	reporter *reporter
	outcomes map[string]wire.Event // how orders ended, by id
	guest    *visit                // a rescue in progress

	permitKey ed25519.PublicKey // of the server, for permits
	loaded    bool              // a kernel was taken in, to be started instead of a reboot
}

// Run checks in and does orders until one ends this system (nil, in tests), ctx is done,
// or the conversation cannot go on; then the caller restarts the machine, and a fresh
// netboot begins anew. Errors are faults.
func Run(ctx context.Context, w World) error {
	c := newClient(w.Params, w.Backoff)
	defer c.http.CloseIdleConnections()
	a := &agent{World: w, client: c, outcomes: map[string]wire.Event{}}
	a.reporter = newReporter(a.send, w.Pause)
	if err := a.checkIn(ctx); err != nil {
		return explain(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.reporter.Run(ctx); err != nil {
			cancel(err)
		}
	}()
	go a.observe(ctx)
	err := a.loop(ctx)
	a.shut()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	<-ended
	return explain(err)
}

// explain gives a lost session its way out.
func explain(err error) error {
	if errors.Is(err, errSession) {
		return fault.New(fault.Denied, "%w", errSession).WithHint("the operation ended or was replaced; the machine netboots again and is told what to do")
	}
	return err
}

func (a *agent) checkIn(ctx context.Context) error {
	var welcome wire.Welcome
	a.Say("checking in with %s", a.client.base)
	_, err := a.client.call(ctx, http.MethodPost, "/agent/v1/checkin",
		wire.CheckIn{Version: wire.Version, Nonce: a.Params.Nonce, Agent: a.Version, Facts: a.Facts()}, &welcome)
	if err != nil {
		return err
	}
	if welcome.Session == "" {
		return fault.Invalidf("the server opened no session")
	}
	a.client.session, a.permitKey = welcome.Session, welcome.PermitKey
	a.Say("checked in as %s", printable(welcome.Machine))
	return nil
}

// printable bounds what the server says before it reaches a terminal.
func printable(s string) string { return line.Of(s, 200) }

func (a *agent) loop(ctx context.Context) error {
	for {
		var o wire.Order
		some, err := a.client.call(ctx, http.MethodGet, "/agent/v1/order", nil, &o)
		if err != nil {
			return err
		}
		pause := betweenOrders
		if some {
			ended, err := a.obey(ctx, o)
			if ended || err != nil {
				return err
			}
			if o.Verb == wire.Stay {
				pause = whileStaying
			}
		}
		if err := a.Pause(ctx, pause); err != nil {
			return err
		}
	}
}

// obey does an order, or says again how it ended. It returns true when this system ends.
func (a *agent) obey(ctx context.Context, o wire.Order) (bool, error) {
	if outcome, done := a.outcomes[o.ID]; done {
		a.reporter.post(outcome)
		return false, nil
	}
	switch {
	case o.Verb == wire.Stay:
		return false, nil
	case o.Verb == wire.Reboot || o.Verb == wire.Off:
		return true, a.end(ctx, o)
	}
	if len(a.outcomes) == maxOutcomes {
		return false, fault.Conflictf("the server gave more than %d orders", maxOutcomes).WithHint("the machine netboots again and is told what to do")
	}
	if do := a.deed(o); do != nil && o.ID != "" {
		return false, do(ctx, o)
	}
	return false, a.refuse(ctx, o, &refusal{wire.ReasonBadOrder, fault.Invalidf("the agent does not know the order %s", printable(string(o.Verb))).
		WithHint("build the ramdisk again from the server's release")})
}

// deed is how an order is done, nil for one this agent does not know. A deed concludes its
// order; its error means that the conversation cannot go on.
func (a *agent) deed(o wire.Order) func(context.Context, wire.Order) error {
	switch {
	case o.Verb == wire.Write && o.Write != nil && o.Write.RootFS:
		return a.install
	case o.Verb == wire.Write && o.Write != nil:
		return a.write
	case o.Verb == wire.Burn && o.Burn != nil:
		return a.burn
	case o.Verb == wire.Erase && o.Erase != nil:
		return a.erase
	case o.Verb == wire.Live && o.Live != nil:
		return a.live
	case o.Verb == wire.Rescue && o.Rescue != nil:
		return a.rescue
	}
	return nil
}

// end tells the server, for a bounded time, and leaves.
func (a *agent) end(ctx context.Context, o wire.Order) error {
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Restarting})
	a.flushed(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if o.Verb == wire.Off {
		a.Say("ordered to power off")
		return a.Power.Off()
	}
	a.Say("ordered to restart")
	if a.loaded {
		a.Say("starting the written system without a reboot")
		a.Say("that did not work: %v", a.Power.Kexec())
	}
	return a.Power.Restart()
}

// flushed returns when all was reported, or a bounded time has passed.
func (a *agent) flushed(ctx context.Context) {
	waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	a.reporter.flush(waiting)
}

func (a *agent) send(ctx context.Context, e wire.Event) error {
	_, err := a.client.call(ctx, http.MethodPost, "/agent/v1/events", e, nil)
	return err
}

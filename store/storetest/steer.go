package storetest

import (
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

// inState brings a deployment of n1 into a state.
func (b *bench) inState(s deploy.State) *deploy.Operation {
	b.t.Helper()
	b.apply(planOf(1))
	o := b.deployment("n1")
	if s == deploy.Queued {
		return o
	}
	o = b.claim("w")
	o.State, o.Due = s, b.clock.Now().Add(time.Hour)
	if s == deploy.Parked {
		o.Reason, o.Message, o.Hint = "deadline-dhcp", "no packet", "look"
	}
	ok(b.t, b.SaveOperation(b.ctx(), o))
	return must(b.Operation(b.ctx(), o.ID))(b.t)
}

func steering() chapter {
	c := chapter{
		"a cancel that comes while a worker holds a running operation survives its save": func(t *testing.T, b *bench) {
			o := b.inState(deploy.Running)
			b.clock.Turn(time.Hour)
			held := b.claim("w")
			must(b.CancelOperation(b.ctx(), o.ID, "alice"))(t)
			held.Message, held.Due = "progress", b.clock.Now().Add(time.Hour)
			ok(t, b.SaveOperation(b.ctx(), held))
			again := b.claim("w") // due at once, not in an hour
			if !again.Cancel || again.State != deploy.Running || again.Message != "progress" {
				t.Errorf("the worker sees %+v", again)
			}
			again.State = deploy.Cancelled
			ok(t, b.SaveOperation(b.ctx(), again))
			same(t, "state", must(b.Operation(b.ctx(), o.ID))(t).State, deploy.Cancelled)
		},
		"a queued operation in a worker's hands is cancelled by that worker": func(t *testing.T, b *bench) {
			o := b.inState(deploy.Queued)
			held := b.claim("w")
			got := must(b.CancelOperation(b.ctx(), o.ID, "alice"))(t)
			same(t, "state at once", got.State, deploy.Queued)
			held.State = deploy.Running
			ok(t, b.SaveOperation(b.ctx(), held))
			if again := b.claim("w"); !again.Cancel {
				t.Error("the cancel was lost")
			}
		},
		"a worker that still holds what a person has ended cannot bring it back": func(t *testing.T, b *bench) {
			o := b.inState(deploy.Queued)
			held := b.claim("slow")
			b.clock.Turn(lease)
			same(t, "state", must(b.CancelOperation(b.ctx(), o.ID, "alice"))(t).State, deploy.Cancelled)
			held.State = deploy.Running
			refused(t, b.SaveOperation(b.ctx(), held), fault.Conflict)
			b.deployment("n1")
		},
		"a cancelled machine is free for the next operation": func(t *testing.T, b *bench) {
			o := b.inState(deploy.Parked)
			must(b.CancelOperation(b.ctx(), o.ID, "alice"))(t)
			b.deployment("n1")
		},
		"people that steer at once never leave it between two states": func(t *testing.T, b *bench) {
			o := b.inState(deploy.Parked)
			race(8, func(i int) {
				var err error
				if i%2 == 0 {
					_, err = b.CancelOperation(b.ctx(), o.ID, "alice")
				} else {
					_, err = b.RetryOperation(b.ctx(), o.ID, "bob")
				}
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
			got := must(b.Operation(b.ctx(), o.ID))(t)
			if !(got.State == deploy.Cancelled || got.State == deploy.Running && got.Cancel) {
				t.Errorf("ended %s, cancel %v", got.State, got.Cancel)
			}
		},
		"who is not there cannot be steered": func(t *testing.T, b *bench) {
			for _, id := range []string{"nonsense", "00000000-0000-7000-8000-000000000000"} {
				_, err := b.CancelOperation(b.ctx(), id, "alice")
				refused(t, err, fault.NotFound)
				_, err = b.RetryOperation(b.ctx(), id, "alice")
				refused(t, err, fault.NotFound)
			}
		},
	}
	for _, s := range []struct {
		state     deploy.State
		cancelled deploy.State // after cancel
		flag      bool
		retried   deploy.State // after retry; "" is refused
	}{
		{deploy.Queued, deploy.Cancelled, true, deploy.Queued},
		{deploy.Running, deploy.Running, true, deploy.Running},
		{deploy.Parked, deploy.Cancelled, true, deploy.Running},
		{deploy.Succeeded, deploy.Succeeded, false, ""},
		{deploy.Failed, deploy.Failed, false, ""},
		{deploy.Cancelled, deploy.Cancelled, false, ""},
	} {
		c["cancelling one that is "+string(s.state)+" leaves it "+string(s.cancelled)] = func(t *testing.T, b *bench) {
			o := b.inState(s.state)
			got := must(b.CancelOperation(b.ctx(), o.ID, "alice"))(t)
			same(t, "as returned", got, must(b.Operation(b.ctx(), o.ID))(t))
			if got.State != s.cancelled || got.Cancel != s.flag || got.Finished.IsZero() == got.State.Ended() {
				t.Errorf("left %s, cancel %v, finished %s", got.State, got.Cancel, got.Finished)
			}
			events := len(must(b.Events(b.ctx(), store.EventFilter{Operation: o.ID}))(t))
			same(t, "twice", must(b.CancelOperation(b.ctx(), o.ID, "alice"))(t), got)
			same(t, "events of the second cancel", len(must(b.Events(b.ctx(), store.EventFilter{Operation: o.ID}))(t)), events)
		}
		c["retrying one that is "+string(s.state)+" is as the table says"] = func(t *testing.T, b *bench) {
			o := b.inState(s.state)
			got, err := b.RetryOperation(b.ctx(), o.ID, "alice")
			if s.retried == "" {
				refused(t, err, fault.Conflict)
				same(t, "state", must(b.Operation(b.ctx(), o.ID))(t).State, s.state)
				return
			}
			ok(t, err)
			same(t, "as returned", got, must(b.Operation(b.ctx(), o.ID))(t))
			same(t, "state", got.State, s.retried)
			if s.state == deploy.Parked {
				if got.Reason != "" || got.Turn != 1 || b.claim("w").ID != o.ID {
					t.Errorf("goes on as %+v", got)
				}
			}
		}
	}
	return c
}

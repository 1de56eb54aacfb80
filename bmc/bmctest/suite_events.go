package bmctest

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

func (s suite) subscription(t *testing.T) {
	c := s.dial(t)
	_, err := c.Subscriptions(s.context(t))
	s.may(t, Pushes, err)
	to := cmp.Or(s.hooks.Destination, "https://192.0.2.80/redfish/of-the-suite")
	listed := func() (found []bmc.Subscription) {
		all, err := c.Subscriptions(s.context(t))
		ok(t, "Subscriptions", err)
		return slices.DeleteFunc(all, func(o bmc.Subscription) bool { return o.Destination != to })
	}
	id, err := c.Subscribe(s.context(t), to, "mark-1")
	s.may(t, Pushes, err)
	again, err := c.Subscribe(s.context(t), to, "mark-1")
	if ok(t, "Subscribe again", err); id == "" || again != id {
		t.Errorf("Subscribe again = %q, the first was %q", again, id)
	}
	if got := listed(); len(got) != 1 || got[0].ID != id || got[0].Context != "mark-1" {
		t.Errorf("listed as %+v, want %s once", got, id)
	}
	id, err = c.Subscribe(s.context(t), to, "mark-2")
	ok(t, "Subscribe with another mark", err)
	if got := listed(); len(got) != 1 || got[0].ID != id || got[0].Context != "mark-2" {
		t.Errorf("listed as %+v, want %s with the new mark", got, id)
	}
	for range 2 {
		ok(t, "Unsubscribe", c.Unsubscribe(s.context(t), id))
	}
	if got := listed(); len(got) != 0 {
		t.Errorf("%+v is still listed", got)
	}
}

func (s suite) plainDestination(t *testing.T) {
	if _, err := s.dial(t).Subscribe(s.context(t), "http://192.0.2.80/plain", "m"); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("Subscribe = %v (%s), want Invalid with a hint", err, fault.HintOf(err))
	}
}

func (s suite) stream(t *testing.T) {
	c := s.dial(t)
	ctx, cancel := context.WithCancel(s.context(t))
	heard, ended := make(chan bmc.Entry, 1), make(chan error, 1)
	go func() {
		ended <- c.Stream(ctx, func(e bmc.Entry) {
			select {
			case heard <- e:
			default:
			}
		})
	}()
	defer cancel()
	must := slices.Contains(s.hooks.With, Streams)
	if s.hooks.Happen == nil || !must {
		if !slices.Contains(s.hooks.Without, Streams) {
			cancel()
		}
		if err := <-ended; ctx.Err() == nil || !fault.Is(err, fault.Unreachable) {
			s.may(t, Streams, err)
		}
		return
	}
	var got bmc.Entry
	s.wait(t, "the stream tells what happens", func(context.Context) bool {
		s.hooks.Happen()
		select {
		case got = <-heard:
			return true
		case err := <-ended:
			t.Fatalf("the stream ended: %v", err)
		default:
		}
		return false
	})
	if got.ID == "" || got.Message == "" {
		t.Errorf("it told %+v", got)
	}
	if _, err := c.Power(s.context(t)); err != nil {
		t.Errorf("beside a stream: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Stream = %v when its context ended", err)
	}
}

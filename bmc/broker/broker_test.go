package broker_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/fault"
	"rackwright/inventory"
)

func TestOneSessionServesEverybodyAndIsClosedWhenNobodyUsesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				c, err := hands.Hand(as(t, bmc.Urgency(i%3)), "n1")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Power(as(t, bmc.Urgency(i%3))); err != nil {
					t.Error(err)
				}
				c.Close(t.Context())
			})
		}
		all.Wait()
		if n := b.asked(bmctest.Dial); n != 1 || b.bmc.Sessions() != 1 {
			t.Errorf("%d logins, %d sessions", n, b.bmc.Sessions())
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if b.bmc.Sessions() != 0 || len(b.desk.holds) != 0 {
			t.Errorf("%d sessions and %v are left", b.bmc.Sessions(), b.desk.holds)
		}
		if s, err := hands.Status(t.Context(), "n1"); err != nil || s.State != broker.Idle || s.Owner != "" {
			t.Errorf("status %+v, %v", s, err)
		}
	})
}

func TestTheCertificateIsPinnedAtFirstContact(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		if pinned := b.desk.access["n1"].CertificateSHA256; pinned == "" || pinned != c.Certificate() {
			t.Errorf("pinned %q of %q", pinned, c.Certificate())
		}
		b.hand(hands, bmc.Work)
		if n := b.asked(bmctest.Dial); n != 1 {
			t.Errorf("%d logins", n)
		}
	})
}

func TestTheSameReadAskedTwiceAtOnceIsOneRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		b.rack.takes[bmctest.Power] = time.Second
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if p, err := c.Power(t.Context()); err != nil || p != inventory.PowerOff {
					t.Errorf("%s, %v", p, err)
				}
			})
		}
		all.Wait()
		if n := b.asked(bmctest.Power); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWhoGivesUpASharedReadLeavesItToTheOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		b.rack.takes[bmctest.Power] = 10 * time.Second
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := c.Power(short); err == nil {
				t.Error("an answer after its time")
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, err := c.Power(t.Context()); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
	})
}

func TestSweepsTakeWhatWasJustReadAndOthersReadAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		want := 0
		for _, step := range []struct {
			u    bmc.Urgency
			wait time.Duration
			asks int
		}{{bmc.Routine, 0, 1}, {bmc.Routine, time.Second, 0}, {bmc.Work, 0, 1}, {bmc.Human, 0, 1}, {bmc.Routine, 4 * time.Second, 0}, {bmc.Routine, 5 * time.Second, 1}} {
			time.Sleep(step.wait)
			_, err := c.Power(as(t, step.u))
			ok(t, err)
			if want += step.asks; b.asked(bmctest.Power) != want {
				t.Errorf("%+v: %d requests, want %d", step, b.asked(bmctest.Power), want)
			}
		}
	})
}

func TestAChangeMakesOldWhatWasReadBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		_, err := c.Power(as(t, bmc.Routine))
		ok(t, err)
		b.rack.takes[bmctest.Power] = time.Minute
		var all sync.WaitGroup
		all.Go(func() { c.Facts(t.Context()); c.Power(as(t, bmc.Routine)) }) // before the change
		ok(t, c.On(t.Context()))
		b.rack.takes[bmctest.Power] = 0
		if p, err := c.Power(t.Context()); err != nil || p != inventory.PowerOn {
			t.Errorf("after On the power reads %s, %v", p, err)
		}
		if p, err := c.Power(as(t, bmc.Routine)); err != nil || p != inventory.PowerOn {
			t.Errorf("a sweep reads %s, %v", p, err)
		}
		all.Wait()
	})
}

func TestAPersonPassesTheLongReadOfASweep(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		b.rack.takes[bmctest.Facts] = 10 * time.Minute
		b.rack.takes[bmctest.Power] = time.Second
		var all sync.WaitGroup
		all.Go(func() { c.Facts(as(t, bmc.Routine)) })
		synctest.Wait()
		began := time.Now()
		_, err := c.Power(as(t, bmc.Human))
		ok(t, err)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		all.Wait()
	})
}

func TestANewPasswordInThePlanEndsTheSessionOfTheOld(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		b.hand(hands, bmc.Work)
		other := bmc.Access{Address: "https://10.0.1.12", Username: "admin", Password: "other"}
		machine := b.rack.Add(other, bmctest.Server(2))
		b.desk.plan("n1", other)
		c := b.hand(hands, bmc.Work)
		ok(t, c.On(t.Context()))
		if b.bmc.Sessions() != 0 || b.bmc.Power() == inventory.PowerOn || machine.Power() != inventory.PowerOn {
			t.Errorf("%d sessions at the old address, which is %s; the new is %s", b.bmc.Sessions(), b.bmc.Power(), machine.Power())
		}
	})
}

func TestAReadOnASessionThatDiedIsMadeOnAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		_, err := c.Power(t.Context())
		ok(t, err)
		dead := fault.Unreachablef("no answer")
		b.bmc.Fail(bmctest.Power, dead)
		if _, err := c.Power(t.Context()); err != nil {
			t.Errorf("the read was not made again: %v", err)
		}
		b.bmc.Fail(bmctest.Power, dead, dead)
		if _, err := c.Power(t.Context()); !fault.Is(err, fault.Unreachable) {
			t.Errorf("reopened more than once: %v", err)
		}
		b.bmc.Fail(bmctest.On, dead)
		if err := c.On(t.Context()); !fault.Is(err, fault.Unreachable) || b.asked(bmctest.On) != 1 {
			t.Errorf("a change was sent %d times: %v", b.asked(bmctest.On), err)
		}
		ok(t, c.On(t.Context()))
		if b.rack.most[access.Address] != 1 {
			t.Errorf("%d sessions at once", b.rack.most[access.Address])
		}
	})
}

func TestAClosedShareAnswersNoMore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		other := b.hand(hands, bmc.Work)
		ok(t, c.Close(t.Context()))
		ok(t, c.Close(t.Context()))
		if _, err := c.Power(t.Context()); err == nil {
			t.Error("it reads")
		}
		if err := c.On(t.Context()); err == nil {
			t.Error("it changes")
		}
		_, err := other.Power(t.Context())
		ok(t, err)
	})
}

func TestSomebodyElseIsAloneAtTheBMC(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		solo, err := hands.HandAs(t.Context(), "n1", access)
		ok(t, err)
		if b.rack.most[access.Address] != 1 {
			t.Error("the shared session was open beside it")
		}
		short, cancel := context.WithTimeout(as(t, bmc.Human), time.Minute)
		defer cancel()
		if _, err := c.Power(short); !fault.Is(err, fault.Conflict) {
			t.Errorf("somebody got in: %v", err)
		}
		ok(t, solo.On(t.Context()))
		ok(t, solo.Close(t.Context()))
		if p, err := c.Power(t.Context()); err != nil || p != inventory.PowerOn {
			t.Errorf("%s, %v", p, err)
		}
	})
}

func TestStoppingClosesEverySession(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, stop := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		b.rack.takes[bmctest.On] = 5 * time.Second
		b.rack.takes[bmctest.Facts] = time.Hour
		var all sync.WaitGroup
		all.Go(func() {
			if err := c.On(t.Context()); err != nil {
				t.Errorf("a change that had time to end: %v", err)
			}
		})
		all.Go(func() {
			if _, err := c.Facts(t.Context()); err == nil {
				t.Error("an hour's read ended")
			}
		})
		all.Go(func() {
			if err := c.Stream(t.Context(), func(bmc.Entry) {}); err == nil {
				t.Error("a stream ended without an error")
			}
		})
		synctest.Wait()
		stop()
		all.Wait()
		if b.bmc.Sessions() != 0 || len(b.desk.holds) != 0 {
			t.Errorf("%d sessions and %v are left", b.bmc.Sessions(), b.desk.holds)
		}
		if _, err := c.Power(t.Context()); !fault.Is(err, fault.Unreachable) {
			t.Errorf("after the end: %v", err)
		}
		if _, err := hands.Hand(t.Context(), "n1"); !fault.Is(err, fault.Unreachable) {
			t.Errorf("after the end: %v", err)
		}
	})
}

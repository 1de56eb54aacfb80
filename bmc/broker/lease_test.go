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
)

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func TestWhoWantsABMCGetsItWhenTheHolderIsDone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		first, _ := b.broker("p1")
		second, _ := b.broker("p2")
		c := b.hand(first, bmc.Work)
		b.rack.takes[bmctest.On] = 8 * time.Second
		var all sync.WaitGroup
		all.Go(func() { ok(t, c.On(t.Context())) })
		synctest.Wait()
		if s, err := second.Status(t.Context(), "n1"); err != nil || s.State != broker.Elsewhere || s.Owner != "p1" {
			t.Errorf("status %+v, %v", s, err)
		}
		began := time.Now()
		d := b.hand(second, bmc.Human)
		if took := time.Since(began); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("handed over after %s", took)
		}
		_, err := d.Power(as(t, bmc.Human))
		ok(t, err)
		all.Wait()
		_, err = c.Power(t.Context()) // and back
		ok(t, err)
		if b.rack.most[access.Address] != 1 {
			t.Errorf("%d sessions at once", b.rack.most[access.Address])
		}
	})
}

func TestASweepLeavesABMCToTheProcessThatHasIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		first, _ := b.broker("p1")
		second, _ := b.broker("p2")
		b.hand(first, bmc.Routine)
		if _, err := second.Hand(as(t, bmc.Routine), "n1"); !broker.IsElsewhere(err) || !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
		if b.desk.holds["n1"].wanted {
			t.Error("a sweep wants the BMC")
		}
	})
}

func TestADeadHoldersLeaseEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.desk.holds["n1"] = held{owner: "dead", until: time.Now().Add(30 * time.Second)}
		hands, _ := b.broker("p1")
		short, cancel := contextFor(t, 10*time.Second)
		defer cancel()
		if _, err := hands.Hand(short, "n1"); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
		b.hand(hands, bmc.Work)
	})
}

func TestALeaseIsRenewedWhileACallLasts(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		b.rack.takes[bmctest.On] = time.Hour
		ok(t, c.On(t.Context()))
	})
}

func TestWithoutTheDatabaseNobodyTalksToABMCForLong(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		b.rack.takes[bmctest.On] = time.Hour
		b.desk.gone(true)
		if _, err := hands.Hand(t.Context(), "n1"); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
		began := time.Now()
		err := c.On(t.Context())
		if took := time.Since(began); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" || took >= 30*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		if _, err := c.Power(t.Context()); !fault.Is(err, fault.Unreachable) {
			t.Errorf("%v", err)
		}
		b.desk.gone(false)
		if _, err := c.Power(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAStreamLetsGoOfABMCThatIsWanted(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		first, _ := b.broker("p1")
		second, _ := b.broker("p2")
		c := b.hand(first, bmc.Routine)
		ended := make(chan error, 1)
		go func() { ended <- c.Stream(as(t, bmc.Routine), func(bmc.Entry) {}) }()
		time.Sleep(10 * time.Minute)
		if len(ended) != 0 || b.bmc.Sessions() != 1 {
			t.Fatalf("%d sessions; the stream ended by itself", b.bmc.Sessions())
		}
		b.hand(second, bmc.Work)
		if err := <-ended; err == nil {
			t.Error("no error")
		}
	})
}

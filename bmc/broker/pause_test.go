package broker_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/fault"
)

func TestARefusedPasswordIsNeverSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		wrong := access
		wrong.Password = "wrong"
		b.desk.plan("n1", wrong)
		hands, stop := b.broker("p1")
		denied := func(hands bmc.Hands, u bmc.Urgency) {
			t.Helper()
			_, err := hands.Hand(as(t, u), "n1")
			if !fault.Is(err, fault.Denied) || !bmc.Refused(err) || fault.HintOf(err) == "" || strings.Contains(err.Error(), "\"wrong\"") {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
		}
		var all sync.WaitGroup
		for u := range bmc.Human + 1 {
			all.Go(func() { denied(hands, u) })
		}
		all.Wait()
		time.Sleep(10 * time.Minute)
		for u := range bmc.Human + 1 {
			denied(hands, u)
		}
		if _, err := hands.HandAs(t.Context(), "n1", wrong); !bmc.Refused(err) {
			t.Errorf("as somebody else with the same words: %v", err)
		}
		if s, err := hands.Status(t.Context(), "n1"); err != nil || s.State != broker.Refused || s.Error == "" || s.Hint == "" || s.Next.IsZero() {
			t.Errorf("status %+v, %v", s, err)
		}
		stop()
		other, _ := b.broker("p2")
		denied(other, bmc.Human)
		if n := b.asked(bmctest.Dial); n != 1 {
			t.Errorf("the password was sent %d times", n)
		}
		time.Sleep(21 * time.Minute)
		denied(other, bmc.Routine)
		denied(other, bmc.Routine)
		if n := b.asked(bmctest.Dial); n != 2 {
			t.Errorf("after its time it was sent %d times", n)
		}
		b.desk.plan("n1", access)
		b.hand(other, bmc.Routine)
		if s, _ := other.Status(t.Context(), "n1"); s.State != broker.Open {
			t.Errorf("status %+v", s)
		}
	})
}

func TestOtherCredentialsThatWereRefusedAreNotSentAgainEither(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		factory := access
		factory.Password = "calvin"
		for range 3 {
			if _, err := hands.HandAs(t.Context(), "n1", factory); !fault.Is(err, fault.Denied) {
				t.Fatal(err)
			}
		}
		if n := b.asked(bmctest.Dial); n != 1 {
			t.Errorf("sent %d times", n)
		}
		b.hand(hands, bmc.Work) // ours are still good
	})
}

func TestASessionThatIsRefusedGoesOnWithTheNewPassword(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		c := b.hand(hands, bmc.Work)
		next := access
		next.CertificateSHA256 = c.Certificate()
		b.bmc.Fail(bmctest.On, bmc.WrongPassword(access))
		b.desk.plan("n1", next)
		b.desk.mu.Lock()
		a := b.desk.access["n1"]
		a.CertificateSHA256 = strings.ToUpper(a.CertificateSHA256) // another version of the row
		b.desk.access["n1"] = a
		b.desk.mu.Unlock()
		ok(t, c.On(t.Context()))
		if b.asked(bmctest.Dial) != 2 {
			t.Errorf("%d logins", b.asked(bmctest.Dial))
		}
	})
}

func TestSweepsLeaveASilentBMCAloneForLongerAndLonger(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		gone := fault.Unreachablef("no route").WithHint("look at its cable")
		for range 100 {
			b.bmc.Fail(bmctest.Dial, gone)
		}
		tries := func(d time.Duration) int {
			before := b.asked(bmctest.Dial)
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				if _, err := hands.Hand(as(t, bmc.Routine), "n1"); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) != "look at its cable" {
					t.Fatal(err)
				}
			}
			return b.asked(bmctest.Dial) - before
		}
		first, later := tries(2*time.Minute), tries(20*time.Minute)
		if first < 4 || first > 8 || later < 2 || later > 7 {
			t.Errorf("asked %d times in two minutes, then %d times in twenty", first, later)
		}
		before := b.asked(bmctest.Dial)
		for _, u := range []bmc.Urgency{bmc.Work, bmc.Human} {
			if _, err := hands.Hand(as(t, u), "n1"); !fault.Is(err, fault.Unreachable) {
				t.Error(err)
			}
		}
		if b.asked(bmctest.Dial) != before+2 {
			t.Error("operations and people may try at any time")
		}
		if s, err := hands.Status(t.Context(), "n1"); err != nil || s.State != broker.Silent || s.Error == "" || s.Next.IsZero() || s.Since.After(s.Next.Add(-20*time.Minute)) {
			t.Errorf("status %+v, %v", s, err)
		}
	})
}

func TestOfManyWhoTryASilentBMCOneDials(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		b.rack.takes[bmctest.Dial] = 10 * time.Second
		b.bmc.Fail(bmctest.Dial, fault.Unreachablef("no route"))
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := hands.Hand(as(t, bmc.Work), "n1"); !fault.Is(err, fault.Unreachable) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := b.asked(bmctest.Dial); n != 1 {
			t.Errorf("%d dialled", n)
		}
		b.hand(hands, bmc.Work)
		if s, _ := hands.Status(t.Context(), "n1"); s.State != broker.Open || s.Error != "" {
			t.Errorf("status %+v", s)
		}
	})
}

func TestWhoGivesUpEarlySaysNothingOfTheBMC(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		b.rack.takes[bmctest.Dial] = 5 * time.Second
		short, cancel := contextFor(t, time.Second)
		defer cancel()
		if _, err := hands.Hand(short, "n1"); err == nil {
			t.Error("a hand after its time")
		}
		b.hand(hands, bmc.Routine)
	})
}

func TestAPasswordThatWasJustChangedIsNotSentInItsOldFormBeforeTheNewOneIsProven(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		solo, err := hands.HandAs(t.Context(), "n1", access)
		ok(t, err)
		ok(t, solo.SetPassword(t.Context(), access.Username, "Another-one-2"))
		ok(t, solo.Close(t.Context()))
		dials := b.asked(bmctest.Dial)
		for u := range bmc.Human + 1 {
			if _, err := hands.Hand(as(t, u), "n1"); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
		}
		if n := b.asked(bmctest.Dial); n != dials {
			t.Errorf("the old password was sent %d times", n-dials)
		}
		next := access
		next.Password = "Another-one-2"
		solo, err = hands.HandAs(t.Context(), "n1", next)
		ok(t, err)
		ok(t, solo.Close(t.Context()))
		b.desk.plan("n1", next)
		b.hand(hands, bmc.Routine)
	})
}

func TestAPasswordThatNobodyProvesIsTriedAgainAfterAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hands, _ := b.broker("p1")
		solo, err := hands.HandAs(t.Context(), "n1", access)
		ok(t, err)
		ok(t, solo.CreateAccount(t.Context(), "somebody", "Another-one-2", "Operator"))
		ok(t, solo.SetPassword(t.Context(), "somebody", "Another-one-3"))
		ok(t, solo.Close(t.Context()))
		b.hand(hands, bmc.Routine) // another user's says nothing of ours
		b.bmc.Fail(bmctest.SetPassword, fault.Unreachablef("no clear answer"))
		solo, err = hands.HandAs(t.Context(), "n1", access)
		ok(t, err)
		if err := solo.SetPassword(t.Context(), access.Username, "Another-one-2"); err == nil {
			t.Error("it was taken")
		}
		ok(t, solo.Close(t.Context()))
		if _, err := hands.Hand(as(t, bmc.Routine), "n1"); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
		time.Sleep(time.Minute)
		b.hand(hands, bmc.Routine)
	})
}

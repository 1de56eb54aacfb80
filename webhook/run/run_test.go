package run

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/webhook"
)

func TestAReceiverIsToldWhatItAskedForSignedAndInOrder(t *testing.T) {
	b := newBench(t)
	b.happen(journal.OpState, "before")
	r := newReceiver(t, nil)
	_, secret := b.hook("chat", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	b.task("a", nil)
	b.happen(journal.OpState, "1", "2", "3")
	b.happen(journal.DHCPAnswered, "not this")
	b.happen(journal.OpStep, "4")
	b.until("four deliveries", func() bool { return r.seen() == "1,2,3,4" })
	b.until("all are written down", func() bool { return len(b.deliveries("chat", "delivered")) == 4 })
	if r.wrong != 0 {
		t.Errorf("%d were signed wrong", r.wrong)
	}
}

func TestAReceiverThatFailsIsTriedAgainLaterAndGivenUpInTheEnd(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t, func(int, http.ResponseWriter, *http.Request) int { return 500 })
	w, secret := b.hook("down", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	b.task("a", nil)
	b.happen(journal.OpState, "x")
	for n := 1; n <= webhook.Attempts; n++ {
		b.until("an attempt", func() bool {
			list := b.deliveries("down", "")
			return len(list) == 1 && list[0].Attempts == n
		})
		b.turn(9 * time.Hour)
	}
	if dead := b.deliveries("down", "dead"); len(dead) != 1 || dead[0].Error != "the receiver answered 500" || dead[0].Status != 500 {
		t.Fatalf("%+v", dead)
	}
	r.mu.Lock()
	r.answer = nil
	r.mu.Unlock()
	if n, err := b.db.ReplayDead(t.Context(), w.Name); n != 1 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	b.until("the replay", func() bool { return r.seen() == "x" })
}

func TestOneThatHangsHoldsUpNobody(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	hangs := newReceiver(t, func(_ int, _ http.ResponseWriter, r *http.Request) int {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return 204
	})
	defer close(release)
	quick := newReceiver(t, nil)
	_, s1 := b.hook("a-hangs", hangs.URL, journal.Filter{Kinds: []string{"op"}})
	_, s2 := b.hook("quick", quick.URL, journal.Filter{Kinds: []string{"op"}})
	hangs.knows(s1)
	quick.knows(s2)
	b.task("a", func(t *Task) { t.AtOnce = 2 })
	b.happen(journal.OpState, "1", "2")
	b.happen(journal.OpState, "3")
	b.until("the quick one's", func() bool { return quick.seen() == "1,2,3" })
}

// saves tells what came of writing down each attempt.
type saves struct {
	*store.DB
	ended chan error
}

func (s saves) SaveDelivery(ctx context.Context, owner string, ttl time.Duration, d *webhook.Delivery, o webhook.Outcome, until time.Time) error {
	err := s.DB.SaveDelivery(ctx, owner, ttl, d, o, until)
	s.ended <- err
	return err
}

// TestAnAttemptThatOutlivedItsLeaseWritesNothingDown: the same process may have begun
// another meanwhile, as when the clock is set.
func TestAnAttemptThatOutlivedItsLeaseWritesNothingDown(t *testing.T) {
	b := newBench(t)
	begun, release := make(chan int, 2), map[int]chan struct{}{1: make(chan struct{}), 2: make(chan struct{})}
	r := newReceiver(t, func(n int, _ http.ResponseWriter, r *http.Request) int {
		begun <- n
		select {
		case <-release[n]:
		case <-r.Context().Done():
		}
		return map[int]int{1: 500, 2: 204}[n]
	})
	_, secret := b.hook("slow", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	s := saves{b.db, make(chan error, 2)}
	b.task("a", func(t *Task) { t.Store = s })
	b.happen(journal.OpState, "x")
	<-begun
	b.turn(2 * lease)
	<-begun
	close(release[1])
	if err := <-s.ended; !fault.Is(err, fault.Conflict) {
		t.Errorf("the attempt whose lease is over: %v", err)
	}
	close(release[2])
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if l := b.deliveries("slow", "delivered"); len(l) != 1 || l[0].Attempts != 1 {
		t.Errorf("%+v", l)
	}
}

func TestRedirectsAreNotFollowedAndBrokenConnectionsAreTriedAgain(t *testing.T) {
	b := newBench(t)
	inside := newReceiver(t, nil)
	r := newReceiver(t, func(n int, w http.ResponseWriter, r *http.Request) int {
		switch n {
		case 1:
			w.Header().Set("Location", inside.URL)
			return http.StatusTemporaryRedirect
		case 2:
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			}
			return 0
		}
		return 200
	})
	_, secret := b.hook("odd", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	b.task("a", nil)
	b.happen(journal.OpState, "x")
	attempts := func(n int) func() bool {
		return func() bool { l := b.deliveries("odd", ""); return len(l) == 1 && l[0].Attempts == n }
	}
	b.until("the redirect", attempts(1))
	if e := b.deliveries("odd", "pending")[0].Error; !strings.Contains(e, "redirects") {
		t.Error(e)
	}
	b.turn(time.Minute)
	b.until("the broken connection", attempts(2))
	if e := b.deliveries("odd", "pending")[0].Error; e == "" || strings.Contains(e, r.URL) {
		t.Error(e)
	}
	b.turn(time.Hour)
	b.until("the third attempt", func() bool { return r.seen() == "x" })
	if inside.seen() != "" {
		t.Error("a redirect was followed")
	}
}

func TestWhoAnswersThatItIsGoneIsToldNoMore(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t, func(int, http.ResponseWriter, *http.Request) int { return http.StatusGone })
	_, secret := b.hook("gone", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	b.task("a", nil)
	b.happen(journal.OpState, "1", "2")
	b.until("it is disabled", func() bool {
		w, err := b.db.Webhook(t.Context(), "gone")
		return err == nil && w.State == webhook.Disabled && w.Why != ""
	})
	r.mu.Lock()
	r.answer = nil
	r.mu.Unlock()
	b.turn(time.Hour)
	if _, err := b.db.ChangeWebhook(t.Context(), "gone", "ann", func(w *webhook.Webhook) error { w.State = webhook.Active; return nil }); err != nil {
		t.Fatal(err)
	}
	b.until("what waited", func() bool { s := r.seen(); return strings.Contains(s, "1") && strings.Contains(s, "2") }) // one of them twice, if the hour ended a lease
}

func TestNothingIsSentToWhereItMayNotBe(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t, nil)
	b.hook("inside", r.URL, journal.Filter{Kinds: []string{"op"}})
	b.task("a", func(t *Task) { t.Allow = webhook.Allow{Private: true} })
	b.happen(journal.OpState, "x")
	b.until("an attempt", func() bool { l := b.deliveries("inside", ""); return len(l) == 1 && l[0].Attempts == 1 })
	if e := b.deliveries("inside", "pending")[0].Error; !strings.Contains(e, "allow_loopback") || r.seen() != "" {
		t.Errorf("%q, it got %q", e, r.seen())
	}
}

// TestServersShareTheWorkAndAnotherGoesOn: two servers tell one receiver each event once;
// one that stopped in the middle loses nothing.
func TestServersShareTheWorkAndAnotherGoesOn(t *testing.T) {
	b := newBench(t)
	hold, third := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, func(n int, _ http.ResponseWriter, req *http.Request) int {
		if n == 3 {
			close(third)
			select {
			case <-hold:
			case <-req.Context().Done():
			}
			return 0
		}
		return 204
	})
	_, secret := b.hook("one", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	first := b.task("a", nil)
	b.happen(journal.OpState, "1", "2", "3", "4", "5")
	b.until("the first two", func() bool { return r.seen() == "1,2" })
	<-third
	first() // in the middle of it
	close(hold)
	b.task("b", nil)
	b.task("c", nil)
	b.until("the rest", func() bool { return r.seen() == "1,2,3,4,5" })
}

func TestTwoSecretsSignWhileOneTakesOverFromTheOther(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t, nil)
	_, former := b.hook("chat", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(former)
	next := webhook.NewSecret()
	if _, err := b.db.RotateWebhook(t.Context(), "chat", next, b.now().Add(time.Hour), "ann"); err != nil {
		t.Fatal(err)
	}
	b.task("a", nil)
	b.happen(journal.OpState, "1")
	b.until("by the former secret", func() bool { return r.seen() == "1" })
	r.knows(next)
	b.happen(journal.OpState, "2")
	b.until("by the next", func() bool { return len(b.deliveries("chat", "delivered")) == 2 }) // and it is written down
	b.turn(2 * time.Hour)
	r.knows(former)
	b.happen(journal.OpState, "3")
	b.until("the former signs no more", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.wrong == 1 })
}

func TestATestIsSentNowAndAloneAfterAFailure(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t, nil)
	w, secret := b.hook("chat", r.URL, journal.Filter{Kinds: []string{"op"}})
	r.knows(secret)
	d, err := b.db.TestWebhook(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.task("a", nil)
	b.until("the test", func() bool { return r.seen() == "this is a test of webhook chat" })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[0] != d.ID {
		t.Errorf("its id is %s, not %s", r.ids[0], d.ID)
	}
}

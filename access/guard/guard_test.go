package guard

import (
	"fmt"
	"testing"
	"time"
)

// watch is a clock that the test turns.
type watch struct{ now time.Time }

func (w *watch) Now() time.Time { return w.now }

func guarded(l Limits) (*Guard, *watch) {
	w := &watch{time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	return New(l, w.Now), w
}

func TestAnAddressMayAskABurstAndThenSoManyASecond(t *testing.T) {
	g, clock := guarded(Limits{PerAddress: 10, PerCaller: 2, Burst: 2 * time.Second})
	for i := range 20 {
		if d := g.Ask("192.0.2.1"); d != 0 {
			t.Fatalf("request %d waits %s", i, d)
		}
	}
	if d := g.Ask("192.0.2.1"); d <= 0 || d > 100*time.Millisecond {
		t.Errorf("request 21 waits %s", d)
	}
	if d := g.Ask("192.0.2.2"); d != 0 {
		t.Errorf("another address waits %s", d)
	}
	clock.now = clock.now.Add(100 * time.Millisecond)
	if d := g.Ask("192.0.2.1"); d != 0 {
		t.Errorf("after a tenth of a second it waits %s", d)
	}
	for range 4 {
		g.Call("t1")
	}
	if g.Call("t1") == 0 || g.Call("t2") != 0 {
		t.Error("callers are not counted one by one")
	}
}

func TestWhoeverGuessesWaitsLongerEachTimeAndAGoodSecretGoesOn(t *testing.T) {
	g, clock := guarded(Limits{Wrong: 3, Longest: time.Minute})
	const here, there = "192.0.2.1", "192.0.2.2"
	g.Right(here, "good")
	for range 2 {
		g.Wrong(here)
	}
	if d := g.Locked(here, "guess"); d != 0 {
		t.Errorf("two wrong secrets lock for %s", d)
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		g.Wrong(here)
		if d := g.Locked(here, "guess"); d != want*time.Second {
			t.Errorf("wrong secret %d locks for %s, not %d s", i+3, d, want)
		}
	}
	if d := g.Locked(here, "good"); d != 0 {
		t.Errorf("the good secret from there waits %s", d)
	}
	if d := g.Locked(there, "guess"); d != 0 {
		t.Errorf("another address waits %s", d)
	}
	clock.now = clock.now.Add(time.Minute)
	if d := g.Locked(here, "guess"); d != 0 {
		t.Errorf("after the time is over it waits %s", d)
	}
	clock.now = clock.now.Add(time.Minute)
	g.Wrong(here)
	if d := g.Locked(here, "guess"); d != 0 {
		t.Errorf("one wrong secret after a quiet time locks for %s", d)
	}
}

func TestTheLastGoodSecretsOfAnAddressAreRemembered(t *testing.T) {
	g, _ := guarded(Limits{Wrong: 1, Longest: time.Minute})
	for i := range 9 {
		g.Right("192.0.2.1", fmt.Sprint("good ", i))
	}
	g.Wrong("192.0.2.1")
	if g.Locked("192.0.2.1", "good 0") == 0 || g.Locked("192.0.2.1", "good 1") != 0 || g.Locked("192.0.2.1", "good 8") != 0 {
		t.Error("the last eight are not those that go on")
	}
}

func TestTablesAreBounded(t *testing.T) {
	g, _ := guarded(Limits{PerAddress: 1, PerCaller: 1, Burst: time.Second, Wrong: 1, Longest: time.Minute})
	for i := range mostKept + 100 {
		key := fmt.Sprint(i)
		g.Ask(key)
		g.Wrong(key)
		g.Call(key)
	}
	if len(g.addresses.at) != mostKept || g.addresses.last.Len() != mostKept || len(g.callers.at) != mostKept {
		t.Errorf("%d addresses, %d callers", len(g.addresses.at), len(g.callers.at))
	}
	if g.Locked("0", "x") != 0 || g.Locked(fmt.Sprint(mostKept+99), "x") == 0 {
		t.Error("it was not the oldest that went")
	}
}

func TestAnIPv6NetworkCountsAsOneAndASocketOfThisHostNotAtAll(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:5000": "192.0.2.1", "[::ffff:192.0.2.1]:5000": "192.0.2.1", "[2001:db8::1]:5000": "2001:db8::/64",
		"[2001:db8::ffff:1]:1": "2001:db8::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "", "": "", "nonsense": "",
	} {
		if got := Key(remote); got != want {
			t.Errorf("%q counts as %q, not %q", remote, got, want)
		}
	}
	g, _ := guarded(Limits{PerAddress: 1, Wrong: 1, Longest: time.Minute})
	for range 5 {
		g.Wrong("")
		if g.Ask("") != 0 || g.Locked("", "x") != 0 {
			t.Error("the socket of this host has to wait")
		}
	}
}

func TestWithoutLimitsNobodyWaits(t *testing.T) {
	g, _ := guarded(Limits{})
	for range 100 {
		g.Wrong("a")
		if g.Ask("a") != 0 || g.Call("b") != 0 || g.Locked("a", "x") != 0 {
			t.Fatal("somebody waits")
		}
	}
}

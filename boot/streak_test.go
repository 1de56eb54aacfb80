package boot

import (
	"testing"
	"time"
)

func TestARungIsLeftAfterFailuresInARow(t *testing.T) {
	two := []Kind{BuiltIn, Shim}
	shim, worked := Rung{Kind: Shim}, Rung{Shim, true}
	fails := func(machine string, used Kind) Trial { return Trial{Machine: machine, Used: used} }
	works := func(used Kind) Trial { return Trial{Machine: "m1", Used: used, Worked: true} }
	cut := Trial{Machine: "m1", CutShort: true}
	again := func(n int, t Trial) (out []Trial) {
		for range n {
			out = append(out, t)
		}
		return out
	}
	m1, m2 := fails("m1", BuiltIn), fails("m2", BuiltIn)
	for _, c := range []struct {
		name   string
		rung   Rung
		trials []Trial
		rungs  []Kind
		want   Rung
	}{
		{"the first worked", Rung{}, []Trial{works(BuiltIn)}, two, Rung{BuiltIn, true}},
		{"the second worked", shim, []Trial{works(Shim)}, two, worked},
		{"another than the one that is tried worked", shim, []Trial{works(BuiltIn)}, two, Rung{BuiltIn, true}},
		{"one failed once", Rung{}, []Trial{m1}, two, Rung{}},
		{"one failed twice", Rung{}, []Trial{m1, m1}, two, shim},
		{"two failed once", Rung{}, []Trial{m1, m2}, two, shim},
		{"all failed: from the start", shim, again(2, fails("m1", Shim)), two, Rung{}},
		{"its power was cut by us", Rung{}, again(9, cut), two, Rung{}},
		{"a cut is no success either", Rung{}, []Trial{m1, cut, m1}, two, shim},
		{"failures of the rung before count no more", Rung{}, []Trial{m1, m1, m2, m2}, two, shim},
		{"nor does one at each", Rung{}, []Trial{m1, m1, fails("m1", Shim)}, two, shim},
		{"there is but one", Rung{}, again(9, m1), []Kind{BuiltIn}, Rung{}},
		{"there is none", Rung{}, again(9, m1), nil, Rung{}},
		{"what worked stays for long", worked, append(again(4, fails("m1", Shim)), fails("m2", Shim)), two, worked},
		{"what worked is left at last", worked, append(again(5, fails("m1", Shim)), fails("m2", Shim)), two, Rung{}},
		{"what worked is not left for one machine", worked, again(99, fails("m1", Shim)), two, worked},
		{"one success is a new beginning", worked, append(append(again(5, fails("m1", Shim)), works(Shim)), again(5, fails("m2", Shim))...), two, worked},
		{"what worked stays, whatever else works", worked, []Trial{works(BuiltIn)}, two, worked},
		{"its loader was taken from the shelf", Rung{Kind: SNP}, again(2, fails("m1", SNP)), two, Rung{}},
	} {
		got, s, now := c.rung, Streak{}, time.Unix(1e9, 0)
		for _, trial := range c.trials {
			now = now.Add(time.Minute)
			trial.At = now
			got, s = s.After(got, trial, c.rungs)
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestFailuresOfDaysApartAreNotInARow(t *testing.T) {
	at, rung, s := time.Unix(1e9, 0), Rung{}, Streak{}
	for _, wait := range []time.Duration{inRow + time.Second, inRow + time.Second, inRow} {
		if at = at.Add(wait); rung != (Rung{}) {
			t.Fatalf("left: %+v", rung)
		}
		rung, s = s.After(rung, Trial{Machine: "m1", At: at}, []Kind{BuiltIn, Shim})
	}
	if rung != (Rung{Kind: Shim}) {
		t.Errorf("%+v after two within %s", rung, inRow)
	}
}

func TestFailuresAtAnotherRungAreNotOfTheStreak(t *testing.T) {
	at, two := time.Unix(1e9, 0), []Kind{BuiltIn, Shim}
	_, s := Streak{}.After(Rung{}, Trial{Machine: "m1", At: at}, two)
	rung, s := s.After(Rung{Kind: Shim}, Trial{Machine: "m1", Used: Shim, At: at}, two) // somebody moved it meanwhile
	if rung != (Rung{Kind: Shim}) || s.Failures != 1 {
		t.Errorf("%+v, %+v", rung, s)
	}
}

package broker_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
)

// errand is one who wants something of the BMC.
type errand struct {
	At      time.Duration // when it comes; no two at once
	Urgency bmc.Urgency
	What    string // on, power, facts, alone
	Process int
	Gives   time.Duration // up after; 0: never
}

func errands() *rapid.Generator[[]errand] {
	one := rapid.Custom(func(t *rapid.T) errand {
		return errand{
			At:      time.Duration(rapid.IntRange(0, 60).Draw(t, "at")) * time.Second,
			Urgency: bmc.Urgency(rapid.IntRange(0, 2).Draw(t, "urgency")),
			What:    rapid.SampledFrom([]string{"on", "on", "power", "facts", "alone"}).Draw(t, "what"),
			Process: rapid.IntRange(0, 1).Draw(t, "process"),
			Gives:   time.Duration(rapid.SampledFrom([]int{0, 0, 3, 20}).Draw(t, "gives")) * time.Second,
		}
	})
	return rapid.SliceOfN(one, 1, 24)
}

// done is what came of an errand.
type done struct {
	errand
	came, began, ended time.Time
	err                error
}

// Whatever is asked by whomever, there is one session at the BMC and one change at a time,
// nobody waits for ever, and in a process those with more urgency go before those with less.
func TestWhateverIsAskedTheBMCSeesOneCarefulHand(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		asked := errands().Draw(rt, "errands")
		var out []done
		var wrong string
		inBubble(t, func(t *testing.T, b *bench) { out, wrong = b.serve(asked) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
		for p := range 2 {
			inOrder(rt, slices.DeleteFunc(slices.Clone(out), func(d done) bool { return d.Process != p || d.What != "on" || d.began.IsZero() }))
		}
	})
}

// serve runs the errands and says what was wrong at the BMC.
func (b *bench) serve(asked []errand) (out []done, wrong string) {
	first, stopFirst := b.broker("p0")
	second, stopSecond := b.broker("p1")
	b.rack.takes = map[bmctest.Op]time.Duration{bmctest.Dial: 100 * time.Millisecond, bmctest.On: 4 * time.Second, bmctest.Power: time.Second, bmctest.Facts: 15 * time.Second}
	hands := []bmc.Hands{first, second}
	out = make([]done, len(asked))
	var all sync.WaitGroup
	for i, e := range asked {
		all.Go(func() {
			time.Sleep(e.At + time.Duration(i)*time.Millisecond)
			out[i] = b.run(hands[e.Process], e)
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(2 * time.Hour):
		wrong = "somebody waits for ever"
	}
	stopFirst()
	stopSecond()
	<-ended
	synctest.Wait()
	switch {
	case wrong != "":
	case b.rack.most[access.Address] > 1:
		wrong = fmt.Sprintf("%d sessions at once", b.rack.most[access.Address])
	case b.rack.overlap:
		wrong = "two changes at once"
	case b.bmc.Sessions() != 0:
		wrong = fmt.Sprintf("%d sessions are left", b.bmc.Sessions())
	}
	return out, wrong
}

// run does one errand; began is when its change reached the BMC.
func (b *bench) run(hands bmc.Hands, e errand) done {
	ctx := as(b.t, e.Urgency)
	if e.Gives > 0 {
		short, cancel := contextFor(b.t, e.Gives)
		defer cancel()
		ctx = bmc.WithUrgency(short, e.Urgency)
	}
	d := done{errand: e, came: time.Now()}
	var c bmc.Controller
	if e.What == "alone" {
		c, d.err = hands.HandAs(ctx, "n1", access)
	} else {
		c, d.err = hands.Hand(ctx, "n1")
	}
	if d.err != nil {
		return d
	}
	defer c.Close(ctx)
	d.came = time.Now()
	switch e.What {
	case "power":
		_, d.err = c.Power(ctx)
	case "facts":
		_, d.err = c.Facts(ctx)
	default:
		d.err = c.On(ctx)
	}
	d.ended = time.Now()
	if d.err == nil && e.What == "on" {
		d.began = d.ended.Add(-b.rack.takes[bmctest.On])
	}
	return d
}

// inOrder checks that of two changes that waited at once the more urgent went first, and
// of two of one urgency the earlier.
func inOrder(t *rapid.T, changes []done) {
	slices.SortFunc(changes, func(a, b done) int { return cmp.Compare(a.began.UnixNano(), b.began.UnixNano()) })
	for i, later := range changes {
		for _, earlier := range changes[:i] {
			waited := later.came.Before(earlier.came) || later.came.Before(earlier.began.Add(-time.Second))
			if waited && (later.Urgency > earlier.Urgency || later.Urgency == earlier.Urgency && later.came.Before(earlier.came)) {
				t.Fatalf("%+v\nwent before\n%+v", earlier, later)
			}
		}
	}
}

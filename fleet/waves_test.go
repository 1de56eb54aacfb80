package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// sized has n machines in each domain, in waves of a size.
func sized(t Terms, n int, domains ...string) Fleet {
	var members []Member
	for _, d := range domains {
		for i := range n {
			name := fmt.Sprintf("%s-%02d", d, i)
			members = append(members, Member{Machine: name, Name: name, Model: "x1", Domain: d, State: Waiting})
		}
	}
	return Fleet{Kind: Campaign, Name: "c", State: Running, Terms: t, Members: lay(members, t)}
}

func same(state State, machines ...string) map[string]Report {
	out := map[string]Report{}
	for _, m := range machines {
		out[m] = Report{State: state, Why: "because"}
	}
	return out
}

func TestACampaignGoesCanaryFirstThenWaveByWaveWithinADomain(t *testing.T) {
	c, begun := Advance(sized(Terms{Canary: 1, Size: 2, MaxFailures: 10}, 3, "row-a", "row-b"), nil, open{}, noon)
	var all []string
	for len(begun) > 0 {
		all = append(all, strings.Join(begun, "+"))
		if again, more := Advance(c, same(Running, begun...), open{}, noon); len(more) > 0 || again.Wave != c.Wave {
			t.Fatalf("%v begun while %v run", more, begun)
		}
		c, begun = Advance(c, same(Done, begun...), open{}, noon)
	}
	want := "row-a-00 row-a-01+row-a-02 row-b-00+row-b-01 row-b-02"
	if got := strings.Join(all, " "); got != want || c.State != Done || c.Why != "6 done, 0 failed, 0 skipped" {
		t.Errorf("%s, %s (%s), want %s", got, c.State, c.Why, want)
	}
}

func TestAFailedCanaryStopsAll(t *testing.T) {
	c, begun := Advance(sized(Terms{Canary: 2, Size: 5, MaxFailures: 100}, 6, ""), nil, open{}, noon)
	if len(begun) != 2 {
		t.Fatalf("canaries %v", begun)
	}
	c, more := Advance(c, same(Failed, begun[0]), open{}, noon)
	if c.State != Halted || len(more) > 0 || !strings.Contains(c.Why, "canary failed: -00: because") {
		t.Fatalf("%s: %s, %v begun", c.State, c.Why, more)
	}
	c, more = Advance(c, same(Done, begun[1]), open{}, noon)
	if c.State != Halted || len(more) > 0 {
		t.Fatalf("the other canary made it %s, %v begun", c.State, more)
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	if c, more = Advance(c, nil, open{}, noon); len(more) != 4 || c.State != Running {
		t.Errorf("after a person resumed: %s, %v", c.State, more)
	}
}

func TestACampaignHaltsWhenTooManyFail(t *testing.T) {
	c, begun := Advance(sized(Terms{Size: 10, MaxFailures: 20}, 20, ""), nil, open{}, noon)
	c, _ = Advance(c, same(Failed, begun[:2]...), open{}, noon)
	if c.State != Running {
		t.Fatalf("2 of 10 halt it: %s", c.Why)
	}
	c, _ = Advance(c, same(Failed, begun[2]), open{}, noon)
	if c.State != Halted || c.Why != "3 of 10 machines failed, more than 20 %: 3 x unknown (-00, -01, -02)" {
		t.Fatalf("%s: %s", c.State, c.Why)
	}
	c, more := Advance(c, same(Done, begun[3:]...), open{}, noon)
	if len(more) > 0 || c.Follows() {
		t.Errorf("%v begun after the halt", more)
	}
}

func TestAPersonsRetryIsTakenInAndHoldsTheNextWave(t *testing.T) {
	c, first := Advance(sized(Terms{Size: 2, MaxFailures: 100}, 6, ""), nil, open{}, noon)
	c, second := Advance(c, map[string]Report{first[0]: {State: Failed}, first[1]: {State: Done}}, open{}, noon)
	c, more := Advance(c, map[string]Report{first[0]: {State: Running}, second[0]: {State: Done}, second[1]: {State: Done}}, open{}, noon)
	if len(more) > 0 {
		t.Fatalf("%v begun beside a wave before", more)
	}
	if c, more = Advance(c, same(Done, first[0]), open{}, noon); len(more) != 2 || c.Members[0].State != Done {
		t.Errorf("%v, %+v", more, c.Members[0])
	}
}

func TestABusyMachineIsTriedAgainForAnHour(t *testing.T) {
	c, begun := Advance(sized(Terms{Size: 1, MaxFailures: 0}, 1, ""), nil, open{}, noon)
	now, tries := noon, 0
	for ; !c.State.Ended(); tries++ {
		if tries > 100 {
			t.Fatal("it never ends")
		}
		c, begun = Advance(c, same(Waiting, begun...), open{}, now)
		now = now.Add(time.Minute)
		if len(begun) == 0 && !c.State.Ended() {
			c, begun = Advance(c, nil, open{}, now)
		}
	}
	if c.Members[0].State != Skipped || c.Members[0].Why != "it never was free: because" || tries < 30 {
		t.Errorf("%+v after %d tries", c.Members[0], tries)
	}
}

func TestCanariesThatWereSkippedProveNothing(t *testing.T) {
	c, begun := Advance(sized(Terms{Canary: 1, Size: 5, MaxFailures: 100}, 4, ""), nil, open{}, noon)
	c, begun = Advance(c, same(Skipped, begun...), open{}, noon)
	if len(begun) != 1 {
		t.Fatalf("%v begun though no canary was updated", begun)
	}
	if c, begun = Advance(c, same(Failed, begun...), open{}, noon); c.State != Halted {
		t.Errorf("the second canary failed and it is %s, %v", c.State, begun)
	}
}

func TestAPersonMayPauseResumeAndCancel(t *testing.T) {
	c, begun := Advance(sized(Terms{Size: 1, MaxFailures: 0}, 3, ""), nil, open{}, noon)
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	c, more := Advance(c, same(Done, begun...), open{}, noon)
	if len(more) > 0 || c.State != Paused {
		t.Fatalf("%s, %v", c.State, more)
	}
	if err := c.Pause(); err == nil {
		t.Error("paused twice")
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	if c, more = Advance(c, nil, open{}, noon); len(more) != 1 {
		t.Fatalf("%v", more)
	}
	if err := c.Cancel(noon); err != nil || !c.Follows() {
		t.Fatal(err)
	}
	c, more = Advance(c, same(Done, more...), open{}, noon)
	if len(more) > 0 || c.Follows() || c.State != Cancelled || c.Resume() == nil || c.Cancel(noon) != nil {
		t.Errorf("%s, %v", c.State, more)
	}
}

// Whatever happens to the machines, a campaign begins no more than it may, never two waves
// at once, none after a failed canary or beyond the rate, each machine's update once at a
// time, and it ends.
func TestACampaignKeepsItsRulesWhateverHappens(t *testing.T) {
	for seed := range uint64(2000) {
		keepsRules(t, rand.New(rand.NewPCG(seed, 1)), seed)
	}
}

func keepsRules(t *testing.T, r *rand.Rand, seed uint64) {
	terms := Terms{Canary: r.IntN(4), Size: 1 + r.IntN(5), MaxFailures: []int{0, 10, 50, 100}[r.IntN(4)]}
	c := sized(terms, 1+r.IntN(6), []string{"a", "b", "c"}[:1+r.IntN(3)]...)
	chance, running, now, wave := r.IntN(100), map[string]bool{}, noon, map[string]int{}
	for round := 0; !c.State.Ended(); round++ {
		if round > 20000 {
			t.Fatalf("seed %d: it does not end: %+v", seed, c)
		}
		said := map[string]Report{}
		for m := range running {
			switch n := r.IntN(100); {
			case n < chance/2:
				said[m] = Report{State: Failed}
			case n < chance:
				said[m] = Report{State: []State{Skipped, Waiting}[r.IntN(2)]}
			case n < 90 || chance > 90:
				said[m] = Report{State: Done}
			}
		}
		for m := range said {
			delete(running, m)
		}
		var begun []string
		c, begun = Advance(c, said, open{}, now)
		now = now.Add(time.Duration(r.IntN(600)) * time.Second)
		if len(begun) > 0 && (c.State != Running || overRate(c)) {
			t.Fatalf("seed %d: %v begun while it is %s: %+v", seed, begun, c.State, c)
		}
		for _, m := range begun {
			if running[m] {
				t.Fatalf("seed %d: %s begun twice", seed, m)
			}
			running[m] = true
			at := slices.IndexFunc(c.Members, func(x Member) bool { return x.Machine == m })
			wave[m] = c.Members[at].Wave
		}
		waves, domains, limit := map[int]bool{}, map[string]bool{}, terms.Size
		for m := range running {
			waves[wave[m]] = true
			domains[m[:1]] = true
		}
		if waves[0] {
			limit, domains = terms.Canary, nil
		}
		if len(waves) > 1 || len(domains) > 1 || len(running) > limit {
			t.Fatalf("seed %d: %d machines of waves %v and domains %v run at once: %+v", seed, len(running), waves, domains, terms)
		}
		if c.State == Halted && len(running) == 0 {
			if err := c.Resume(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(running) > 0 {
		t.Fatalf("seed %d: it ended while %v run", seed, running)
	}
}

func overRate(c Fleet) bool {
	failed, all := 0, 0
	for _, x := range c.Members {
		counts := x.State == Failed && !x.Forgiven
		if counts && x.Wave == 0 {
			return true
		}
		if counts {
			failed++
		}
		if x.Wave <= c.Wave && x.State != Skipped {
			all++
		}
	}
	return failed*100 > c.Terms.MaxFailures*all
}

package firmware_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/firmware"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// campaign has n machines in each domain.
func campaign(r firmware.Rollout, n int, domains ...string) firmware.Campaign {
	var targets []firmware.Target
	for _, d := range domains {
		for i := range n {
			name := fmt.Sprintf("%s-%02d", d, i)
			targets = append(targets, firmware.Target{Machine: name, Name: name, Model: "x1", Domain: d, State: firmware.TargetWaiting})
		}
	}
	return firmware.Campaign{Name: "c", State: firmware.CampaignRunning, Rollout: r, Targets: firmware.Lay(targets, r)}
}

func reports(state firmware.ReportState, machines ...string) map[string]firmware.Report {
	out := map[string]firmware.Report{}
	for _, m := range machines {
		out[m] = firmware.Report{State: state, Why: "because"}
	}
	return out
}

func TestACampaignGoesCanaryFirstThenWaveByWaveWithinADomain(t *testing.T) {
	c, begun := firmware.Advance(campaign(firmware.Rollout{Canary: 1, Size: 2, Halt: 10}, 3, "row-a", "row-b"), nil, start)
	var all []string
	for len(begun) > 0 {
		all = append(all, strings.Join(begun, "+"))
		if again, more := firmware.Advance(c, reports(firmware.ReportRunning, begun...), start); len(more) > 0 || again.Wave != c.Wave {
			t.Fatalf("%v begun while %v run", more, begun)
		}
		c, begun = firmware.Advance(c, reports(firmware.ReportDone, begun...), start)
	}
	want := "row-a-00 row-a-01+row-a-02 row-b-00+row-b-01 row-b-02"
	if got := strings.Join(all, " "); got != want || c.State != firmware.CampaignDone || c.Why != "6 updated, 0 failed, 0 skipped" {
		t.Errorf("%s, %s (%s), want %s", got, c.State, c.Why, want)
	}
}

func TestAFailedCanaryStopsAll(t *testing.T) {
	c, begun := firmware.Advance(campaign(firmware.Rollout{Canary: 2, Size: 5, Halt: 100}, 6, ""), nil, start)
	if len(begun) != 2 {
		t.Fatalf("canaries %v", begun)
	}
	c, more := firmware.Advance(c, reports(firmware.ReportFailed, begun[0]), start)
	if c.State != firmware.CampaignHalted || len(more) > 0 || !strings.Contains(c.Why, "canary failed: -00: because") {
		t.Fatalf("%s: %s, %v begun", c.State, c.Why, more)
	}
	c, more = firmware.Advance(c, reports(firmware.ReportDone, begun[1]), start)
	if c.State != firmware.CampaignHalted || len(more) > 0 {
		t.Fatalf("the other canary made it %s, %v begun", c.State, more)
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	if c, more = firmware.Advance(c, nil, start); len(more) != 4 || c.State != firmware.CampaignRunning {
		t.Errorf("after a person resumed: %s, %v", c.State, more)
	}
}

func TestACampaignHaltsWhenTooManyFail(t *testing.T) {
	c, begun := firmware.Advance(campaign(firmware.Rollout{Size: 10, Halt: 20}, 20, ""), nil, start)
	c, _ = firmware.Advance(c, reports(firmware.ReportFailed, begun[:2]...), start)
	if c.State != firmware.CampaignRunning {
		t.Fatalf("2 of 10 halt it: %s", c.Why)
	}
	c, _ = firmware.Advance(c, reports(firmware.ReportFailed, begun[2]), start)
	if c.State != firmware.CampaignHalted || c.Why != "3 of 10 machines failed, more than 20 %; the first is -00: because" {
		t.Fatalf("%s: %s", c.State, c.Why)
	}
	c, more := firmware.Advance(c, reports(firmware.ReportDone, begun[3:]...), start)
	if len(more) > 0 || c.Follows() {
		t.Errorf("%v begun after the halt", more)
	}
}

func TestAPersonsRetryIsTakenInAndHoldsTheNextWave(t *testing.T) {
	c, first := firmware.Advance(campaign(firmware.Rollout{Size: 2, Halt: 100}, 6, ""), nil, start)
	c, second := firmware.Advance(c, map[string]firmware.Report{first[0]: {State: firmware.ReportFailed}, first[1]: {State: firmware.ReportDone}}, start)
	c, more := firmware.Advance(c, map[string]firmware.Report{first[0]: {State: firmware.ReportRunning}, second[0]: {State: firmware.ReportDone}, second[1]: {State: firmware.ReportDone}}, start)
	if len(more) > 0 {
		t.Fatalf("%v begun beside a wave before", more)
	}
	if c, more = firmware.Advance(c, reports(firmware.ReportDone, first[0]), start); len(more) != 2 || c.Targets[0].State != firmware.TargetDone {
		t.Errorf("%v, %+v", more, c.Targets[0])
	}
}

func TestABusyMachineIsTriedAgainForAnHour(t *testing.T) {
	c, begun := firmware.Advance(campaign(firmware.Rollout{Size: 1, Halt: 0}, 1, ""), nil, start)
	now, tries := start, 0
	for ; !c.State.Ended(); tries++ {
		if tries > 100 {
			t.Fatal("it never ends")
		}
		c, begun = firmware.Advance(c, reports(firmware.ReportBusy, begun...), now)
		now = now.Add(time.Minute)
		if len(begun) == 0 && !c.State.Ended() {
			c, begun = firmware.Advance(c, nil, now)
		}
	}
	if c.Targets[0].State != firmware.TargetSkipped || c.Targets[0].Why != "it never was free: because" || tries < 30 {
		t.Errorf("%+v after %d tries", c.Targets[0], tries)
	}
}

func TestCanariesThatWereSkippedProveNothing(t *testing.T) {
	c, begun := firmware.Advance(campaign(firmware.Rollout{Canary: 1, Size: 5, Halt: 100}, 4, ""), nil, start)
	c, begun = firmware.Advance(c, reports(firmware.ReportSkipped, begun...), start)
	if len(begun) != 1 {
		t.Fatalf("%v begun though no canary was updated", begun)
	}
	if c, begun = firmware.Advance(c, reports(firmware.ReportFailed, begun...), start); c.State != firmware.CampaignHalted {
		t.Errorf("the second canary failed and it is %s, %v", c.State, begun)
	}
}

func TestAPersonMayPauseResumeAndCancel(t *testing.T) {
	c, begun := firmware.Advance(campaign(firmware.Rollout{Size: 1, Halt: 0}, 3, ""), nil, start)
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	c, more := firmware.Advance(c, reports(firmware.ReportDone, begun...), start)
	if len(more) > 0 || c.State != firmware.CampaignPaused {
		t.Fatalf("%s, %v", c.State, more)
	}
	if err := c.Pause(); err == nil {
		t.Error("paused twice")
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	if c, more = firmware.Advance(c, nil, start); len(more) != 1 {
		t.Fatalf("%v", more)
	}
	if err := c.Cancel(start); err != nil || !c.Follows() {
		t.Fatal(err)
	}
	c, more = firmware.Advance(c, reports(firmware.ReportDone, more...), start)
	if len(more) > 0 || c.Follows() || c.State != firmware.CampaignCancelled || c.Resume() == nil || c.Cancel(start) != nil {
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
	rollout := firmware.Rollout{Canary: r.IntN(4), Size: 1 + r.IntN(5), Halt: []int{0, 10, 50, 100}[r.IntN(4)]}
	c := campaign(rollout, 1+r.IntN(6), []string{"a", "b", "c"}[:1+r.IntN(3)]...)
	chance, running, now, wave := r.IntN(100), map[string]bool{}, start, map[string]int{}
	for round := 0; !c.State.Ended(); round++ {
		if round > 20000 {
			t.Fatalf("seed %d: it does not end: %+v", seed, c)
		}
		said := map[string]firmware.Report{}
		for m := range running {
			switch n := r.IntN(100); {
			case n < chance/2:
				said[m] = firmware.Report{State: firmware.ReportFailed}
			case n < chance:
				said[m] = firmware.Report{State: []firmware.ReportState{firmware.ReportSkipped, firmware.ReportBusy}[r.IntN(2)]}
			case n < 90 || chance > 90:
				said[m] = firmware.Report{State: firmware.ReportDone}
			}
		}
		for m := range said {
			delete(running, m)
		}
		var begun []string
		c, begun = firmware.Advance(c, said, now)
		now = now.Add(time.Duration(r.IntN(600)) * time.Second)
		if len(begun) > 0 && (c.State != firmware.CampaignRunning || overRate(c)) {
			t.Fatalf("seed %d: %v begun while it is %s: %+v", seed, begun, c.State, c)
		}
		for _, m := range begun {
			if running[m] {
				t.Fatalf("seed %d: %s begun twice", seed, m)
			}
			running[m] = true
			at := slices.IndexFunc(c.Targets, func(x firmware.Target) bool { return x.Machine == m })
			wave[m] = c.Targets[at].Wave
		}
		waves, domains, limit := map[int]bool{}, map[string]bool{}, rollout.Size
		for m := range running {
			waves[wave[m]] = true
			domains[m[:1]] = true
		}
		if waves[0] {
			limit, domains = rollout.Canary, nil
		}
		if len(waves) > 1 || len(domains) > 1 || len(running) > limit {
			t.Fatalf("seed %d: %d machines of waves %v and domains %v run at once: %+v", seed, len(running), waves, domains, rollout)
		}
		if c.State == firmware.CampaignHalted && len(running) == 0 {
			if err := c.Resume(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(running) > 0 {
		t.Fatalf("seed %d: it ended while %v run", seed, running)
	}
}

func overRate(c firmware.Campaign) bool {
	failed, all := 0, 0
	for _, x := range c.Targets {
		counts := x.State == firmware.TargetFailed && !x.Forgiven
		if counts && x.Wave == 0 {
			return true
		}
		if counts {
			failed++
		}
		if x.Wave <= c.Wave && x.State != firmware.TargetSkipped {
			all++
		}
	}
	return failed*100 > c.Rollout.Halt*all
}

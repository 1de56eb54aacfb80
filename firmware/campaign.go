package firmware

import (
	"cmp"
	"slices"
	"time"

	"rackwright/fault"
)

// Rollout is how a campaign goes: to whom, what, and how carefully.
type Rollout struct {
	Racks     []string `json:"racks,omitempty" nullable:"false" maxItems:"500" doc:"Machines of these racks"`
	Models    []string `json:"models,omitempty" nullable:"false" maxItems:"100" doc:"Only machines of these models"`
	Labels    []string `json:"labels,omitempty" nullable:"false" maxItems:"100" doc:"Only machines with all these labels: KEY or KEY=VALUE"`
	Machines  []string `json:"machines,omitempty" nullable:"false" maxItems:"5000" doc:"These machines, by name"`
	File      string   `json:"file,omitempty" maxLength:"63" doc:"A file's name; absent: each machine's baseline"`
	Downgrade bool     `json:"downgrade,omitempty" doc:"Also where a machine is ahead of its baseline"`
	Active    bool     `json:"active,omitempty" doc:"Also machines that are active: they are restarted"`
	Canary    int      `json:"canary" minimum:"0" maximum:"100" doc:"So many machines go first; if one of them fails, nothing more is begun"`
	Size      int      `json:"size" minimum:"1" maximum:"1000" doc:"Machines of a wave, which are updated at once"`
	Domain    string   `json:"domain,omitempty" maxLength:"63" doc:"Rack label, rack, row or room: a wave keeps within one of its values"`
	Halt      int      `json:"halt" minimum:"0" maximum:"100" doc:"Percent: when more of the machines of the waves so far failed, nothing more is begun"`
}

// Check returns Invalid for a rollout that chooses no machines or cannot go.
func (r *Rollout) Check() error {
	switch {
	case len(r.Racks)+len(r.Models)+len(r.Labels)+len(r.Machines) == 0:
		return fault.Invalidf("the campaign names no machines").WithHint("choose them by rack, model, label or name")
	case r.Size < 1 || r.Canary < 0 || r.Halt < 0 || r.Halt > 100:
		return fault.Invalidf("a wave has at least 1 machine, canary 0 or more, halt is a percentage").WithHint("e.g. canary 1, wave 10, halt 10")
	}
	return nil
}

// CampaignState is where a campaign stands.
type CampaignState string

// The states of a campaign.
const (
	CampaignRunning   CampaignState = "running"
	CampaignPaused    CampaignState = "paused"    // a person wants nothing more to be begun for now
	CampaignHalted    CampaignState = "halted"    // too many failed; a person decides
	CampaignDone      CampaignState = "done"      // nothing is left to begin
	CampaignCancelled CampaignState = "cancelled" // a person ended it
)

// Ended reports whether nothing more will be begun, ever.
func (s CampaignState) Ended() bool { return s == CampaignDone || s == CampaignCancelled }

// Campaign brings many machines' firmware where it belongs, wave after wave.
type Campaign struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	State    CampaignState       `json:"state" enum:"running,paused,halted,done,cancelled"`
	Why      string              `json:"why,omitempty" doc:"Why it halted, or how it ended"`
	Rollout  Rollout             `json:"rollout"`
	Files    []string            `json:"files" nullable:"false" doc:"Names of the files that its machines lack"`
	Targets  []Target            `json:"targets" nullable:"false" doc:"By wave"`
	Tally    map[TargetState]int `json:"tally,omitempty" doc:"How many machines stand how"`
	Wave     int                 `json:"wave" doc:"The one that is being done; 0 are the canaries"`
	Actor    string              `json:"actor"`
	Created  time.Time           `json:"created_at"`
	Updated  time.Time           `json:"updated_at"`
	Finished time.Time           `json:"finished_at,omitzero"`
	Version  int64               `json:"version"`
}

// TargetState is where a machine of a campaign stands.
type TargetState string

// The states of a target.
const (
	TargetWaiting TargetState = "waiting"
	TargetRunning TargetState = "running" // counted as begun, though the operation may not be there yet
	TargetDone    TargetState = "done"
	TargetFailed  TargetState = "failed"
	TargetSkipped TargetState = "skipped" // nothing to do, no way to do it, or never free
)

// Target is a machine of a campaign.
type Target struct {
	Machine   string      `json:"machine" doc:"Machine id"`
	Name      string      `json:"name"`
	Model     string      `json:"model,omitempty"`
	Domain    string      `json:"domain,omitempty" doc:"Its value of the rollout's domain"`
	Wave      int         `json:"wave"`
	State     TargetState `json:"state" enum:"waiting,running,done,failed,skipped"`
	Operation string      `json:"operation,omitempty"`
	Why       string      `json:"why,omitempty"`
	Forgiven  bool        `json:"forgiven,omitempty" doc:"It failed and a person resumed after that; it counts no more"`
	Busy      time.Time   `json:"busy_since,omitzero" doc:"Since when it could not be begun: something else has the machine"`
	Next      time.Time   `json:"next_try_at,omitzero"`
}

// Lay assigns waves: the canaries first, of as many models as possible, then the rest in
// waves of one failure domain each.
func Lay(targets []Target, r Rollout) []Target {
	out := slices.Clone(targets)
	slices.SortStableFunc(out, func(a, b Target) int { return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Name, b.Name)) })
	canaries := chooseCanaries(out, r.Canary)
	wave, count, domain := 0, 0, ""
	for i := range out {
		t := &out[i]
		if canaries[t.Machine] {
			t.Wave = 0
			continue
		}
		if wave == 0 || count == r.Size || t.Domain != domain {
			wave, count, domain = wave+1, 0, t.Domain
		}
		t.Wave = wave
		count++
	}
	slices.SortStableFunc(out, func(a, b Target) int { return cmp.Compare(a.Wave, b.Wave) })
	return out
}

// chooseCanaries takes a machine of each model first, then from the front.
func chooseCanaries(targets []Target, n int) map[string]bool {
	out, models := map[string]bool{}, map[string]bool{}
	for _, newModel := range []bool{true, false} {
		for _, t := range targets {
			if len(out) < n && t.State == TargetWaiting && !out[t.Machine] && (!newModel || !models[t.Model]) {
				out[t.Machine], models[t.Model] = true, true
			}
		}
	}
	return out
}

// Pause keeps anything more from being begun.
func (c *Campaign) Pause() error {
	if c.State != CampaignRunning {
		return c.cannot("pause")
	}
	c.State = CampaignPaused
	return nil
}

// Resume goes on after a pause or a halt; what failed until then counts no more.
func (c *Campaign) Resume() error {
	if c.State != CampaignPaused && c.State != CampaignHalted {
		return c.cannot("resume")
	}
	for i := range c.Targets {
		c.Targets[i].Forgiven = c.Targets[i].State == TargetFailed
	}
	c.State, c.Why = CampaignRunning, ""
	return nil
}

// Cancel ends it. Machines that are being updated end that by themselves.
func (c *Campaign) Cancel(now time.Time) error {
	if c.State == CampaignCancelled {
		return nil
	}
	if c.State.Ended() {
		return c.cannot("cancel")
	}
	c.State, c.Finished = CampaignCancelled, now
	return nil
}

func (c *Campaign) cannot(what string) error {
	return fault.Conflictf("campaign %s is %s; it cannot %s", c.Name, c.State, what).WithHint("'rackwright firmware campaign show %s'", c.Name)
}

// Follows reports whether there is something to look after: machines to begin, or to wait
// for, also when a person stopped it meanwhile.
func (c *Campaign) Follows() bool {
	return c.State == CampaignRunning || c.count(TargetRunning) > 0
}

// Counts says how many machines stand how.
func (c *Campaign) Counts() map[TargetState]int {
	out := map[TargetState]int{}
	for _, t := range c.Targets {
		out[t.State]++
	}
	return out
}

func (c *Campaign) count(s TargetState) (n int) {
	for _, t := range c.Targets {
		if t.State == s {
			n++
		}
	}
	return n
}

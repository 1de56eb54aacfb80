package firmware

import (
	"fmt"
	"slices"
	"time"
)

// Report is what became of a target that was begun, or was to be.
type Report struct {
	State     ReportState
	Operation string
	Why       string
}

// ReportState is the sort of a report.
type ReportState string

// The sorts of report.
const (
	ReportRunning ReportState = "running"
	ReportDone    ReportState = "done"
	ReportFailed  ReportState = "failed"  // ended badly, or stopped and waits for a person
	ReportBusy    ReportState = "busy"    // not begun: something else has the machine
	ReportSkipped ReportState = "skipped" // not begun: nothing to do, or no way
)

// How long a campaign waits for a machine that something else has, and how often it asks.
const (
	busyFor   = time.Hour
	busyAgain = time.Minute
)

// Advance takes in what became of machines, by machine id, and says which are to be begun
// now; they are marked as begun. It begins machines of one wave at a time and no more of
// them than a wave has. A failed canary halts it, and so does it when more than the
// rollout's share of the machines of the waves so far failed.
func Advance(c Campaign, reports map[string]Report, now time.Time) (Campaign, []string) {
	c.Targets = slices.Clone(c.Targets)
	for i := range c.Targets {
		if r, told := reports[c.Targets[i].Machine]; told {
			c.Targets[i].take(r, now)
		}
	}
	if c.State.Ended() {
		return c, nil
	}
	if why := c.tooMany(); why != "" {
		c.Why = why
		if c.State == CampaignRunning {
			c.State = CampaignHalted
		}
	}
	c.settleWaves()
	if c.count(TargetWaiting)+c.count(TargetRunning) == 0 {
		c.State, c.Finished = CampaignDone, now
		c.Why = fmt.Sprintf("%d updated, %d failed, %d skipped", c.count(TargetDone), c.count(TargetFailed), c.count(TargetSkipped))
	}
	if c.State != CampaignRunning {
		return c, nil
	}
	return c, c.begin(now)
}

// take writes a report down. A target that failed may be taken up again by a person.
func (t *Target) take(r Report, now time.Time) {
	if t.State != TargetRunning && t.State != TargetFailed {
		return
	}
	if r.Operation != "" {
		t.Operation = r.Operation
	}
	t.Why = r.Why
	if r.State != ReportFailed {
		t.Forgiven = false
	}
	switch r.State {
	case ReportRunning:
		t.State, t.Busy, t.Next = TargetRunning, time.Time{}, time.Time{}
	case ReportDone:
		t.State = TargetDone
	case ReportFailed:
		t.State = TargetFailed
	case ReportSkipped:
		t.State = TargetSkipped
	case ReportBusy:
		if t.Busy.IsZero() {
			t.Busy = now
		}
		t.State, t.Next = TargetWaiting, now.Add(busyAgain)
		if now.Sub(t.Busy) >= busyFor {
			t.State, t.Why = TargetSkipped, "it never was free: "+r.Why
		}
	}
}

// settleWaves goes to the first wave that has something left. Canaries of whom none was
// updated prove nothing: the next machines are canaries then.
func (c *Campaign) settleWaves() {
	if c.Wave == 0 && c.Rollout.Canary > 0 && c.in(0, TargetDone)+c.in(0, TargetWaiting)+c.in(0, TargetRunning)+c.in(0, TargetFailed) == 0 {
		next := chooseCanaries(c.Targets, c.Rollout.Canary)
		for i := range c.Targets {
			if next[c.Targets[i].Machine] {
				c.Targets[i].Wave = 0
			}
		}
	}
	last := 0
	for _, t := range c.Targets {
		last = max(last, t.Wave)
	}
	for c.Wave < last && c.in(c.Wave, TargetWaiting)+c.in(c.Wave, TargetRunning) == 0 {
		c.Wave++
	}
}

func (c *Campaign) in(wave int, s TargetState) (n int) {
	for _, t := range c.Targets {
		if t.Wave == wave && t.State == s {
			n++
		}
	}
	return n
}

// tooMany says why nothing more may be begun, "" when it may.
func (c *Campaign) tooMany() string {
	failed, sofar, first := 0, 0, ""
	for _, t := range c.Targets {
		if t.Wave <= c.Wave && t.State != TargetSkipped {
			sofar++
		}
		if t.State != TargetFailed || t.Forgiven {
			continue
		}
		if t.Wave == 0 {
			return fmt.Sprintf("a canary failed: %s: %s", t.Name, t.Why)
		}
		if failed++; first == "" {
			first = fmt.Sprintf("%s: %s", t.Name, t.Why)
		}
	}
	if failed*100 > c.Rollout.Halt*sofar {
		return fmt.Sprintf("%d of %d machines failed, more than %d %%; the first is %s", failed, sofar, c.Rollout.Halt, first)
	}
	return ""
}

// begin marks what is to be begun. While a machine of another wave runs, because a person
// retried it, nothing is.
func (c *Campaign) begin(now time.Time) (start []string) {
	free := c.Rollout.Size
	if c.Wave == 0 {
		free = max(c.Rollout.Canary, 1)
	}
	for _, t := range c.Targets {
		if t.State == TargetRunning && t.Wave != c.Wave {
			return nil
		}
	}
	free -= c.count(TargetRunning)
	for i := range c.Targets {
		t := &c.Targets[i]
		if free > 0 && t.Wave == c.Wave && t.State == TargetWaiting && !now.Before(t.Next) {
			t.State = TargetRunning
			start = append(start, t.Machine)
			free--
		}
	}
	return start
}

package deploy

import (
	"fmt"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// How long a burn-in works.
const (
	MinBurn = 10 * time.Second
	MaxBurn = 14 * 24 * time.Hour
)

// MaxBurnRestarts is how often a machine may restart by itself under burn-in: then it is
// not tried again.
const MaxBurnRestarts = 3

// BurnTests lists what a burn-in works.
func BurnTests() []string { return []string{"cpu", "memory", "disk", "network"} }

// Wanted are the tests of an order.
func (o BurnOrder) Wanted() []string {
	if len(o.Tests) == 0 {
		return BurnTests()
	}
	return o.Tests
}

// Patience is how long the step may take from when the machine has its power: the work,
// and the restarts of a machine that does not hold out.
func (o BurnOrder) Patience() time.Duration {
	work := time.Duration(o.Seconds) * time.Second
	return work + max(work/2, 40*time.Minute)
}

func planBurnIn(s Subject) ([]Step, error) {
	o := s.Order.Burn
	if o == nil {
		return nil, fault.Invalidf("burn in %s: for how long?", s.Machine.Name).WithHint("say a time from %s to %s", MinBurn, MaxBurn)
	}
	work := time.Duration(o.Seconds) * time.Second
	if o.Seconds < 0 || o.Seconds > int(MaxBurn.Seconds()) || work < MinBurn {
		return nil, fault.Invalidf("a burn-in of %d seconds is not possible", o.Seconds).WithHint("say a time from %s to %s", MinBurn, MaxBurn)
	}
	for i, t := range o.Tests {
		if !slices.Contains(BurnTests(), t) || slices.Contains(o.Tests[:i], t) {
			return nil, fault.Invalidf("%q is no test of a burn-in, or is named twice", t).WithHint("tests are %v", BurnTests())
		}
	}
	if o.Write && !slices.Contains(o.Wanted(), "disk") {
		return nil, fault.Invalidf("disks are to be written, but not tested").WithHint("add the test disk, or leave write out")
	}
	if s.Machine.Phase == inventory.Active && o.Write {
		return nil, fault.Conflictf("%s is active: it runs %s, and the disks of an active machine are never written", s.Machine.Name, s.Machine.Image).
			WithHint("leave write out, which only reads the disks, or erase the machine first")
	}
	if s.Machine.Phase == inventory.Active && !o.Active {
		return nil, fault.Conflictf("%s is active: it runs %s, and a burn-in restarts it", s.Machine.Name, s.Machine.Image).
			WithHint("say that it may be restarted: active (--active)")
	}
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	return append(netboot(s.Machine),
		step(StepBurn, fmt.Sprintf("burn-in for %s", work), 3, o.Patience()),
		step(StepReboot, "rebooting", 3, 10*time.Minute),
		step(StepSettle, "burned in", 5, time.Minute)), nil
}

// BurnState is where a burn-in stands.
type BurnState string

// The states.
const (
	BurnWaiting BurnState = "waiting" // for power in its rack
	BurnRunning BurnState = "running"
	BurnPassed  BurnState = "passed"
	BurnFailed  BurnState = "failed"
	BurnGivenUp BurnState = "given-up" // its operation ended before it did
)

// BurnRecord is one burn-in of a machine and what came out.
type BurnRecord struct {
	ID        string    `json:"-"`
	Operation string    `json:"operation"`
	Machine   string    `json:"machine" doc:"Machine id"`
	Name      string    `json:"machine_name"`
	State     BurnState `json:"state" enum:"waiting,running,passed,failed,given-up"`
	Order     BurnOrder `json:"order"`
	Earlier   BurnWork  `json:"earlier,omitzero" doc:"Of attempts that a restart ended, together"`
	Latest    BurnWork  `json:"latest,omitzero" doc:"Of the last attempt"`
	Restarts  int       `json:"restarts,omitempty" doc:"How often the machine restarted by itself"`
	Silences  int       `json:"silences,omitempty" doc:"How often it fell silent and was netbooted again"`
	Booted    time.Time `json:"booted_at,omitzero" doc:"When its agent last checked in"`
	Began     time.Time `json:"began_at"`
	Ended     time.Time `json:"ended_at,omitzero"`
	Turn      int       `json:"turn" doc:"Of the operation, when the agent last checked in"`
	Power     int       `json:"power" doc:"Turn of the operation that has power in the rack; -1: none"`
	Version   int64     `json:"-"`
}

// Powered reports whether the operation may draw full power in this turn.
func (b *BurnRecord) Powered(o *Operation) bool { return b.Power == o.Turn }

// Over reports whether there is a verdict.
func (b *BurnRecord) Over() bool { return b.State == BurnPassed || b.State == BurnFailed }

// Checked takes in that the machine's agent checked in at a time. It returns true when the
// machine restarted by itself since: nobody netbooted it. In another turn it was netbooted
// because it had fallen silent.
func (b *BurnRecord) Checked(at time.Time, turn int) bool {
	if !at.After(b.Booted) {
		return false
	}
	again, same := !b.Booted.IsZero(), b.Turn == turn
	b.Earlier, b.Latest = b.Earlier.And(b.Latest), BurnWork{}
	b.Booted, b.Turn = at, turn
	switch {
	case again && same:
		b.Restarts++
	case again:
		b.Silences++
	}
	return again && same
}

// Total is what all attempts found.
func (b *BurnRecord) Total() BurnWork { return b.Earlier.And(b.Latest) }

// Complaints are what the burn-in found wrong, the worst first; none: it passed.
func (b *BurnRecord) Complaints() []string {
	var out []string
	if b.Restarts > 0 {
		out = append(out, "the machine restarted by itself "+times(b.Restarts))
	}
	if b.Silences > 0 {
		out = append(out, "the machine fell silent "+times(b.Silences)+" and was netbooted again")
	}
	return append(out, b.Total().Errors...)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Package fleet does one thing to many machines: who goes in which wave, how many at once,
// and when to stop. It is pure and knows nothing of what is done: rollouts of images and
// firmware campaigns are fleets, fleet/run drives them, and each machine is an operation of
// its own (docs/decisions/0040-one-wave-engine.md).
package fleet

import (
	"fmt"
	"strings"
	"time"

	"rackwright/fault"
)

// Kind is what a fleet's machines are there for.
type Kind string

// The kinds.
const (
	Rollout  Kind = "rollout"  // one image is deployed to them
	Campaign Kind = "campaign" // their firmware is brought where it belongs
)

// Command is what a person types for fleets of a kind.
func (k Kind) Command() string {
	if k == Campaign {
		return "rackwright firmware campaign"
	}
	return "rackwright rollout"
}

// State is where a fleet stands, or one of its machines.
type State string

// The states.
const (
	Waiting   State = "waiting" // of a machine: its turn comes, or something else has it
	Running   State = "running" // a machine counts as begun, though the operation may not be there yet
	Paused    State = "paused"  // of a fleet: a person wants nothing more to be begun for now
	Halted    State = "halted"  // of a fleet: too many failed; a person decides
	Done      State = "done"    // a fleet: nothing is left to begin, and nothing in motion
	Failed    State = "failed"  // a machine: its operation ended badly, or stopped and waits for a person
	Skipped   State = "skipped" // a machine: nothing to do, no way to do it, or never free
	Cancelled State = "cancelled"
)

// Ended reports whether a fleet will begin nothing more, ever.
func (s State) Ended() bool { return s == Done || s == Cancelled }

// MemberStates are the states of a machine, in their order.
func MemberStates() []State { return []State{Waiting, Running, Done, Failed, Skipped} }

// Fleet is a piece of work and its machines.
type Fleet struct {
	ID        string           `json:"id"`
	Kind      Kind             `json:"kind" enum:"rollout,campaign"`
	Name      string           `json:"name"`
	State     State            `json:"state" enum:"running,paused,halted,done,cancelled"`
	Why       string           `json:"why,omitempty" doc:"Why it halted, or how it ended"`
	Image     string           `json:"image,omitempty" doc:"Of a rollout"`
	Digest    string           `json:"digest,omitempty"`
	Bytes     int64            `json:"image_bytes,omitempty" doc:"What is sent to each machine at most"`
	File      string           `json:"file,omitempty" doc:"Of a campaign: the firmware file that is asked for; absent: each machine's baseline"`
	Downgrade bool             `json:"downgrade,omitempty" doc:"Of a campaign: also where a machine is ahead of its baseline"`
	Files     []string         `json:"files,omitempty" nullable:"false" doc:"Names of the firmware files that its machines lack"`
	Terms     Terms            `json:"terms"`
	Wave      int              `json:"wave" doc:"The one that is being done"`
	Members   []Member         `json:"members" nullable:"false" doc:"By wave"`
	Tally     map[State]int    `json:"tally,omitempty" doc:"How many machines stand how"`
	Pipes     map[string]*Pipe `json:"pipes,omitempty" doc:"What the bytes come through, and how much came through at once"`
	Pace      Pace             `json:"pace,omitzero"`
	Actor     string           `json:"actor"`
	Created   time.Time        `json:"created_at"`
	Updated   time.Time        `json:"updated_at"`
	Finished  time.Time        `json:"finished_at,omitzero"`
	Version   int64            `json:"version"`
}

// Member is a machine of a fleet.
type Member struct {
	Machine   string    `json:"machine" doc:"Machine id"`
	Name      string    `json:"name"`
	Model     string    `json:"model,omitempty"`
	Rack      string    `json:"rack,omitempty"`
	Domain    string    `json:"domain,omitempty" doc:"Which failure domain it is of"`
	Wave      int       `json:"wave"`
	Canary    bool      `json:"canary,omitempty" doc:"It goes before the others"`
	Active    bool      `json:"active,omitempty" doc:"It ran a system when the work began"`
	State     State     `json:"state" enum:"waiting,running,done,failed,skipped"`
	Operation string    `json:"operation,omitempty"`
	Reason    string    `json:"reason,omitempty" doc:"Stable code of a failure"`
	Why       string    `json:"why,omitempty" doc:"Why it failed, was skipped or waits"`
	Forgiven  bool      `json:"forgiven,omitempty" doc:"It failed and a person resumed after that; it counts no more"`
	Busy      time.Time `json:"busy_since,omitzero" doc:"Since when it could not be begun: something else has the machine"`
	Next      time.Time `json:"next_try_at,omitzero"`
	Began     time.Time `json:"began_at,omitzero"`
	Stage     Stage     `json:"stage,omitempty" enum:"boot,write,finish" doc:"How far its deployment is"`
	Share     float64   `json:"share,omitempty" doc:"Of the image that was written, 0 to 1"`
	Seen      time.Time `json:"seen_at,omitzero" doc:"When that was so"`
}

// New lays the machines in waves. With nothing to do on any of them it is Conflict.
func New(kind Kind, name string, t Terms, members []Member) (*Fleet, error) {
	if err := t.Check(kind, name); err != nil {
		return nil, err
	}
	f := &Fleet{Kind: kind, Name: name, State: Running, Terms: t, Members: lay(members, t), Pipes: map[string]*Pipe{}}
	if len(members) == 0 {
		return nil, fault.Conflictf("no machine is %s", t).WithHint("'rackwright machine list' shows which there are, and in which phase")
	}
	if f.count(Waiting) == 0 {
		return nil, fault.Conflictf("nothing can be done on any of %d machines: %s", len(members), f.idle()).
			WithHint("choose other machines, or mend what is said of them; dry_run (--dry-run) with one that can be done lists all")
	}
	return f, nil
}

// idle says why the first few machines are not waiting for their turn.
func (f *Fleet) idle() string {
	const few = 3
	var out []string
	for _, m := range f.Members[:min(len(f.Members), few)] {
		out = append(out, m.Name+": "+m.Why)
	}
	if more := len(f.Members) - few; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, "; ")
}

// Pause keeps anything more from being begun.
func (f *Fleet) Pause() error {
	if f.State != Running {
		return f.cannot("pause")
	}
	f.State = Paused
	return nil
}

// Resume goes on after a pause or a halt; what failed until then counts no more.
func (f *Fleet) Resume() error {
	if f.State != Paused && f.State != Halted {
		return f.cannot("resume")
	}
	for i := range f.Members {
		f.Members[i].Forgiven = f.Members[i].State == Failed
	}
	f.State, f.Why = Running, ""
	return nil
}

// Cancel ends it. Machines that are being worked on end that by themselves: half an image,
// or half a firmware, is of no use to anybody.
func (f *Fleet) Cancel(now time.Time) error {
	if f.State == Cancelled {
		return nil
	}
	if f.State.Ended() {
		return f.cannot("cancel")
	}
	f.State, f.Finished = Cancelled, now
	return nil
}

func (f *Fleet) cannot(what string) error {
	return fault.Conflictf("%s %s is %s; it cannot %s", f.Kind, f.Name, f.State, what).WithHint("'%s show %s'", f.Kind.Command(), f.Name)
}

// Follows reports whether there is something to look after, also when a person stopped it.
func (f *Fleet) Follows() bool { return f.State == Running || f.count(Running) > 0 }

// Counts says how many machines stand how.
func (f *Fleet) Counts() map[State]int {
	out := map[State]int{}
	for i := range f.Members {
		out[f.Members[i].State]++
	}
	return out
}

func (f *Fleet) count(s State) int { return f.Counts()[s] }

// result is how a fleet ended, in words.
func (f *Fleet) result() string {
	return fmt.Sprintf("%d done, %d failed, %d skipped", f.count(Done), f.count(Failed), f.count(Skipped))
}

// Package rollout puts one image on many machines: who goes in which wave, how many at once
// as the network and the power turn out to carry, and when to stop. It is pure;
// rollout/run drives it, and each machine is an operation of its own
// (docs/decisions/0035-rollouts-find-the-knee.md).
package rollout

import (
	"regexp"
	"time"

	"rackwright/fault"
)

// Terms are for whom a rollout is and how careful it is.
type Terms struct {
	Racks       []string `json:"racks,omitempty" nullable:"false" maxItems:"500" doc:"Machines of these racks"`
	Labels      []string `json:"labels,omitempty" nullable:"false" maxItems:"100" doc:"Only machines with all these labels: KEY or KEY=VALUE"`
	Machines    []string `json:"machines,omitempty" nullable:"false" maxItems:"5000" doc:"These machines, by name"`
	AllReady    bool     `json:"all_ready,omitempty" doc:"Every machine in phase ready; with racks or labels, those of them"`
	Active      bool     `json:"active,omitempty" doc:"Also machines that are active: their system is overwritten, one failure domain after the other"`
	MaxFailures int      `json:"max_failures" minimum:"0" maximum:"100" doc:"Percent: when more of the machines fail, or it is clear that more will, nothing more is begun"`
	Domain      string   `json:"domain,omitempty" maxLength:"63" doc:"What fails together: rack (default), row, room, site, or the name of a rack label"`
}

var fleetName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Check returns Invalid for terms that choose no machines.
func (t *Terms) Check(name string) error {
	switch {
	case !fleetName.MatchString(name):
		return fault.Invalidf("%.80q is not a rollout's name", name).WithHint("use 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
	case len(t.Racks)+len(t.Labels)+len(t.Machines) == 0 && !t.AllReady:
		return fault.Invalidf("the rollout names no machines").WithHint("choose them by rack, label or name, or say all that are ready")
	case t.MaxFailures < 0 || t.MaxFailures > 100:
		return fault.Invalidf("max_failures is a percentage").WithHint("e.g. 5")
	}
	return nil
}

// FleetState is where a rollout stands.
type FleetState string

// The states of a rollout.
const (
	Running FleetState = "running"
	Paused  FleetState = "paused"  // a person wants nothing more to be begun for now
	Halted  FleetState = "halted"  // too many failed; a person decides
	Done    FleetState = "done"    // nothing is left to begin, and nothing in motion
	Aborted FleetState = "aborted" // a person ended it
)

// Ended reports whether nothing more will be begun, ever.
func (s FleetState) Ended() bool { return s == Done || s == Aborted }

// Fleet is a rollout: one image and its machines.
type Fleet struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	State    FleetState          `json:"state" enum:"running,paused,halted,done,aborted"`
	Why      string              `json:"why,omitempty" doc:"Why it halted, or how it ended"`
	Image    string              `json:"image"`
	Digest   string              `json:"digest"`
	Bytes    int64               `json:"image_bytes" doc:"What is sent to each machine at most"`
	Terms    Terms               `json:"terms"`
	Wave     int                 `json:"wave" doc:"The one that is being done"`
	Members  []Member            `json:"members" nullable:"false" doc:"By wave"`
	Tally    map[MemberState]int `json:"tally,omitempty" doc:"How many machines stand how"`
	Pipes    map[string]*Pipe    `json:"pipes,omitempty" doc:"What the bytes come through, and how much came through at once"`
	Pace     Pace                `json:"pace,omitzero"`
	Actor    string              `json:"actor"`
	Created  time.Time           `json:"created_at"`
	Updated  time.Time           `json:"updated_at"`
	Finished time.Time           `json:"finished_at,omitzero"`
	Version  int64               `json:"version"`
}

// MemberState is where a machine of a rollout stands.
type MemberState string

// The states of a member.
const (
	Waiting   MemberState = "waiting"
	Deploying MemberState = "deploying" // counted as begun, though the operation may not be there yet
	Deployed  MemberState = "deployed"
	Failed    MemberState = "failed"
	Skipped   MemberState = "skipped" // no way to do it, or never free
)

// Member is a machine of a rollout.
type Member struct {
	Machine   string      `json:"machine" doc:"Machine id"`
	Name      string      `json:"name"`
	Rack      string      `json:"rack,omitempty"`
	Domain    string      `json:"domain,omitempty" doc:"Which failure domain it is of"`
	Wave      int         `json:"wave"`
	Canary    bool        `json:"canary,omitempty" doc:"It goes before the others of its domain"`
	Active    bool        `json:"active,omitempty" doc:"It ran a system when the rollout began"`
	State     MemberState `json:"state" enum:"waiting,deploying,deployed,failed,skipped"`
	Operation string      `json:"operation,omitempty"`
	Reason    string      `json:"reason,omitempty" doc:"Stable code of a failure"`
	Why       string      `json:"why,omitempty" doc:"Why it failed, was skipped or waits"`
	Forgiven  bool        `json:"forgiven,omitempty" doc:"It failed and a person resumed after that; it counts no more"`
	Busy      time.Time   `json:"busy_since,omitzero" doc:"Since when it could not be begun: something else has the machine"`
	Next      time.Time   `json:"next_try_at,omitzero"`
	Began     time.Time   `json:"began_at,omitzero"`
	Stage     Stage       `json:"stage,omitempty" enum:"boot,write,finish" doc:"How far its deployment is"`
	Share     float64     `json:"share,omitempty" doc:"Of the image that was written, 0 to 1"`
	Seen      time.Time   `json:"seen_at,omitzero" doc:"When that was so"`
}

// New lays a rollout's machines in waves. With nobody to deploy it is Conflict.
func New(name string, t Terms, members []Member) (*Fleet, error) {
	if err := t.Check(name); err != nil {
		return nil, err
	}
	f := &Fleet{Name: name, State: Running, Terms: t, Members: lay(members), Pipes: map[string]*Pipe{}}
	if f.count(Waiting) == 0 {
		why := ""
		if len(members) > 0 {
			why = "; " + members[0].Name + ": " + members[0].Why
		}
		return nil, fault.Conflictf("of %d machines none can be deployed%s", len(members), why).WithHint("choose other machines, or mend what is said of them")
	}
	return f, nil
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

// Abort ends it. Machines that are being deployed end that by themselves: half an image is
// of no use to anybody.
func (f *Fleet) Abort(now time.Time) error {
	if f.State == Aborted {
		return nil
	}
	if f.State.Ended() {
		return f.cannot("abort")
	}
	f.State, f.Finished = Aborted, now
	return nil
}

func (f *Fleet) cannot(what string) error {
	return fault.Conflictf("rollout %s is %s; it cannot %s", f.Name, f.State, what).WithHint("'rackwright rollout show %s'", f.Name)
}

// Follows reports whether there is something to look after, also when a person stopped it.
func (f *Fleet) Follows() bool { return f.State == Running || f.count(Deploying) > 0 }

// Counts says how many machines stand how.
func (f *Fleet) Counts() map[MemberState]int {
	out := map[MemberState]int{}
	for i := range f.Members {
		out[f.Members[i].State]++
	}
	return out
}

func (f *Fleet) count(s MemberState) (n int) {
	for i := range f.Members {
		if f.Members[i].State == s {
			n++
		}
	}
	return n
}

package audit

import (
	"strings"
	"time"

	"rackwright/fault"
)

// ApprovalState is where a request that needs a second person stands.
type ApprovalState string

// The states. One that is approved and not done was cut short between the two.
const (
	Waiting       ApprovalState = "waiting"
	Approved      ApprovalState = "approved"
	Turned        ApprovalState = "refused"
	ApprovalDone  ApprovalState = "done"
	ApprovalStale ApprovalState = "expired"
)

// ApprovalTime is how long a request waits for a second person.
const ApprovalTime = 24 * time.Hour

// Approval is a destructive request that was not done, because it touches more machines
// than one person may destroy alone.
type Approval struct {
	ID       string        `json:"id"`
	State    ApprovalState `json:"state" enum:"waiting,approved,refused,done,expired" doc:"approved without done: the server stopped in the middle; see the audit"`
	Actor    string        `json:"actor" doc:"Who asked"`
	CallerID string        `json:"caller_id" doc:"Id of the token or session it was asked with"`
	Role     string        `json:"role"`
	Route    string        `json:"route" doc:"Operation id of what was asked"`
	Method   string        `json:"method"`
	Path     string        `json:"path"`
	Machines int           `json:"machines" doc:"How many it touches"`
	Reason   string        `json:"reason,omitempty" doc:"Of who asked"`
	Asked    time.Time     `json:"asked_at"`
	Expires  time.Time     `json:"expires_at"`

	By       string    `json:"decided_by,omitempty" doc:"The second person"`
	Decided  time.Time `json:"decided_at,omitzero"`
	Decision string    `json:"decision,omitempty" doc:"Reason of the second person"`
	Status   int       `json:"status,omitempty" doc:"HTTP status that the request was answered with when it was done"`
	Location string    `json:"location,omitempty" doc:"Where what it began is to be found"`
}

// Decide says whether somebody may approve or refuse a request. Who asked may take it back,
// which is to refuse it, but not approve it: neither with the same token or session nor under
// the same name. Somebody with credentials of two names counts as two persons.
func (a *Approval) Decide(name, callerID string, approve bool) error {
	switch {
	case a.State == ApprovalStale:
		return fault.Conflictf("the request of %s expired at %s", a.Actor, a.Expires.UTC().Format(time.RFC3339)).WithHint("it is to be asked again")
	case a.State != Waiting:
		return fault.Conflictf("the request of %s is %s already", a.Actor, a.State).WithHint("'rackwright approval show %s' says by whom", a.ID)
	case approve && (strings.EqualFold(name, a.Actor) || callerID == a.CallerID):
		return fault.Deniedf("%s asked for this, and a second person is to approve it", a.Actor).WithHint("ask somebody else who may destroy; you may refuse it, which takes it back")
	}
	return nil
}

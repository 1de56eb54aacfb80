package audit

import (
	"cmp"
	"slices"
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
	ID       string         `json:"id"`
	State    ApprovalState  `json:"state" enum:"waiting,approved,refused,done,expired" doc:"approved without done: the server stopped in the middle; see the audit"`
	Actor    string         `json:"actor" doc:"Who asked"`
	CallerID string         `json:"caller_id" doc:"Id of the token or session it was asked with"`
	Role     string         `json:"role"`
	Route    string         `json:"route" doc:"Operation id of what was asked"`
	Method   string         `json:"method"`
	Path     string         `json:"path"`
	Machines int            `json:"machines" doc:"How many it touches"`
	Touched  []Touched      `json:"touched" nullable:"false" doc:"What it would destroy. It is done to these and no others"`
	Asks     map[string]any `json:"asks,omitempty" doc:"What was sent, without what is only written"`
	Owner    string         `json:"owner,omitempty" doc:"The person who answers for what it was asked with"`
	Subject  string         `json:"-"`
	Reason   string         `json:"reason,omitempty" doc:"Of who asked"`
	Asked    time.Time      `json:"asked_at"`
	Expires  time.Time      `json:"expires_at"`

	By       string    `json:"decided_by,omitempty" doc:"The second person"`
	Decided  time.Time `json:"decided_at,omitzero"`
	Decision string    `json:"decision,omitempty" doc:"Reason of the second person"`
	Status   int       `json:"status,omitempty" doc:"HTTP status that the request was answered with when it was done"`
	Location string    `json:"location,omitempty" doc:"Where what it began is to be found"`
}

// Touched is a machine, an image or a firmware file that a request would destroy.
type Touched struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Image  string `json:"image,omitempty" doc:"Name of the image that it would be given"`
	Digest string `json:"digest,omitempty" doc:"What that name meant when it was asked. Nothing else is given"`
}

// Beyond are the names of what a request touches now and did not when it was asked. Requests
// that were kept before names were have none, and are judged by how many they touch.
func (a *Approval) Beyond(now []Touched) (names []string) {
	if len(a.Touched) == 0 && len(now) <= a.Machines {
		return nil
	}
	for _, t := range now {
		if !slices.ContainsFunc(a.Touched, func(was Touched) bool { return was.ID == t.ID }) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Images are the images that a request would give, by name, with the digest each name meant
// when it was asked.
func (a *Approval) Images() map[string]string {
	meant := map[string]string{}
	for _, t := range a.Touched {
		if t.Image != "" && t.Digest != "" {
			meant[t.Image] = t.Digest
		}
	}
	return meant
}

// Person is who stands behind a credential.
type Person struct {
	Name     string // of the credential
	CallerID string // its id
	Owner    string // the person who answers for it
	Subject  string // the person, as an identity provider names them
}

// Is reports whether two credentials are one person's: the same credential, one of the same
// name, or of the same owner. A token without an owner is a person of its name; a login named
// mia is the person mia.
func (p Person) Is(o Person) bool {
	return p.CallerID == o.CallerID || p.Subject != "" && p.Subject == o.Subject || strings.EqualFold(p.Name, o.Name) ||
		strings.EqualFold(cmp.Or(p.Owner, p.Name), cmp.Or(o.Owner, o.Name))
}

// Decide says whether somebody may approve or refuse a request. Who asked may take it back,
// which is to refuse it, but not approve it, whichever of their credentials they show.
func (a *Approval) Decide(who Person, approve bool) error {
	switch {
	case a.State == ApprovalStale:
		return fault.Conflictf("the request of %s expired at %s", a.Actor, a.Expires.UTC().Format(time.RFC3339)).WithHint("it is to be asked again")
	case a.State != Waiting:
		return fault.Conflictf("the request of %s is %s already", a.Actor, a.State).WithHint("'rackwright approval show %s' says by whom", a.ID)
	case approve && who.Is(Person{a.Actor, a.CallerID, a.Owner, a.Subject}):
		return fault.Deniedf("%s asked for this, and a second person is to approve it", a.Actor).WithHint("ask somebody else who may destroy; you may refuse it, which takes it back")
	}
	return nil
}

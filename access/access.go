// Package access says who is asking and what they may do where: callers, roles, scopes and
// one Allow function. It stores nothing.
package access

import (
	"errors"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
)

// Door is how a caller showed who it is.
type Door string

// The doors.
const (
	ByToken       Door = "token"
	ByCertificate Door = "certificate" // of a service (mutual TLS)
	ByLogin       Door = "login"       // a person, through OIDC
	ByDevice      Door = "device"      // a technician's, for one rack and a short time
)

// Caller is who is asking, whichever door it came through.
type Caller struct {
	ID      string    `json:"id" doc:"Of the token or session"`
	Name    string    `json:"name" doc:"As the journal and the audit name it"`
	By      Door      `json:"by" enum:"token,certificate,login,device" doc:"How it showed who it is"`
	Role    Role      `json:"role" enum:"viewer,technician,operator,admin,service"`
	Scope   Scope     `json:"scope" doc:"Where it may do so; empty: everywhere"`
	Expires time.Time `json:"expires_at,omitzero" doc:"Absent: never"`
	Owner   string    `json:"owner,omitempty" doc:"The person who answers for it"`
	Subject string    `json:"-"` // of a login: how the identity provider names the person
}

// Allow is nil when a caller has a right at a place, Denied when its role lacks the right
// or the right goes beyond its scope, and NotFound for a place that it may not know of.
func Allow(who Caller, right Right, at Place) error {
	if !who.Role.May(right) {
		return lacking(fault.Deniedf("%s has role %s, which may not %s", who.named(), who.Role, right).
			WithHint("%s may; an admin gives tokens, and 'rackwright whoami' shows what this one may", helpers(right)))
	}
	switch at.kind {
	case nowhere:
		return nil
	case everywhere:
		if !who.Scope.Whole() {
			return lacking(fault.Deniedf("%s may %s only within %s", who.named(), right, who.Scope).
				WithHint("this concerns all there is: ask an admin for it, or for a token without a scope"))
		}
		return nil
	}
	if !who.Scope.Holds(at) {
		return fault.NotFoundf("there is no such thing within %s", who.Scope)
	}
	return nil
}

// ErrLacking is the cause of a refusal that a wider role or scope would lift.
var ErrLacking = errors.New("the right is lacking")

func lacking(f *fault.Error) error {
	f.Err = ErrLacking
	return f
}

func (c Caller) named() string {
	if c.Name == "" {
		return "the caller"
	}
	return c.Name
}

// helpers names the roles that have a right: those who can help.
func helpers(right Right) string {
	var names []string
	for _, r := range Roles() {
		if r.May(right) {
			names = append(names, string(r))
		}
	}
	switch n := len(names); n {
	case 0:
		return "nobody"
	case 1:
		return "only role " + names[0]
	default:
		return "roles " + strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// Rights are those of a caller, in the order of the table.
func (c Caller) Rights() []Right {
	return slices.DeleteFunc(Rights(), func(r Right) bool { return !c.Role.May(r) })
}

package access

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
)

// Token is a credential without its secret.
type Token struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Role     Role      `json:"role" enum:"viewer,technician,operator,admin,service"`
	Scope    Scope     `json:"scope" doc:"Where it is good; empty: everywhere"`
	Created  time.Time `json:"created_at"`
	By       string    `json:"created_by,omitempty" doc:"Name of who gave it; absent: the server itself"`
	Expires  time.Time `json:"expires_at,omitzero" doc:"Absent: never"`
	LastUsed time.Time `json:"last_used_at,omitzero" doc:"To a minute or so; absent: never"`
	Revoked  time.Time `json:"revoked_at,omitzero" doc:"Absent: it was not"`

	Door        Door   `json:"door" enum:"token,certificate,login,device" doc:"login and device: a session of a person"`
	Certificate string `json:"certificate,omitempty" doc:"Name in the client certificate that stands for a secret"`

	Owner   string `json:"owner,omitempty" doc:"The person who answers for it; of a session, its person"`
	Subject string `json:"-"` // how the identity provider names the person; of a login
}

// Caller is who holds the token.
func (t Token) Caller() Caller {
	return Caller{ID: t.ID, Name: t.Name, By: cmp.Or(t.Door, ByToken), Role: t.Role, Scope: t.Scope, Expires: t.Expires, Owner: t.Owner, Subject: t.Subject}
}

// Session reports whether it is one of a person, that was opened and will be over.
func (t Token) Session() bool { return t.Door == ByLogin || t.Door == ByDevice }

// Good is nil while the token opens anything, and Denied once it was revoked or its time
// is over.
func (t Token) Good(now time.Time) error {
	switch over := !t.Expires.IsZero() && !now.Before(t.Expires); {
	case t.Session() && (over || !t.Revoked.IsZero()):
		return fault.Deniedf("the session of %s is over", t.Name).WithHint("'rackwright login' opens another; at a rack, ask for another code")
	case !t.Revoked.IsZero():
		return fault.Deniedf("token %s was revoked at %s", t.Name, t.Revoked.Format(time.RFC3339)).WithHint("ask an admin for another")
	case over:
		return fault.Deniedf("token %s expired at %s", t.Name, t.Expires.Format(time.RFC3339)).
			WithHint("ask an admin for another: 'rackwright token rotate %s --expires 90d'", t.Name)
	}
	return nil
}

// ErrUnknown is the cause of a refusal of a secret that no token has, or had.
var ErrUnknown = errors.New("unknown token")

// Grant is what a new token is to be.
type Grant struct {
	Name    string    `json:"name" minLength:"1" maxLength:"128" doc:"Of who or what will use it; the journal and the audit show it"`
	Role    Role      `json:"role" enum:"viewer,technician,operator,admin,service"`
	Scope   Scope     `json:"scope,omitzero" doc:"Where it is to be good; absent: everywhere"`
	Expires time.Time `json:"expires_at,omitzero" doc:"Absent: never"`

	Certificate string `json:"certificate,omitempty" maxLength:"255" doc:"Instead of a secret: a URI or DNS name in the client certificate; its common name where it has neither"`

	Owner string `json:"owner,omitempty" maxLength:"64" doc:"The person who answers for it, as a login names them; absent: whoever gives it, where that is known. The rule of two persons counts all that is one person's as one"`
}

// certificateForm is a URI or a name, in one line.
var certificateForm = regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._-]{0,127}$`)

// ids are no names: paths take either.
var idForm = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Check returns Invalid for what no token can be, naming every bad field.
func (g Grant) Check(now time.Time) error {
	var bad []fault.Field
	fail := func(path, message string) { bad = append(bad, fault.Field{Path: "body." + path, Message: message}) }
	if !nameForm.MatchString(g.Name) || idForm.MatchString(g.Name) {
		fail("name", "is no name of a token: letters, digits and .@_- are, 128 at most")
	}
	if !g.Role.Known() {
		fail("role", fmt.Sprintf("is none of %v", Roles()))
	}
	if !g.Expires.IsZero() && !now.Before(g.Expires) {
		fail("expires_at", "is over")
	}
	if g.Certificate != "" && !certificateForm.MatchString(g.Certificate) {
		fail("certificate", "is no name in a certificate: 255 visible ASCII characters at most, no spaces")
	}
	if g.Owner != "" && CheckPerson(g.Owner) != nil {
		fail("owner", "is no name of a person")
	}
	for _, l := range g.Scope.lists() {
		if slices.Contains(l.names, "") || len(l.names) > mostNames {
			fail("scope."+l.many, fmt.Sprintf("has an empty name, or more than %d", mostNames))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Message: "this can be no token", Hint: "'rackwright token add --help' has examples", Fields: bad}
}

// prefix lets people and scanners recognise a leaked token.
const prefix = "rw_"

// NewSecret makes a token secret: 160 random bits.
func NewSecret() string {
	var b [20]byte
	rand.Read(b[:])
	return prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// Hash is what is stored of a secret. The secret is random, so a plain SHA-256 cannot
// be guessed back.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Package access says who is asking and what they may do: tokens, roles and one Allow
// function. It stores nothing.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	"rackwright/fault"
)

// Role is a set of permissions.
type Role string

// The roles, each allowed what the ones before it are.
const (
	Viewer   Role = "viewer"   // reads everything but secrets
	Operator Role = "operator" // plans, deploys, powers
	Admin    Role = "admin"    // also tokens and settings
)

// Action is what somebody wants to do.
type Action string

// The actions.
const (
	Read   Action = "read"
	Change Action = "change"
	Govern Action = "govern"
)

// allowed is the whole table.
var allowed = map[Role]map[Action]bool{
	Viewer:   {Read: true},
	Operator: {Read: true, Change: true},
	Admin:    {Read: true, Change: true, Govern: true},
}

// Token is a caller's credential without its secret.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role" enum:"viewer,operator,admin"`
	Created time.Time `json:"created_at"`
}

// Allow returns Denied unless the token's role permits the action.
func Allow(t Token, a Action) error {
	if allowed[t.Role][a] {
		return nil
	}
	return fault.Deniedf("token %s has role %s, which may not %s", t.Name, t.Role, a).WithHint("ask an admin for a token with a wider role")
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

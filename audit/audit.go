// Package audit is who did what to what, when, from where and why: entries in one chain,
// each sealed over the one before. It writes nothing down itself, and knows no request.
package audit

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// Stage says which part of a request an entry tells of.
type Stage string

// The stages. A request that may change something is entered before it is done and again
// before it is answered: one without an answer was cut short.
const (
	Asked    Stage = "asked"
	Answered Stage = "answered"
	Refused  Stage = "refused" // before anything was done: nobody known asked, or the role forbids it
	Done     Stage = "done"    // by the server itself
)

// Record is one entry of the audit. Hash is over everything else; see Canonical.
type Record struct {
	Seq   int64     `json:"seq" doc:"Grows by one, without gaps"`
	At    time.Time `json:"at"`
	Stage Stage     `json:"stage" enum:"asked,answered,refused,done"`
	Asks  int64     `json:"asks,omitempty" doc:"Of an answer: seq of the entry that asked"`

	Actor    string `json:"actor,omitempty" doc:"Who asked; empty: nobody known"`
	Token    string `json:"token_id,omitempty" doc:"Id of the token that was shown"`
	Role     string `json:"role,omitempty" doc:"That the actor had then"`
	Address  string `json:"address,omitempty" doc:"Where the request came from"`
	Request  string `json:"request_id,omitempty"`
	Approval string `json:"approval_id,omitempty" doc:"Of a request that waited for a second person"`
	Approver string `json:"approved_by,omitempty" doc:"The second person"`

	Method   string `json:"method,omitempty"`
	Route    string `json:"route" doc:"Operation id of the interface's description"`
	Path     string `json:"path,omitempty" doc:"Without its query"`
	Target   string `json:"target,omitempty" doc:"What it was done to, like machine/r1-u10"`
	TargetID string `json:"target_id,omitempty" doc:"Id of the target, where it has one"`

	Status int            `json:"status,omitempty" doc:"HTTP status that was answered"`
	Reason string         `json:"reason,omitempty" doc:"Why, in the caller's words"`
	Before map[string]any `json:"before,omitempty" doc:"The target's state in short; never a secret"`
	After  map[string]any `json:"after,omitempty"`

	Prev string `json:"prev" doc:"Hash of the entry before; 64 zeros before the first"`
	Hash string `json:"hash,omitempty" doc:"SHA-256, hexadecimal, of the entry without this member in the form of RFC 8785"`
}

// Bounds of what an entry holds, bytes.
const (
	maxText  = 512
	maxState = 8 << 10 // of before and after each, in their canonical form
)

// Tidy makes of an entry one that reads back from any database as it was written: texts
// that are valid and short, a time in whole microseconds, states of plain JSON.
func (e *Record) Tidy() {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	for _, s := range []*string{&e.Actor, &e.Token, &e.Role, &e.Address, &e.Request, &e.Approval, &e.Approver, &e.Method, &e.Route, &e.Path, &e.Target, &e.TargetID, &e.Reason} {
		*s = Text(*s)
	}
	e.Before, e.After = plain(e.Before), plain(e.After)
}

// Text is foreign text as an entry holds it.
func Text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// State makes the short state of an entry of any value that encodes as a JSON object; nil
// of anything else.
func State(v any) map[string]any {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var m map[string]any
	if json.Unmarshal(text, &m) != nil {
		return nil
	}
	return plain(m)
}

// plain is a state as it reads back after it was written.
func plain(m map[string]any) map[string]any {
	if len(m) == 0 {
		return nil
	}
	text, err := Canonical(m)
	if err != nil {
		return map[string]any{"unreadable": true}
	}
	if len(text) > maxState {
		return map[string]any{"too_long": len(text)}
	}
	text = noNUL(text)
	var out map[string]any
	if json.Unmarshal(text, &out) != nil {
		return map[string]any{"unreadable": true}
	}
	return out
}

// noNUL replaces the escape of NUL, which PostgreSQL has no place for. In a canonical text a
// backslash is either the first of an escape or the second of an escaped backslash.
func noNUL(b []byte) []byte {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if strings.HasPrefix(string(b[i:min(i+6, len(b))]), `\u0000`) {
			copy(b[i:], `\ufffd`)
		}
		i++
	}
	return b
}

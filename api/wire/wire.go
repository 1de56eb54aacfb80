// Package wire holds the messages of the REST interface that are no noun of the domain:
// lists, requests, problems. It has no logic; server and client both import it.
package wire

import (
	"rackwright/boot/attempt"
	"rackwright/deploy"
)

// Prefix is the path every route stands under.
const Prefix = "/api/v1"

// Headers by which the sender of an upload says what it is to be judged by; the server goes
// on only when the upload began so. UploadWithout is said where there is none.
const (
	UploadSHA256    = "Upload-Sha256"
	UploadSignature = "Upload-Signature-Sha256"
	UploadWithout   = "none"
)

// Limits both sides know.
const (
	MaxPlan     = 32 << 20 // bytes of a plan
	MaxBody     = 1 << 20  // bytes of any other JSON body
	MaxUserData = deploy.MaxUserData
)

// List is one page of things.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next_page_token,omitempty" doc:"Give it as page_token to get the next page; absent on the last"`
}

// Inspect asks for a look at a machine's parts.
type Inspect struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

// Power asks for a power state.
type Power struct {
	Action string `json:"action" enum:"on,off,force-off,cycle,reset" doc:"off asks the system to shut down; force-off cuts power; cycle cuts it and gives it back; reset restarts with the power on"`
	DryRun bool   `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

// Steps is the answer to a dry run: what would be done, in order. Nothing was changed.
type Steps struct {
	DryRun bool          `json:"dry_run"`
	Order  deploy.Order  `json:"order"`
	Steps  []deploy.Step `json:"steps" nullable:"false"`
}

// Why is one sentence: what a machine waits for or what stopped it.
type Why struct {
	Why  string           `json:"why"`
	Boot *attempt.Trouble `json:"boot,omitempty" doc:"What keeps it from booting; absent when nothing does, or it is too early to tell"`
}

// Health says that the server works.
type Health struct {
	Status   string `json:"status" enum:"ok"`
	Database string `json:"database" enum:"reachable"`
	Version  string `json:"version" doc:"Of the server"`
}

// Problem is every error (RFC 9457).
type Problem struct {
	Type      string         `json:"type" doc:"urn:rackwright:problem: and a stable code, e.g. urn:rackwright:problem:conflict"`
	Code      string         `json:"code" doc:"The same stable code by itself; docs/running/status-codes.md has them all"`
	Title     string         `json:"title" doc:"What kind of problem, the same each time"`
	Status    int            `json:"status" doc:"HTTP status"`
	Detail    string         `json:"detail,omitempty" doc:"What is wrong this time"`
	Hint      string         `json:"hint,omitempty" doc:"What to do about it"`
	RequestID string         `json:"request_id,omitempty" doc:"Names this request in the server's log"`
	Errors    []ProblemField `json:"errors,omitempty" nullable:"false" doc:"Every bad part of the request"`
}

// ProblemField is one bad part of a request.
type ProblemField struct {
	Location string `json:"location,omitempty" doc:"e.g. body.racks[0].machines[2].u or query.limit"`
	Pointer  string `json:"pointer,omitempty" doc:"The same place in the body as a JSON pointer (RFC 6901)"`
	Message  string `json:"message"`
}

// RackStep is what a person says of one step of racking.
type RackStep struct {
	Action string `json:"action" enum:"done,hold,resume,waive,undo" doc:"hold and waive need a reason; undo takes back what was said"`
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// Codes are what a person scanned, and where.
type Codes struct {
	Codes   []string `json:"codes" nullable:"false" minItems:"1" maxItems:"8" doc:"Labels of ours (rw:...), serial numbers, asset tags, BMC stickers, system UUIDs; serial:, asset:, mac: or uuid: before one says which it is"`
	Rack    string   `json:"rack,omitempty" maxLength:"63" doc:"Where the person stands, when no label says it"`
	U       int      `json:"u,omitempty" minimum:"0" maximum:"100"`
	Face    string   `json:"face,omitempty" enum:"front,rear,both"`
	Side    string   `json:"side,omitempty" enum:"left,right"`
	Confirm bool     `json:"confirm,omitempty" doc:"Record it; without it nothing is changed"`
}

// SignOffNote asks for the record of a rack that is done.
type SignOffNote struct {
	Note string `json:"note,omitempty" maxLength:"500"`
}

// Locate asks for the locator LED.
type Locate struct {
	On      bool `json:"on" doc:"false puts it out"`
	Seconds int  `json:"seconds,omitempty" minimum:"1" maximum:"3600" default:"60" doc:"It goes out by itself after so long"`
	DryRun  bool `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

package wire

import (
	"rackwright/deploy"
	"rackwright/inventory"
)

// MaxBulk is how many machines one request may be about.
const MaxBulk = 1000

// Many asks for the same work on many machines.
type Many[T any] struct {
	Machines []string `json:"machines,omitempty" nullable:"false" maxItems:"1000" doc:"Ids or names; these or which"`
	Which    *Which   `json:"which,omitempty" doc:"Those that meet all of this, at most 1000"`
	Mode     string   `json:"mode" enum:"all,each" doc:"all: every one of them is begun or none; each: those that can be, and a problem for each that cannot"`
	DryRun   bool     `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
	Order    T        `json:"order,omitzero" doc:"What the action on one machine takes"`
}

// Which machines are meant, as the list of machines takes it.
type Which struct {
	Rack    string   `json:"rack,omitempty" maxLength:"63"`
	Phase   string   `json:"phase,omitempty" enum:"planned,racked,discovered,verified,ready,active,maintenance"`
	Project string   `json:"project,omitempty" maxLength:"63"`
	Model   string   `json:"model,omitempty" maxLength:"128"`
	Tag     string   `json:"tag,omitempty" maxLength:"128"`
	Labels  []string `json:"labels,omitempty" nullable:"false" maxItems:"20" doc:"KEY or KEY=VALUE; all must match"`
	Text    string   `json:"q,omitempty" maxLength:"256" doc:"Words, each the beginning of one about the machine"`
}

// Bulk is what became of a request for many machines.
type Bulk struct {
	Mode    string     `json:"mode" enum:"all,each"`
	DryRun  bool       `json:"dry_run,omitempty" doc:"Nothing was changed"`
	Begun   int        `json:"begun" doc:"Operations that were begun and machines that were changed, or would be"`
	Refused int        `json:"refused"`
	Items   []BulkItem `json:"items" nullable:"false" doc:"In the order of the request; by name when it said which"`
}

// BulkItem is one machine of it: an operation, the steps of a dry run, the machine after a
// change that takes no time, or a problem.
type BulkItem struct {
	Index     int                `json:"index" doc:"In the request's machines"`
	Machine   string             `json:"machine" doc:"As it was named"`
	Operation *deploy.Operation  `json:"operation,omitempty"`
	Steps     []deploy.Step      `json:"steps,omitempty" nullable:"false"`
	Result    *inventory.Machine `json:"result,omitempty" doc:"Of what is done at once: the machine after it, or as it would be; of a replacement the new machine"`
	Already   bool               `json:"already,omitempty" doc:"Nothing is to be done"`
	Problem   *Problem           `json:"problem,omitempty"`
}

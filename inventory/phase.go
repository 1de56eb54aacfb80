package inventory

import (
	"fmt"
	"strings"

	"rackwright/fault"
)

// Phase is where a machine stands in its life. Work in motion is an operation and a
// failure is a condition; neither is a phase.
type Phase string

// The phases, in the order of a machine's life.
const (
	Planned     Phase = "planned"
	Racked      Phase = "racked"
	Discovered  Phase = "discovered"
	Verified    Phase = "verified"
	Ready       Phase = "ready"
	Active      Phase = "active"
	Maintenance Phase = "maintenance"
	Retired     Phase = "retired"
)

// Edge is one allowed change of phase and the evidence that opens its gate.
type Edge struct {
	From, To Phase
	Gate     string
}

// Edges is the whole table; the drawing in docs/operations.md is made from it.
func Edges() []Edge {
	edges := []Edge{
		{Planned, Racked, "a technician says it is in the slot, or its serial or a MAC was seen there"},
		{Planned, Discovered, "two identifiers of the plan were observed and agree"},
		{Racked, Discovered, "two identifiers of the plan were observed and agree"},
		{Discovered, Verified, "observed parts match the plan, or each difference is waived"},
		{Discovered, Active, "the deployed system phoned home"},
		{Verified, Ready, "disks erased, firmware at baseline, BMC claimed"},
		{Verified, Active, "the deployed system phoned home"},
		{Verified, Discovered, "what was observed changed"},
		{Ready, Active, "the deployed system phoned home"},
		{Ready, Verified, "a disk was written, or its firmware or BMC is not as it was"},
		{Active, Active, "a newly deployed system phoned home"},
		{Active, Discovered, "the deployment was replaced or released; disks may hold data"},
	}
	lives := []Phase{Planned, Racked, Discovered, Verified, Ready, Active}
	for _, p := range lives {
		edges = append(edges, Edge{p, Maintenance, "a human holds it"})
	}
	for _, p := range []Phase{Planned, Racked, Discovered, Active} {
		edges = append(edges, Edge{Maintenance, p, back[p]})
	}
	for _, p := range append(lives, Maintenance) {
		edges = append(edges, Edge{p, Retired, leave[p]})
	}
	return edges
}

// back says what evidence brings a machine out of maintenance to each phase; Evidenced
// decides. To verified and ready it goes on by their own gates: hands were on it.
var back = map[Phase]string{Planned: "the hold ended; nothing of it was seen", Racked: "the hold ended; one identifier was seen",
	Discovered: "the hold ended; it is known", Active: "the hold ended; it runs what was deployed"}

// leave says what a machine needs to retire from each phase.
var leave = map[Phase]string{
	Planned: "the plan was withdrawn", Racked: "out of its slot, credentials revoked", Discovered: "out of its slot, credentials revoked",
	Verified: "out of its slot, credentials revoked", Ready: "out of its slot, credentials revoked",
	Active: "out of its slot, credentials revoked, word of what became of its disks", Maintenance: "as from the phase the evidence says",
}

// CanMove reports whether the table has an edge between the phases.
func CanMove(from, to Phase) bool {
	for _, e := range Edges() {
		if e.From == from && e.To == to {
			return true
		}
	}
	return false
}

// Move returns Conflict if the table has no edge between the phases.
func Move(from, to Phase) error {
	if CanMove(from, to) {
		return nil
	}
	return fault.Conflictf("a machine cannot go from %s to %s", from, to)
}

// Known reports whether p is one of the phases.
func (p Phase) Known() bool {
	for _, e := range Edges() {
		if e.From == p || e.To == p {
			return true
		}
	}
	return false
}

// Drawing renders the table of phases as a Mermaid state diagram.
func Drawing() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> planned\n")
	for _, e := range Edges() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.From, e.To, strings.ReplaceAll(e.Gate, ";", ","))
	}
	b.WriteString("    retired --> [*]\n")
	return b.String()
}

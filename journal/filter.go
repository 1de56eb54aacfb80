package journal

import (
	"fmt"
	"slices"
	"strings"
)

// Place is where something stands, as far as it is known.
type Place struct {
	Site    string `json:"site,omitempty"`
	Rack    string `json:"rack,omitempty"`
	Project string `json:"project,omitempty"`
}

// Placed is an event with the place of its machine.
type Placed struct {
	Event
	Place Place `json:"place,omitzero" doc:"Where its machine stands"`
}

// Severity says how much an event asks for a person.
type Severity string

// The severities, each above the one before it.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Failure Severity = "error"
)

// severities are in order.
func severities() []Severity { return []Severity{Info, Warning, Failure} }

// Severity of an event: a BMC's own word where it gave one, else what its kind means.
func (e *Event) Severity() Severity {
	state := fmt.Sprint(e.Detail["state"])
	switch e.Kind {
	case BMCEvent:
		switch strings.ToLower(fmt.Sprint(e.Detail["severity"])) {
		case "critical":
			return Failure
		case "warning":
			return Warning
		}
	case OpState, Rollout, Campaign, ImageJob:
		switch state {
		case "failed", "parked", "halted":
			return Failure
		case "cancelled", "aborted", "paused": // of an old rollout: aborted
			return Warning
		}
	case LoaderRung:
		if e.Detail["worked"] != true {
			return Warning
		}
	case Condition, BMCFailed, TFTPFailed, HTTPRefused, AgentRefused, DHCPIgnored, DHCPConflict, DHCPMoved, DHCPRogue:
		return Warning
	}
	return Info
}

// Filter picks events; an empty field picks all. Of a list one has to fit.
type Filter struct {
	Kinds     []string `json:"kinds,omitempty" nullable:"false" maxItems:"50" doc:"Kinds of event, or what stands before the dot of several: op.state, dhcp"`
	Machines  []string `json:"machines,omitempty" nullable:"false" maxItems:"100" doc:"Machine ids or names"`
	Racks     []string `json:"racks,omitempty" nullable:"false" maxItems:"100"`
	Sites     []string `json:"sites,omitempty" nullable:"false" maxItems:"100"`
	Projects  []string `json:"projects,omitempty" nullable:"false" maxItems:"100"`
	Operation string   `json:"operation,omitempty" maxLength:"64" doc:"Id of an operation"`
	Severity  Severity `json:"severity,omitempty" enum:"info,warning,error" doc:"This or worse"`
}

// Match reports whether the filter picks an event.
func (f *Filter) Match(e *Placed) bool {
	return f.matchKind(e.Kind) &&
		(len(f.Machines) == 0 || slices.Contains(f.Machines, e.Machine) || e.Name != "" && slices.Contains(f.Machines, e.Name)) &&
		f.MatchPlace(e.Place) &&
		(f.Operation == "" || f.Operation == e.Operation) &&
		(f.Severity == "" || slices.Index(severities(), e.Severity()) >= slices.Index(severities(), f.Severity))
}

// MatchPlace looks at racks, sites and projects alone.
func (f *Filter) MatchPlace(p Place) bool {
	return oneOf(f.Racks, p.Rack) && oneOf(f.Sites, p.Site) && oneOf(f.Projects, p.Project)
}

func oneOf(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }

func (f *Filter) matchKind(k Kind) bool {
	return len(f.Kinds) == 0 || slices.ContainsFunc(f.Kinds, func(want string) bool {
		rest, ok := strings.CutPrefix(string(k), want)
		return ok && (rest == "" || rest[0] == '.')
	})
}

package inventory

import "math"

// Site is a place with racks in it.
type Site struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Rack is a cabinet: its units, what it can carry and how it is fed.
type Rack struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	Site          string            `json:"site"`
	Room          string            `json:"room,omitempty"`
	Row           string            `json:"row,omitempty"`
	Units         int               `json:"units"`
	Numbering     Numbering         `json:"numbering,omitempty" enum:"up,down" doc:"up: unit 1 is at the bottom"`
	DepthMM       int               `json:"depth_mm,omitempty" doc:"Between the rails' outer faces, millimetres; 0 is unknown"`
	WeightLimitKG float64           `json:"weight_limit_kg,omitempty" doc:"0 is unknown"`
	Feeds         []Feed            `json:"feeds,omitempty" nullable:"false"`
	Reserved      []Reservation     `json:"reserved,omitempty" nullable:"false"`
	Labels        map[string]string `json:"labels,omitempty" doc:"Free-form; failure domains among them"`
	Tags          []string          `json:"tags,omitempty" nullable:"false"`
	Waivers       []Waiver          `json:"waivers,omitempty" nullable:"false"`
	Load          *Load             `json:"load,omitempty" doc:"What it carries; only where one rack is asked for"`
	Version       int64             `json:"version"`
}

// Numbering says from which end the units of a rack are counted.
type Numbering string

// The numberings.
const (
	NumberedUp   Numbering = "up"   // unit 1 at the bottom (EIA-310)
	NumberedDown Numbering = "down" // unit 1 at the top
)

// Feed is one supply of a rack, behind one breaker.
type Feed struct {
	Name   string  `json:"name" yaml:"name" doc:"e.g. A"`
	Volts  int     `json:"volts" yaml:"volts" doc:"Between line and neutral with one phase, between lines with three"`
	Amps   float64 `json:"amps" yaml:"amps" doc:"Rating of the breaker"`
	Phases int     `json:"phases,omitempty" yaml:"phases,omitempty" enum:"1,3" doc:"1 (default) or 3"`
}

// continuousLoad is how much of a breaker's rating a load that stays may take (NEC
// 210.20(A); the 80 % rule).
const continuousLoad = 0.8

// UsableWatts is the load that the feed carries for good.
func (f Feed) UsableWatts() float64 {
	w := float64(f.Volts) * f.Amps * continuousLoad
	if f.Phases == 3 {
		w *= math.Sqrt(3)
	}
	return w
}

// Reservation keeps units free for something that is to come.
type Reservation struct {
	U       int    `json:"u" yaml:"u" doc:"Lowest unit"`
	Height  int    `json:"height,omitempty" yaml:"height,omitempty" doc:"Units; default 1"`
	Face    Face   `json:"face,omitempty" yaml:"face,omitempty" enum:"front,rear,both" doc:"both (default), front or rear"`
	Reason  string `json:"reason" yaml:"reason"`
	Project string `json:"project,omitempty" yaml:"project,omitempty" doc:"Only machines of this project may take it; empty: nobody"`
}

// Project owns machines: a tenant, a team.
type Project struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
}

// Waiver lets a named rule or condition pass, with a reason that the journal keeps.
type Waiver struct {
	Rule   string `json:"rule" yaml:"rule" doc:"Name of the rule or condition type"`
	On     string `json:"on,omitempty" yaml:"on,omitempty" doc:"Which part of its subject, e.g. a DIMM slot; empty for all"`
	Reason string `json:"reason" yaml:"reason"`
}

// Covers reports whether the waiver lets a rule pass for a part.
func (w Waiver) Covers(rule, on string) bool {
	return w.Rule == rule && (w.On == "" || w.On == on)
}

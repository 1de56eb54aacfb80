package racking

import (
	"cmp"
	"fmt"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Spot names one place of a rack. Face, side and bay choose where a unit holds several
// things.
type Spot struct {
	U    int
	Face inventory.Face
	Side inventory.Side
	Bay  string
}

// Answer is what a slot should hold, what was seen there, and what was taken for it.
type Answer struct {
	Slot       inventory.Slot        `json:"slot"`
	State      Word                  `json:"state" enum:"empty,reserved,planned,racked,discovered,verified,ready,active,attention"`
	Expected   Expected              `json:"expected" doc:"What the plan says"`
	Observed   Observed              `json:"observed" doc:"What evidence saw there"`
	Adopted    *Adopted              `json:"adopted,omitempty" doc:"The machine record bound to it; absent when none is"`
	Conditions []inventory.Condition `json:"conditions,omitempty" nullable:"false"`
	History    []Past                `json:"history,omitempty" nullable:"false" doc:"Who stood here before, newest first"`
	Also       []string              `json:"also,omitempty" nullable:"false" doc:"What else is in this unit; ask with face, side or bay"`
}

// Expected is what the plan says of a slot.
type Expected struct {
	Kind     string     `json:"kind" enum:"machine,device,reservation,nothing"`
	Name     string     `json:"name,omitempty"`
	Model    string     `json:"model,omitempty"`
	Vendor   string     `json:"vendor,omitempty"`
	Serial   string     `json:"serial,omitempty"`
	AssetTag string     `json:"asset_tag,omitempty"`
	UUID     string     `json:"uuid,omitempty"`
	BMC      string     `json:"bmc_mac,omitempty"`
	MACs     []PortMAC  `json:"macs,omitempty" nullable:"false"`
	Cables   []RunPlace `json:"cables,omitempty" nullable:"false"`
	Project  string     `json:"project,omitempty"`
	Reason   string     `json:"reason,omitempty" doc:"Of a reservation"`
}

// PortMAC is a port and its address.
type PortMAC struct {
	Port string        `json:"port"`
	MAC  inventory.MAC `json:"mac"`
}

// RunPlace is a planned cable as the technician reads it.
type RunPlace struct {
	Port    string        `json:"port"`
	To      inventory.End `json:"to"`
	Type    string        `json:"type,omitempty"`
	LengthM float64       `json:"length_m,omitempty"`
	Label   string        `json:"label,omitempty"`
}

// Observed is what evidence saw in a slot.
type Observed struct {
	Identifiers []Sighting      `json:"identifiers,omitempty" nullable:"false"`
	Power       inventory.Power `json:"power,omitempty" enum:"on,off,unknown"`
	Facts       *Summary        `json:"facts,omitempty"`
	Ports       []SeenPort      `json:"ports,omitempty" nullable:"false"`
	PSUs        []inventory.PSU `json:"psus,omitempty" nullable:"false"`
}

// Summary is observed parts in numbers.
type Summary struct {
	Source    string           `json:"source"`
	Observed  time.Time        `json:"observed_at"`
	System    inventory.System `json:"system"`
	CPUs      int              `json:"cpus"`
	DIMMs     int              `json:"dimms"`
	MemoryMiB int64            `json:"memory_mib"`
	Disks     int              `json:"disks"`
	NICs      int              `json:"nics"`
}

// SeenPort is a network port as observed, with what it hears.
type SeenPort struct {
	Name  string        `json:"name"`
	MAC   inventory.MAC `json:"mac,omitzero"`
	Link  bool          `json:"link"`
	Mbps  int           `json:"mbps,omitempty"`
	Hears string        `json:"hears,omitempty" doc:"SYSTEM:PORT of the neighbour (LLDP)"`
}

// Adopted is which machine was taken for the slot's, and on what grounds.
type Adopted struct {
	Machine string          `json:"machine" doc:"Id"`
	Name    string          `json:"name"`
	Phase   inventory.Phase `json:"phase" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired"`
	Agree   []string        `json:"agree,omitempty" nullable:"false" doc:"Identifiers that were seen as planned"`
	By      string          `json:"by,omitempty" doc:"Who said that it is in the slot"`
	At      time.Time       `json:"at,omitzero"`
}

// Past is a machine that stood here before.
type Past struct {
	Slot    inventory.Slot  `json:"slot" doc:"The place it left"`
	Machine string          `json:"machine" doc:"Id"`
	Name    string          `json:"name"`
	Serial  string          `json:"serial,omitempty"`
	Model   string          `json:"model,omitempty"`
	Phase   inventory.Phase `json:"phase" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired"`
	Until   time.Time       `json:"until" doc:"When its record last changed"`
}

// Answer says what should be, was seen and was adopted at a spot. A unit in the middle
// of something taller answers that. before are those that left the rack.
func (v *View) Answer(s Spot, before []Past) (*Answer, error) {
	p, also, err := v.find(s)
	if err != nil {
		return nil, err
	}
	out := &Answer{Slot: p.Slot, State: p.State, Expected: v.expected(p), Also: also}
	for _, past := range before {
		if stoodIn(past.Slot, p.Slot) {
			out.History = append(out.History, past)
		}
	}
	if m := p.machine; m != nil {
		out.Observed, out.Adopted, out.Conditions = v.observed(m), v.adopted(m), m.Conditions
	}
	return out, nil
}

// find picks the place at a spot and names what else is in that unit.
func (v *View) find(s Spot) (*Place, []string, error) {
	rack := v.Inventory.Rack(v.Rack)
	if rack == nil {
		return nil, nil, fault.NotFoundf("there is no rack %q", v.Rack).WithHint("'rackwright rack list' shows them")
	}
	if s.U < 0 || s.U > rack.Units {
		return nil, nil, fault.NotFoundf("rack %s has units 1 to %d, not %d", v.Rack, rack.Units, s.U).WithHint("'rackwright rack slots %s' shows them", v.Rack)
	}
	var here, fits []Place
	for _, p := range v.Places() {
		if (p.Slot.U == s.U) || (p.Slot.U > 0 && s.U >= p.Slot.U && s.U < p.Slot.U+p.Slot.Height) {
			here = append(here, p)
			if s.meets(p.Slot) {
				fits = append(fits, p)
			}
		}
	}
	if len(fits) == 0 && s.U > 0 && s.Bay == "" { // what it names of the unit is free
		fits = []Place{{Slot: inventory.Slot{Rack: v.Rack, U: s.U, Height: 1, Face: cmp.Or(s.Face, inventory.Both), Side: s.Side}, State: Empty}}
	}
	if len(fits) == 0 {
		return nil, nil, fault.NotFoundf("there is no such place at unit %d of %s", s.U, v.Rack).WithHint("'rackwright rack slots %s' shows them", v.Rack)
	}
	var also []string
	for _, p := range here {
		if p.Name != "" && p.Name != fits[0].Name {
			also = append(also, fmt.Sprintf("%s (%s)", p.Name, p.where()))
		}
	}
	return &fits[0], also, nil
}

// stoodIn reports whether what left one slot stood in the other, or in a part of it.
func stoodIn(left, slot inventory.Slot) bool {
	if left.Chassis != "" || slot.Chassis != "" {
		return left.Chassis == slot.Chassis && left.Bay == slot.Bay
	}
	return overlap(left, slot)
}

// where tells a place of a unit from the others.
func (p *Place) where() string {
	return cmp.Or(map[bool]string{true: "bay " + p.Slot.Bay}[p.Slot.Bay != ""], string(p.Slot.Side), string(p.Slot.Face))
}

func (s Spot) meets(p inventory.Slot) bool {
	face := s.Face == "" || p.Face == inventory.Both || s.Face == inventory.Both || s.Face == p.Face
	return face && (s.Side == "" || p.Side == "" || s.Side == p.Side) && (s.Bay == "" || s.Bay == p.Bay)
}

package inventory

import "fmt"

// Face is the side of a rack that something is mounted on.
type Face string

// The faces.
const (
	Front Face = "front"
	Rear  Face = "rear"
	Both  Face = "both" // full depth: nothing fits behind it
)

// Side is the part of a unit's width that something takes.
type Side string

// The sides, as seen from the front.
const (
	FullWidth Side = ""
	LeftHalf  Side = "left"
	RightHalf Side = "right"
)

// Slot is a place in a rack. A machine in a chassis takes a bay of it and no cells.
type Slot struct {
	Rack    string `json:"rack"`
	U       int    `json:"u" doc:"Lowest unit by number; 0 is beside the units (a vertical PDU)"`
	Height  int    `json:"height" doc:"Units it takes"`
	Face    Face   `json:"face" enum:"front,rear,both"`
	Side    Side   `json:"side,omitempty" enum:"left,right" doc:"Half of the width; absent: all of it"`
	Chassis string `json:"chassis,omitempty" doc:"Device the machine is a node of; U and height are the chassis'"`
	Bay     string `json:"bay,omitempty" doc:"Bay of the chassis"`
}

// Cell is the smallest part of a rack that one thing alone may take.
type Cell struct {
	Face Face // front or rear
	U    int
	Side Side // left or right
}

// Cells lists what the slot takes; nothing for a place beside the units or in a chassis.
func (s Slot) Cells() []Cell {
	if s.U < 1 || s.Chassis != "" {
		return nil
	}
	faces := []Face{s.Face}
	if s.Face == Both {
		faces = []Face{Front, Rear}
	}
	sides := []Side{s.Side}
	if s.Side == FullWidth {
		sides = []Side{LeftHalf, RightHalf}
	}
	var out []Cell
	for u := s.U; u < s.U+s.Height; u++ {
		for _, f := range faces {
			for _, side := range sides {
				out = append(out, Cell{Face: f, U: u, Side: side})
			}
		}
	}
	return out
}

// String is the place in words: "r1 u10-u11, rear".
func (s Slot) String() string {
	switch {
	case s.Chassis != "":
		return fmt.Sprintf("bay %s of %s", s.Bay, s.Chassis)
	case s.U == 0:
		return "beside the units of " + s.Rack
	}
	text := s.Rack + " " + s.Units()
	switch {
	case s.Side != FullWidth:
		text += ", " + string(s.Side) + " half"
	case s.Face == Rear:
		text += ", rear"
	}
	return text
}

// Units are the units that the slot takes: "u10-u11".
func (s Slot) Units() string {
	switch {
	case s.U == 0:
		return "beside"
	case s.Height > 1:
		return fmt.Sprintf("u%d-u%d", s.U, s.U+s.Height-1)
	}
	return fmt.Sprintf("u%d", s.U)
}

// Slot is the place a reservation keeps.
func (r Reservation) Slot(rack string) Slot {
	return Slot{Rack: rack, U: r.U, Height: r.Height, Face: r.Face}
}

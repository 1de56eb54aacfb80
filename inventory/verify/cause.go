package verify

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

// The reasons of cabling mistakes.
const (
	SwappedNICs       = "swapped-nics"       // two ports of one machine
	Swapped           = "swapped"            // two machines' cables
	Rotated           = "rotated"            // a ring of more
	Shifted           = "shifted"            // a row of cables is some ports too far
	WrongPort         = "wrong-port"         // one cable, and its right port is free
	Displaced         = "displaced"          // each is in the port of the next
	SwitchesExchanged = "switches-exchanged" // switches stand in each other's place
	SwitchName        = "switch-name"        // a switch announces another name than planned
	UnknownSwitch     = "unknown-switch"     // the cable ends at a switch that nobody planned
	PortShared        = "port-shared"        // two cables hear one port
	NoNeighbour       = "no-neighbour"       // there is link and the switch is heard by others, not by this port
	NoLink            = "no-link"
)

// shiftLeast is how many cables have to be the same number of ports off for it to be one
// mistake.
const shiftLeast = 3

// told is how many cables are told one by one; of more, the moves are looked up.
const told = 6

// switchCause says that switches stand in each other's place or have a wrong name.
func (s *solver) switchCause(ring []string, nics []MachinePort) Cause {
	c := Cause{Reason: SwitchesExchanged, NICs: nics}
	c.Text = fmt.Sprintf("the switches %s are in each other's place: exchange them, or correct their names (lldp)", strings.Join(ring, ", "))
	for i := 1; i < len(ring); i++ {
		a, b := ring[0], ring[i]
		m := Move{Kind: "exchange", From: inventory.End{Owner: a}, To: inventory.End{Owner: b}, Text: fmt.Sprintf("exchange the switches %s and %s, or their names", a, b)}
		if s.known(a) != s.known(b) {
			planned, heard := a, b
			if s.known(b) {
				planned, heard = b, a
			}
			m.Kind, m.Text = "rename", fmt.Sprintf("%s announces itself as %s: write lldp: %s for it in the plan, or name the switch %s", planned, heard, heard, planned)
			if len(ring) == 2 {
				c.Reason, c.Text = SwitchName, m.Text
			}
		}
		c.Moves = append(c.Moves, m)
	}
	return c
}

// shared are the causes of cables that hear one port. One that belongs there is right.
func shared(port inventory.End, wires []Wire) []Cause {
	c := Cause{Reason: PortShared}
	var who []string
	for _, w := range wires {
		who = append(who, w.NIC.String())
		if w.Want != (inventory.End{}) && w.Want != port {
			c.NICs = append(c.NICs, w.NIC)
		}
	}
	if len(c.NICs) == 0 {
		return nil
	}
	if len(who) > told {
		who = append(who[:told], "...")
	}
	c.Text = fmt.Sprintf("%s all hear %s: something that is no switch of the plan stands between, or what was heard is old; look at the cables and inspect the machines again", strings.Join(who, ", "), port)
	return []Cause{c}
}

// String is machine and port.
func (n MachinePort) String() string { return n.Machine + " " + n.Name }

// ring is the cause of cables that sit in each other's ports.
func (s *solver) ring(ring []*Wire) Cause {
	c := Cause{NICs: nicsOf(ring)}
	for _, w := range ring[:len(ring)-1] {
		c.Moves = append(c.Moves, Move{Kind: "swap", From: w.Has, To: w.Want, Text: fmt.Sprintf("swap the cables in %s and %s", w.Has, w.Want)})
		moved(ring, w.Has, w.Want)
	}
	a, b := ring[0].NIC, ring[1].NIC
	switch {
	case len(ring) > 2:
		c.Reason, c.Text = Rotated, fmt.Sprintf("%d cables are rotated: %s", len(ring), steps(c.Moves))
	case a.Machine == b.Machine:
		c.Reason, c.Text = SwappedNICs, fmt.Sprintf("ports %s and %s of %s are swapped: %s", a.Name, b.Name, a.Machine, c.Moves[0].Text)
	default:
		c.Reason, c.Text = Swapped, fmt.Sprintf("the cables of %s and %s are swapped: %s", a, b, c.Moves[0].Text)
	}
	return c
}

// moved swaps what is in two ports.
func moved(wires []*Wire, a, b inventory.End) {
	for _, w := range wires {
		switch w.Has {
		case a:
			w.Has = b
		case b:
			w.Has = a
		}
	}
}

// steps is the moves in words, or where to find them when they are many.
func steps(moves []Move) string {
	if len(moves) > told {
		return fmt.Sprintf("%d moves, in order in the rack's cabling", len(moves))
	}
	var out []string
	for _, m := range moves {
		out = append(out, m.Text)
	}
	return strings.Join(out, ", then ")
}

// rows makes the causes of rows of cables; those of one switch that are equally far off
// are one mistake.
func (s *solver) rows(rows [][]*Wire, occupied map[inventory.End]bool) {
	type shift struct {
		owner string
		by    int
	}
	groups, total := map[shift][][]*Wire{}, map[shift]int{}
	of := make([]shift, len(rows))
	for i, row := range rows {
		if n := offset(row); n != 0 {
			of[i] = shift{row[0].Want.Owner, n}
			groups[of[i]] = append(groups[of[i]], row)
			total[of[i]] += len(row)
		}
	}
	for i, row := range rows {
		switch {
		case total[of[i]] < shiftLeast:
			s.causes = append(s.causes, s.row(row, occupied))
		case groups[of[i]] != nil:
			s.causes = append(s.causes, shifted(groups[of[i]], of[i].by, occupied))
			groups[of[i]] = nil
		}
	}
}

// offset is by how many ports every cable of a row is too far, 0 when they differ.
func offset(row []*Wire) int {
	by := 0
	for i, w := range row {
		from, have := number(w.Has.Port)
		to, want := number(w.Want.Port)
		if w.Has.Owner != w.Want.Owner || from != to || have < 0 || want < 0 || i > 0 && have-want != by {
			return 0
		}
		by = have - want
	}
	return by
}

func shifted(rows [][]*Wire, by int, occupied map[inventory.End]bool) Cause {
	c := Cause{Reason: Shifted}
	for _, row := range rows {
		c.NICs = append(c.NICs, nicsOf(row)...)
		c.Moves = append(c.Moves, moves(row, occupied)...)
	}
	way, n := "high", by
	if by < 0 {
		way, n = "low", -by
	}
	first := rows[0][0]
	c.Text = fmt.Sprintf("%d cables of %s are %s too %s: move each by %d, beginning with the one in %s, which goes to %s",
		len(c.NICs), first.Want.Owner, count(n, "port"), way, n, c.Moves[0].From, c.Moves[0].To)
	return c
}

// moves puts the cables of a row into the ports that become free, one after the other.
func moves(row []*Wire, occupied map[inventory.End]bool) []Move {
	var out []Move
	for _, w := range row {
		m := Move{Kind: "move", From: w.Has, To: w.Want, Text: fmt.Sprintf("move the cable from %s to %s", w.Has, w.Want)}
		if occupied[row[0].Want] { // by a cable that nobody planned; it goes where this one was
			m.Kind, m.Text = "swap", fmt.Sprintf("swap the cables in %s and %s", w.Has, w.Want)
		}
		out = append(out, m)
	}
	return out
}

func (s *solver) row(row []*Wire, occupied map[inventory.End]bool) Cause {
	c := Cause{Reason: Displaced, NICs: nicsOf(row), Moves: moves(row, occupied)}
	if len(row) > 1 {
		c.Text = fmt.Sprintf("%d cables are each in the port of another: %s", len(row), steps(c.Moves))
		return c
	}
	w := row[0]
	c.Reason, c.Text = WrongPort, fmt.Sprintf("the cable of %s is in the wrong port: %s", w.NIC, c.Moves[0].Text)
	if !s.known(w.Has.Owner) {
		c.Reason, c.Text = UnknownSwitch, fmt.Sprintf("the cable of %s ends at %s, a switch that is not in the plan: move it to %s, or plan the switch (lldp: %s)", w.NIC, w.Has, w.Want, w.Has.Owner)
	}
	return c
}

func nicsOf(wires []*Wire) []MachinePort {
	var out []MachinePort
	for _, w := range wires {
		out = append(out, w.NIC)
	}
	slices.SortFunc(out, func(a, b MachinePort) int {
		return strings.Compare(a.Machine+" "+a.Name, b.Machine+" "+b.Name)
	})
	return out
}

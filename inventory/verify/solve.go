package verify

import (
	"cmp"
	"slices"

	"rackwright/inventory"
)

// MachinePort names a machine's port.
type MachinePort struct {
	Machine string `json:"machine"`
	Name    string `json:"nic"`
}

// Wire is one cable: where the plan wants its switch end and where that was heard to be.
// Want is zero for a cable nobody planned, Has for one that was not heard.
type Wire struct {
	NIC  MachinePort
	Want inventory.End
	Has  inventory.End
}

func (w Wire) wrong() bool {
	return w.Want != (inventory.End{}) && w.Has != (inventory.End{}) && w.Want != w.Has
}

// Move is one thing that hands do.
type Move struct {
	Kind string        `json:"kind" enum:"move,swap,exchange,rename" doc:"move a cable's switch end into a free port; swap the cables in two ports; exchange two switches, or their names; correct a switch's name"`
	From inventory.End `json:"from" doc:"SWITCH:PORT; without a port the switch itself"`
	To   inventory.End `json:"to"`
	Text string        `json:"text"`
}

// Cause is one mistake and what mends it.
type Cause struct {
	Reason string        `json:"reason" doc:"Stable code, e.g. swapped"`
	Text   string        `json:"text"`
	Moves  []Move        `json:"moves,omitempty" nullable:"false" doc:"In this order"`
	NICs   []MachinePort `json:"nics" nullable:"false" doc:"The ports that are wrong because of it"`
}

// Bounds of a rack's solution.
const (
	maxWires        = 4096
	maxPermutations = 5 // switches whose every order is tried; of more, pairs are tried one by one
)

// Solve finds the fewest moves that bring every cable that was heard to where the plan
// wants it, and the mistakes they mend. Each swap of two cables, and each move into a
// free port, counts one; exchanging two switches counts exchangeCost. Switches are
// exchanged first, so the ports in later moves are those after it.
//
// A cable that is wrong has to be touched. Cables whose ports form a closed ring of k are
// right after k-1 swaps; a row of k that ends in a free port takes k moves. Rings and
// rows share no port, so their sums are the least.
func Solve(wires []Wire, known func(system string) bool) []Cause {
	s := solver{known: known}
	s.take(wires)
	s.exchange()
	s.residue()
	return s.causes
}

// solver is a rack while it is solved.
type solver struct {
	known  func(string) bool
	wires  []Wire
	causes []Cause
}

// take leaves out what no moves can describe: two cables that hear one port hang on
// something between them and the switch.
func (s *solver) take(wires []Wire) {
	if len(wires) > maxWires {
		wires = wires[:maxWires]
	}
	at, wanted := map[inventory.End][]Wire{}, map[inventory.End]bool{}
	var order []inventory.End
	for _, w := range wires {
		if w.Has == (inventory.End{}) {
			continue
		}
		if w.Want != (inventory.End{}) && wanted[w.Want] {
			continue // the plan gives a port twice; its own rules say so
		}
		wanted[w.Want] = true
		if at[w.Has] == nil {
			order = append(order, w.Has)
		}
		at[w.Has] = append(at[w.Has], w)
	}
	for _, port := range order {
		if len(at[port]) > 1 {
			s.causes = append(s.causes, shared(port, at[port])...)
			continue
		}
		s.wires = append(s.wires, at[port][0])
	}
}

// cost is the number of moves of single cables that are needed.
func (s *solver) cost(through map[string]string) int {
	n, next := 0, map[inventory.End]inventory.End{}
	for _, w := range s.wires {
		w.Has = renamed(w.Has, through)
		if w.wrong() {
			n++
			next[w.Has] = w.Want
		}
	}
	return n - rings(next)
}

func renamed(e inventory.End, through map[string]string) inventory.End {
	if to, ok := through[e.Owner]; ok {
		e.Owner = to
	}
	return e
}

// rings counts the closed rings that wrong cables form.
func rings(next map[inventory.End]inventory.End) int {
	n, done := 0, map[inventory.End]bool{}
	for start := range next {
		path := map[inventory.End]bool{}
		for at := start; ; at = next[at] {
			if path[at] {
				n++
			}
			if _, wrong := next[at]; !wrong || done[at] {
				break
			}
			done[at], path[at] = true, true
		}
	}
	return n
}

// residue splits the cables that are still wrong into rows and rings.
func (s *solver) residue() {
	in, wrong := map[inventory.End]*Wire{}, []*Wire{} // by the port they are in
	occupied := map[inventory.End]bool{}
	for i := range s.wires {
		w := &s.wires[i]
		occupied[w.Has] = true
		if w.wrong() {
			in[w.Has] = w
			wrong = append(wrong, w)
		}
	}
	slices.SortStableFunc(wrong, func(a, b *Wire) int { return compareEnds(a.Want, b.Want) })
	wants := map[inventory.End]*Wire{}
	for _, w := range wrong {
		wants[w.Want] = w
	}
	var rows, circles [][]*Wire
	done := map[*Wire]bool{}
	follow := func(w *Wire) (list []*Wire) { // each moves into the port that the one before left
		for ; w != nil && !done[w]; w = wants[w.Has] {
			done[w] = true
			list = append(list, w)
		}
		return list
	}
	for _, w := range wrong {
		if in[w.Want] == nil {
			rows = append(rows, follow(w))
		}
	}
	for _, w := range wrong {
		if !done[w] {
			circles = append(circles, follow(w))
		}
	}
	s.rows(rows, occupied)
	for _, ring := range circles {
		s.causes = append(s.causes, s.ring(ring))
	}
}

func compareEnds(a, b inventory.End) int {
	return cmp.Or(cmp.Compare(a.Owner, b.Owner), comparePorts(a.Port, b.Port))
}

// comparePorts sorts Ethernet2 before Ethernet10.
func comparePorts(a, b string) int {
	pa, na := number(a)
	pb, nb := number(b)
	return cmp.Or(cmp.Compare(pa, pb), cmp.Compare(na, nb), cmp.Compare(a, b))
}

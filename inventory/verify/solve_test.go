package verify_test

import (
	"container/heap"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

func port(s string) inventory.End {
	var e inventory.End
	if err := e.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return e
}

// wire is "m1 nic1": planned, heard; "" for none.
func wire(nic, want, has string) verify.Wire {
	machine, name, _ := strings.Cut(nic, " ")
	w := verify.Wire{NIC: verify.MachinePort{Machine: machine, Name: name}}
	if want != "" {
		w.Want = port(want)
	}
	if has != "" {
		w.Has = port(has)
	}
	return w
}

func leaves(system string) bool { return strings.HasPrefix(system, "leaf-") }

func TestTheMistakeIsNamedAndNotItsManyMismatches(t *testing.T) {
	shifted := []verify.Wire{wire("m9 nic1", "leaf-2:1", "leaf-2:1")}
	for i := 1; i <= 20; i++ {
		shifted = append(shifted, wire(fmt.Sprintf("m%d nic1", i), fmt.Sprintf("leaf-1:%d", i), fmt.Sprintf("leaf-1:%d", i+1)))
	}
	var exchanged, renamed []verify.Wire
	for i := 1; i <= 4; i++ {
		exchanged = append(exchanged, wire(fmt.Sprintf("m%d nic1", i), fmt.Sprintf("leaf-1:%d", i), fmt.Sprintf("leaf-2:%d", i)),
			wire(fmt.Sprintf("m%d nic2", i), fmt.Sprintf("leaf-2:%d", i), fmt.Sprintf("leaf-1:%d", i)))
		renamed = append(renamed, wire(fmt.Sprintf("m%d nic1", i), fmt.Sprintf("leaf-1:%d", i), fmt.Sprintf("sw-old:%d", i)))
	}
	for _, c := range []struct {
		name, reason, text string
		moves              int
		wires              []verify.Wire
	}{
		{"two ports of one machine", verify.SwappedNICs, "ports nic1 and nic2 of r1-u10 are swapped: swap the cables in leaf-1:15 and leaf-1:14", 1,
			[]verify.Wire{wire("r1-u10 nic1", "leaf-1:14", "leaf-1:15"), wire("r1-u10 nic2", "leaf-1:15", "leaf-1:14")}},
		{"two machines at the switch", verify.Swapped, "the cables of m1 nic1 and m2 nic1 are swapped: swap the cables in leaf-1:15 and leaf-1:14", 1,
			[]verify.Wire{wire("m1 nic1", "leaf-1:14", "leaf-1:15"), wire("m2 nic1", "leaf-1:15", "leaf-1:14")}},
		{"a ring of three", verify.Rotated, "3 cables are rotated: swap the cables in leaf-1:2 and leaf-1:1, then swap the cables in leaf-1:3 and leaf-1:2", 2,
			[]verify.Wire{wire("m1 nic1", "leaf-1:1", "leaf-1:2"), wire("m2 nic1", "leaf-1:2", "leaf-1:3"), wire("m3 nic1", "leaf-1:3", "leaf-1:1")}},
		{"a switch one off", verify.Shifted, "20 cables of leaf-1 are 1 port too high: move each by 1, beginning with the one in leaf-1:2, which goes to leaf-1:1", 20, shifted},
		{"a wrong free port", verify.WrongPort, "the cable of m1 nic1 is in the wrong port: move the cable from leaf-1:15 to leaf-1:14", 1,
			[]verify.Wire{wire("m1 nic1", "leaf-1:14", "leaf-1:15"), wire("m2 nic1", "leaf-1:16", "leaf-1:16")}},
		{"exchanged switches", verify.SwitchesExchanged, "the switches leaf-1, leaf-2 are in each other's place: exchange them, or correct their names (lldp)", 1, exchanged},
		{"a switch of another name", verify.SwitchName, "leaf-1 announces itself as sw-old: write lldp: sw-old for it in the plan, or name the switch leaf-1", 1, renamed},
		{"an unknown switch", verify.UnknownSwitch, "the cable of m1 nic1 ends at spine:3, a switch that is not in the plan: move it to leaf-1:14, or plan the switch (lldp: spine)", 1,
			[]verify.Wire{wire("m1 nic1", "leaf-1:14", "spine:3")}},
		{"a cable nobody planned is in the way", verify.WrongPort, "the cable of m1 nic1 is in the wrong port: swap the cables in leaf-1:15 and leaf-1:14", 1,
			[]verify.Wire{wire("m1 nic1", "leaf-1:14", "leaf-1:15"), wire("m2 nic9", "", "leaf-1:14")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := verify.Solve(c.wires, leaves)
			if len(got) != 1 || got[0].Reason != c.reason || got[0].Text != c.text || len(got[0].Moves) != c.moves {
				t.Fatalf("solved as %+v", got)
			}
		})
	}
}

func TestTwoCablesThatHearOnePortAreNoSwap(t *testing.T) {
	got := verify.Solve([]verify.Wire{wire("m1 nic1", "leaf-1:1", "leaf-1:1"), wire("m2 nic1", "leaf-1:2", "leaf-1:1")}, leaves)
	if len(got) != 1 || got[0].Reason != verify.PortShared || len(got[0].Moves) != 0 || len(got[0].NICs) != 1 || got[0].NICs[0].Machine != "m2" {
		t.Fatalf("solved as %+v", got)
	}
}

// rig is a random plan with some of its cables moved.
func rig(t *rapid.T, switches, ports, cables, mistakes int) []verify.Wire {
	var all []inventory.End
	for s := 1; s <= switches; s++ {
		for p := 1; p <= ports; p++ {
			all = append(all, inventory.End{Owner: fmt.Sprintf("leaf-%d", s), Port: fmt.Sprint(p)})
		}
	}
	wants := rapid.Permutation(all).Draw(t, "plan")
	has := slices.Clone(wants)
	swap := func(i, j int) { has[i], has[j] = has[j], has[i] }
	one := rapid.IntRange(0, len(all)-1)
	for range rapid.IntRange(0, mistakes).Draw(t, "mistakes") {
		switch rapid.SampledFrom([]string{"swap", "cycle", "exchange"}).Draw(t, "mistake") {
		case "swap":
			swap(one.Draw(t, "a"), one.Draw(t, "b"))
		case "cycle":
			first := one.Draw(t, "first")
			for range rapid.IntRange(2, 5).Draw(t, "length") {
				swap(first, one.Draw(t, "next"))
			}
		case "exchange":
			a, b := fmt.Sprintf("leaf-%d", rapid.IntRange(1, switches).Draw(t, "x")), fmt.Sprintf("leaf-%d", rapid.IntRange(1, switches).Draw(t, "y"))
			for i := range has {
				has[i] = exchange(has[i], a, b)
			}
		}
	}
	var wires []verify.Wire
	for i := range rapid.IntRange(min(cables, len(all))/2, min(cables, len(all))).Draw(t, "cables") {
		w := verify.Wire{NIC: verify.MachinePort{Machine: fmt.Sprintf("m%d", i/2), Name: fmt.Sprintf("nic%d", i%2)}, Want: wants[i], Has: has[i]}
		switch rapid.SampledFrom([]string{"", "", "", "", "unplanned", "unheard"}).Draw(t, "kind") {
		case "unplanned":
			w.Want = inventory.End{}
		case "unheard":
			w.Has = inventory.End{}
		}
		wires = append(wires, w)
	}
	return wires
}

func exchange(e inventory.End, a, b string) inventory.End {
	switch e.Owner {
	case a:
		e.Owner = b
	case b:
		e.Owner = a
	}
	return e
}

// do applies a move to where cables are.
func do(wires []verify.Wire, m verify.Move) {
	for i := range wires {
		w := &wires[i]
		switch {
		case w.Has == (inventory.End{}):
		case m.From.Port == "":
			w.Has = exchange(w.Has, m.From.Owner, m.To.Owner)
		case w.Has == m.From:
			w.Has = m.To
		case w.Has == m.To:
			w.Has = m.From
		}
	}
}

func right(wires []verify.Wire) bool {
	for _, w := range wires {
		if w.Want != (inventory.End{}) && w.Has != (inventory.End{}) && w.Want != w.Has {
			return false
		}
	}
	return true
}

func TestTheMovesMakeTheRackAsPlanned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wires := rig(t, 3, 8, 24, 6)
		before := right(wires)
		causes := verify.Solve(wires, leaves)
		if before && len(causes) > 0 {
			t.Fatalf("a right rack has %+v", causes)
		}
		state := slices.Clone(wires)
		named := map[verify.MachinePort]bool{}
		for _, c := range causes {
			if len(c.Moves) == 0 || c.Text == "" || len(c.NICs) == 0 {
				t.Fatalf("a cause without moves, words or ports: %+v", c)
			}
			for _, n := range c.NICs {
				named[n] = true
			}
			for _, m := range c.Moves {
				if m.Kind == "move" && slices.ContainsFunc(state, func(w verify.Wire) bool { return w.Has == m.To }) {
					t.Fatalf("%+v goes into a port that is taken", m)
				}
				do(state, m)
			}
		}
		if !right(state) {
			t.Fatalf("after %+v the rack is %+v", causes, state)
		}
		for _, w := range wires {
			if wrong := w.Want != (inventory.End{}) && w.Has != (inventory.End{}) && w.Want != w.Has; wrong && !named[w.NIC] {
				t.Fatalf("%s is wrong and no cause names it", w.NIC)
			}
		}
	})
}

func TestNoFewerMovesWouldDo(t *testing.T) {
	for name, draw := range map[string]func(*rapid.T) (wires []verify.Wire, ports int){
		"many mistakes": func(t *rapid.T) ([]verify.Wire, int) {
			return rig(t, rapid.IntRange(1, 2).Draw(t, "switches"), 3, 6, 6), 3
		},
		"larger switches": func(t *rapid.T) ([]verify.Wire, int) { return rig(t, 2, 4, 8, 2), 4 },
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				wires, ports := draw(t)
				got := 0
				for _, c := range verify.Solve(wires, leaves) {
					for _, m := range c.Moves {
						got += price(m)
					}
				}
				if least := cheapest(wires, ports, got); got != least {
					t.Fatalf("%d instead of %d for %+v", got, least, wires)
				}
			})
		})
	}
}

// price is what a move counts: exchanging switches is as much work as three cables.
func price(m verify.Move) int {
	if m.From.Port == "" {
		return 3
	}
	return 1
}

// cheapest tries everything there is, up to a bound.
func cheapest(wires []verify.Wire, perSwitch, bound int) int {
	ports := map[inventory.End]bool{}
	owners := map[string]bool{}
	for s := 1; s <= 2; s++ {
		for p := 1; p <= perSwitch; p++ {
			ports[inventory.End{Owner: fmt.Sprintf("leaf-%d", s), Port: fmt.Sprint(p)}] = true
			owners[fmt.Sprintf("leaf-%d", s)] = true
		}
	}
	var moves []verify.Move
	for a := range ports {
		for b := range ports {
			if a.String() < b.String() {
				moves = append(moves, verify.Move{From: a, To: b})
			}
		}
	}
	names := slices.Sorted(maps.Keys(owners))
	moves = append(moves, verify.Move{From: inventory.End{Owner: names[0]}, To: inventory.End{Owner: names[1]}})
	open, done := &states{{wires, 0}}, map[string]bool{}
	for open.Len() > 0 {
		s := heap.Pop(open).(state)
		if right(s.wires) {
			return s.cost
		}
		if key := fmt.Sprint(s.wires); done[key] {
			continue
		} else {
			done[key] = true
		}
		for _, m := range moves {
			if s.cost+price(m) <= bound {
				next := slices.Clone(s.wires)
				do(next, m)
				heap.Push(open, state{next, s.cost + price(m)})
			}
		}
	}
	return bound + 1
}

type state struct {
	wires []verify.Wire
	cost  int
}

type states []state

func (s states) Len() int           { return len(s) }
func (s states) Less(i, j int) bool { return s[i].cost < s[j].cost }
func (s states) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *states) Push(x any)        { *s = append(*s, x.(state)) }
func (s *states) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

package verify_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// halves are the first machines of a row as one rack, and the others as its mates.
func halves(inv inventory.Inventory, n int) (inventory.Inventory, []inventory.Machine) {
	rack := inv
	rack.Machines = inv.Machines[:n:n]
	return rack, inv.Machines[n:]
}

func TestASwapBetweenTwoRacksOnOneSwitchIsNamed(t *testing.T) {
	inv := cabled(10)
	a, b := &inv.Machines[2].Facts.LLDP[0], &inv.Machines[6].Facts.LLDP[0]
	a.Port, b.Port = b.Port, a.Port
	rack, mates := halves(inv, 5)
	want := "the cables of r1-u3 nic1 and r1-u7 nic1 are swapped: swap the cables in leaf-1:Ethernet7 and leaf-1:Ethernet3"
	w := verify.Rack(rack, mates, soon)
	if w.Planned != 10 || w.Right != 9 || len(w.Causes) != 1 || w.Causes[0].Reason != verify.Swapped || w.Causes[0].Text != want || len(w.Moves) != 1 {
		t.Errorf("the rack of the one: %+v", w)
	}
	got := verify.Cabling(rack, mates, soon)
	if len(got) != 1 || len(got["id-3"]) != 1 || got["id-3"][0].Hint != want {
		t.Errorf("conditions %+v", got)
	}
	rest := inv
	rest.Machines = mates
	if got := verify.Cabling(rest, rack.Machines, soon); len(got) != 1 || len(got["id-7"]) != 1 || got["id-7"][0].Reason != verify.Swapped {
		t.Errorf("conditions in the other rack %+v", got)
	}
	rack.Machines = rack.Machines[:2]
	if w := verify.Rack(rack, inv.Machines[2:], soon); len(w.Causes) != 0 {
		t.Errorf("a rack that it does not concern: %+v", w)
	}
}

func TestAPortThatAMachineOfAnotherRackHoldsIsNotFree(t *testing.T) {
	inv := cabled(10)
	inv.Machines[2].Facts.LLDP[0].Port = "Eth1/20"
	inv.Machines[6].Facts.LLDP[0].Port = "Eth1/3" // and its own port is free
	rack, mates := halves(inv, 5)
	w := verify.Rack(rack, mates, soon)
	if len(w.Causes) != 1 || w.Causes[0].Reason != verify.Displaced || len(w.Moves) != 2 ||
		w.Moves[0].Text != "move the cable from leaf-1:Ethernet3 to leaf-1:Ethernet7" || w.Moves[1].Text != "move the cable from leaf-1:Ethernet20 to leaf-1:Ethernet3" {
		t.Errorf("found %+v", w)
	}
	mates[1].NICs[0].Cable = &inventory.Cable{To: inventory.End{Owner: "leaf-9", Port: "7"}} // planned on a switch nobody here knows
	if w := verify.Rack(rack, mates, soon); len(w.Causes) != 1 || w.Causes[0].Text != "the cable of r1-u3 nic1 is in the wrong port: swap the cables in leaf-1:Ethernet20 and leaf-1:Ethernet3" {
		t.Errorf("found %+v", w)
	}
	if w := verify.Rack(rack, nil, soon); w.Moves[0].Kind != "move" {
		t.Errorf("alone: %+v", w)
	}
}

func TestASwitchThatOnlyAnotherRackHearsSpeaks(t *testing.T) {
	inv := cabled(4)
	inv.Machines[0].Facts.LLDP = inv.Machines[0].Facts.LLDP[1:]
	rack, mates := halves(inv, 1)
	if w := verify.Rack(rack, mates, soon); len(w.Causes) != 1 || w.Causes[0].Reason != verify.NoNeighbour {
		t.Errorf("found %+v", w)
	}
}

// What is told of a rack is what the whole row would be told, as far as it concerns the
// rack, and no move goes into a port that somebody holds.
func TestARackAndItsMatesAreSolvedAsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "machines")
		inv := cabled(n)
		ports := make([]int, 2*n) // of each switch, twice as many as machines
		for i := range ports {
			ports[i] = i + 1
		}
		for s := range 2 {
			at := slices.Clone(ports[:n])
			for range rapid.IntRange(0, 4).Draw(t, "mistakes") {
				i, j := rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, 2*n-1).Draw(t, "b")
				if k := slices.Index(at, ports[j]); k >= 0 {
					at[i], at[k] = at[k], at[i]
				} else {
					at[i] = ports[j]
				}
			}
			for i := range at {
				inv.Machines[i].Facts.LLDP[s].Port = fmt.Sprintf("Eth1/%d", at[i])
			}
		}
		rack, mates := halves(inv, rapid.IntRange(1, n).Draw(t, "rack"))
		var want []verify.Cause
		for _, c := range verify.Rack(inv, nil, soon).Causes {
			if slices.ContainsFunc(c.NICs, func(p verify.MachinePort) bool { return rack.Machine(p.Machine) != nil }) {
				want = append(want, c)
			}
		}
		got := verify.Rack(rack, mates, soon)
		if len(want)+len(got.Causes) > 0 && !reflect.DeepEqual(got.Causes, want) {
			t.Fatalf("told %+v, want %+v", got.Causes, want)
		}
		held := map[inventory.End]bool{}
		for i := range inv.Machines {
			for _, l := range inv.Machines[i].Facts.LLDP {
				var s, p int
				fmt.Sscanf(l.System+" "+l.Port, "DC1-leaf%d.example.net Eth1/%d", &s, &p)
				held[inventory.End{Owner: fmt.Sprintf("leaf-%d", s), Port: fmt.Sprintf("Ethernet%d", p)}] = true
			}
		}
		for _, m := range got.Moves {
			if m.Kind == "move" {
				if held[m.To] {
					t.Fatalf("%+v goes into a port that is taken", m)
				}
				delete(held, m.From)
				held[m.To] = true
			}
		}
	})
}

package macs

import (
	"math/rand/v2"
	"testing"

	"rackwright/inventory"
)

func TestATableHoldsWhatAMapHolds(t *testing.T) {
	var table Table[int]
	want := map[inventory.MAC]int{}
	places := map[int32]inventory.MAC{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 200_000 {
		mac := inventory.MAC{2, byte(r.IntN(2)), 0, 0, byte(r.IntN(8)), byte(i)}
		at := table.Find(mac)
		if _, ok := want[mac]; ok != (at != None) {
			t.Fatalf("%s: found %v, want %v", mac, at != None, ok)
		}
		switch {
		case at == None:
			at = table.Add(mac)
			if *table.At(at) != 0 || places[at] != (inventory.MAC{}) {
				t.Fatalf("%s was given a place that is taken", mac)
			}
			*table.At(at), want[mac], places[at] = i, i, mac
		case *table.At(at) != want[mac] || table.MAC(at) != mac || places[at] != mac:
			t.Fatalf("%s: %d at the place of %s, want %d", mac, *table.At(at), table.MAC(at), want[mac])
		case r.IntN(2) == 0:
			table.Remove(at)
			delete(want, mac)
			delete(places, at)
		}
		if table.Len() != len(want) {
			t.Fatalf("%d values, want %d", table.Len(), len(want))
		}
	}
	if len(want) < 1000 {
		t.Fatalf("only %d were left", len(want))
	}
}

func TestAMACThatComesAndGoesMakesNoGarbage(t *testing.T) {
	var table Table[int]
	for i := range 1000 {
		table.Add(inventory.MAC{4, byte(i >> 8), byte(i)})
	}
	mac := inventory.MAC{2, 0, 0, 0, 0, 1}
	if n := testing.AllocsPerRun(1000, func() { table.Remove(table.Add(mac)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMACsInARowSpreadOverTheChains(t *testing.T) {
	for name, mac := range map[string]func(i int) inventory.MAC{
		"one after the other": func(i int) inventory.MAC { return inventory.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)} },
		"of many vendors":     func(i int) inventory.MAC { return inventory.MAC{2, byte(i >> 8), byte(i), 1, 2, 3} },
	} {
		var table Table[int]
		for i := range 1 << 15 {
			table.Add(mac(i))
		}
		longest := 0
		for _, at := range table.chains {
			n := 0
			for ; at != None; at = table.entry(at).next {
				n++
			}
			longest = max(longest, n)
		}
		if longest > 32 {
			t.Errorf("%s: %d in one chain", name, longest)
		}
	}
}

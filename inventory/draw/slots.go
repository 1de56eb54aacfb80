package draw

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackwright/inventory"
)

// slotLabels are the stickers of a rack's units, from the first: one for each, and where
// the plan has several things in a unit, one for each of those. They stay true when other
// machines come.
func slotLabels(inv *inventory.Inventory, r *inventory.Rack) []Label {
	shared := map[int][]inventory.Slot{}
	for _, s := range slotsIn(inv, r.Name) {
		for u := s.U; u < s.U+s.Height; u++ {
			part := inventory.Slot{Face: s.Face, Side: s.Side}
			if !slices.Contains(shared[u], part) {
				shared[u] = append(shared[u], part)
			}
		}
	}
	var out []Label
	for u := 1; u <= r.Units; u++ {
		parts := shared[u]
		if len(parts) < 2 {
			parts = []inventory.Slot{{}}
		}
		slices.SortFunc(parts, func(a, b inventory.Slot) int { return cmp.Or(cmp.Compare(a.Face, b.Face), cmp.Compare(a.Side, b.Side)) })
		for _, p := range parts {
			out = append(out, slotLabel(r, u, p.Face, p.Side))
		}
	}
	return out
}

func slotLabel(r *inventory.Rack, u int, face inventory.Face, side inventory.Side) Label {
	name := "U" + strconv.Itoa(u)
	if face == inventory.Rear {
		name += " rear"
	}
	if side != inventory.FullWidth {
		name += " " + string(side)
	}
	return Label{Code: inventory.Code{Kind: inventory.SlotCode, Value: r.Name, U: u, Face: face, Side: side},
		Lines: []string{name, r.Name, where(r)}}
}

// where is the place of a rack in words.
func where(r *inventory.Rack) string {
	return strings.Join(strings.Fields(r.Site+" "+r.Room+" "+r.Row), " / ")
}

// slotsIn lists what is taken of a rack's units. Nodes are where their chassis is.
func slotsIn(inv *inventory.Inventory, rack string) (out []inventory.Slot) {
	add := func(s *inventory.Slot) {
		if s != nil && s.Rack == rack && s.U > 0 && s.Chassis == "" {
			out = append(out, *s)
		}
	}
	for i := range inv.Machines {
		if inv.Machines[i].Phase != inventory.Retired {
			add(inv.Machines[i].Slot)
		}
	}
	for i := range inv.Devices {
		add(inv.Devices[i].Slot)
	}
	return out
}

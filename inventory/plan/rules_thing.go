package plan

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

func (w *warner) power(rack *inventory.Rack, t *thing) {
	cabled := 0
	var feeds []string
	for i := range t.psus {
		c := t.psus[i].Cable
		if c == nil {
			continue
		}
		cabled++
		if d := w.have.devices[c.To.Owner]; d != nil && d.Slot != nil && d.Feed != "" {
			feeds = append(feeds, d.Slot.Rack+"/"+d.Feed)
		}
	}
	switch {
	case len(t.psus) > 1 && cabled == 1:
		w.warn(rack, t, singlePSUCabled, "", fmt.Sprintf("only 1 of %d power supplies is plugged in", len(t.psus)))
	case cabled > 1 && len(feeds) == cabled && len(slices.Compact(slices.Clone(feeds))) == 1:
		w.warn(rack, t, psusOnOneFeed, "", fmt.Sprintf("all %d power supplies hang on feed %s", cabled, feeds[0]))
	}
}

func (w *warner) bonds(rack *inventory.Rack, t *thing) {
	if t.machine == nil {
		return
	}
	members, leaves := map[string]int{}, map[string][]string{}
	var bonds []string
	for i := range t.machine.NICs {
		n := &t.machine.NICs[i]
		if n.Bond == "" {
			continue
		}
		if members[n.Bond]++; members[n.Bond] == 1 {
			bonds = append(bonds, n.Bond)
		}
		if n.Cable != nil {
			leaves[n.Bond] = append(leaves[n.Bond], n.Cable.To.Owner)
		}
	}
	for _, bond := range bonds {
		to := leaves[bond]
		switch {
		case members[bond] == 1:
			w.warn(rack, t, bondOfOne, bond, fmt.Sprintf("%s has one port", bond))
		case len(to) > 1 && len(to) == members[bond] && !slices.ContainsFunc(to, func(s string) bool { return s != to[0] }):
			w.warn(rack, t, bondOnOneLeaf, bond, fmt.Sprintf("all ports of %s lead to %s", bond, to[0]))
		}
	}
}

// depth compares a thing with its rack, and with what is mounted on the other face.
func (w *warner) depth(rack *inventory.Rack, t *thing, all []thing) {
	if rack.DepthMM == 0 || t.model == nil || t.model.DepthMM == 0 || t.slot.U < 1 || t.slot.Chassis != "" {
		return
	}
	if d := t.model.DepthMM; d > rack.DepthMM {
		w.warn(rack, t, tooDeep, "", fmt.Sprintf("it is %d mm deep and the rack %d mm", d, rack.DepthMM))
		return
	}
	for i := range all {
		o := &all[i]
		if t.slot.Face != inventory.Front || o.slot.Face != inventory.Rear || o.model == nil || o.slot.Chassis != "" || !level(t.slot, o.slot) {
			continue
		}
		if sum := t.model.DepthMM + o.model.DepthMM; sum > rack.DepthMM {
			w.warn(rack, t, tooDeep, o.name, fmt.Sprintf("with %s behind it they are %d mm deep and the rack %d mm", o.name, sum, rack.DepthMM))
		}
	}
}

// level reports whether two slots share a unit.
func level(a, b *inventory.Slot) bool {
	return a.U >= 1 && b.U >= 1 && a.U < b.U+b.Height && b.U < a.U+a.Height
}

// airflow finds what blows against the rest of the rack; where half blow each way, the
// ones that take air in at the rear.
func (w *warner) airflow(rack *inventory.Rack, things []thing) {
	var forth, back []*thing
	for i := range things {
		switch t := &things[i]; t.blows() {
		case "front-to-rear":
			forth = append(forth, t)
		case "rear-to-front":
			back = append(back, t)
		}
	}
	few, many := back, forth
	if len(back) > len(forth) {
		few, many = forth, back
	}
	for _, t := range few {
		if len(many) > 0 {
			w.warn(rack, t, airflowAgainst, "", fmt.Sprintf("it blows %s as it is mounted, and %d others of the rack the other way",
				strings.ReplaceAll(t.blows(), "-", " "), len(many)))
		}
	}
}

// blows is the direction of the air as the thing is mounted.
func (t *thing) blows() string {
	if t.model == nil || t.slot.U < 1 || t.slot.Chassis != "" {
		return ""
	}
	if flow := t.model.Airflow; t.slot.Face != inventory.Rear || (flow != "front-to-rear" && flow != "rear-to-front") {
		return flow
	} else if flow == "front-to-rear" {
		return "rear-to-front"
	}
	return "front-to-rear"
}

func (w *warner) addresses(rack *inventory.Rack, t *thing) {
	if t.machine == nil {
		return
	}
	for _, h := range t.machine.Addresses() {
		if net := w.have.networks[h.Network]; net != nil && net.Pool.Contains(h.Address) {
			w.warn(rack, t, addressInPool, h.Port, fmt.Sprintf("%s of %s is in the pool of %s, %s to %s", h.Address, h.Port, net.Name, net.Pool.First, net.Pool.Last))
		}
	}
}

// identity minds machines that cannot be bound by evidence: see inventory.Bind.
func (w *warner) identity(rack *inventory.Rack, t *thing) {
	if t.machine == nil || t.machine.Phase == inventory.Retired {
		return
	}
	if by := t.machine.Identified(); len(by) == 1 {
		w.warn(rack, t, oneIdentifier, "", fmt.Sprintf("its %s alone tells it from others: give a second of serial, uuid, asset_tag, a MAC, the BMC's MAC, or the cable to a switch port", by[0]))
	}
}

package rollout

import (
	"fmt"

	"rackwright/inventory"
)

// RackPower is what decides whether another machine of a rack may be started: one that
// boots and writes draws all that its model may.
type RackPower struct {
	Rack     inventory.Rack
	Devices  []inventory.Device
	Machines []inventory.Machine
	Model    func(string) *inventory.Model
}

// Allows says why a machine may not be started now, "" when it may. flying are those that a
// rollout has in motion; what else is off draws nothing, and what is on, or of which nobody
// knows, all that it may.
func (p RackPower) Allows(machine string, flying func(string) bool) string {
	if len(p.Rack.Feeds) == 0 {
		return ""
	}
	var with, without []inventory.Machine
	for _, m := range p.Machines {
		on := m.Power != inventory.PowerOff || flying(m.ID)
		if on {
			without = append(without, m)
		}
		if on || m.ID == machine {
			with = append(with, m)
		}
	}
	if len(with) == len(without) {
		return "" // it is on already
	}
	before := inventory.RackLoad(p.Rack, p.Devices, without, p.Model)
	for i, f := range inventory.RackLoad(p.Rack, p.Devices, with, p.Model).Feeds {
		if f.Over() && f.WorstW > before.Feeds[i].WorstW {
			return fmt.Sprintf("waits for power: feed %s of %s would carry %.0f W of %.0f W", f.Feed, p.Rack.Name, f.WorstW, f.UsableW)
		}
	}
	return ""
}

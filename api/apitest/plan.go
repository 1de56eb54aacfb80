package apitest

import (
	"slices"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// takeGear takes over projects, models and devices of a plan, and removes what it removes.
func (s *Store) takeGear(w *plan.Wanted, d *plan.Diff) {
	for _, p := range w.Projects {
		s.inv.Projects = put(s.inv.Projects, p, func(a inventory.Project) string { return a.Name })
	}
	for _, m := range w.Models {
		s.inv.Models = put(s.inv.Models, m, func(a inventory.Model) string { return a.Name })
	}
	for _, device := range w.Devices {
		if device.ID == "" {
			device.ID = s.id("device")
		}
		device.Version++
		s.inv.Devices = put(s.inv.Devices, device, func(a inventory.Device) string { return a.Name })
	}
	for _, c := range d.Changes {
		if c.Action != "remove" {
			continue
		}
		switch c.Noun {
		case "device":
			s.inv.Devices = slices.DeleteFunc(s.inv.Devices, func(a inventory.Device) bool { return a.Name == c.Name })
		case "machine":
			s.inv.Machines = slices.DeleteFunc(s.inv.Machines, func(a inventory.Machine) bool { return a.Name == c.Name })
		}
	}
}

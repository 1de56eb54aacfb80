// Package overlay is what every import has in common: names of others that become ours,
// and what an import says laid over what the inventory has. It reads no format.
//
// An import adds and changes, and removes nothing: a field that it does not say stays as
// it is. Applying a plan that leaves a field out would empty it.
package overlay

import (
	"fmt"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// Over returns the plan of the racks that said names: everything have holds of them, with
// what said says in its place. A machine or device that stands in another rack in have
// moves with all that is known of it.
func Over(have, said plan.Plan) plan.Plan {
	out := plan.Plan{Site: said.Site}
	machines, devices := stock(have)
	named := map[string]bool{}
	for _, r := range said.Racks {
		for _, m := range r.Machines {
			named[m.Name] = true
		}
		for _, d := range r.Devices {
			named[d.Name] = true
		}
	}
	for _, r := range said.Racks {
		out.Racks = append(out.Racks, rack(find(have.Racks, r.Name), r, named, machines, devices))
	}
	out.Projects, out.Models, out.Networks = merged(have.Projects, said.Projects), merged(have.Models, said.Models), merged(have.Networks, said.Networks)
	keep(&out, said)
	return out
}

// stock is what the inventory has by name, wherever it stands.
func stock(have plan.Plan) (map[string]plan.Machine, map[string]plan.Device) {
	machines, devices := map[string]plan.Machine{}, map[string]plan.Device{}
	for _, r := range have.Racks {
		for _, m := range r.Machines {
			machines[m.Name] = m
		}
		for _, d := range r.Devices {
			devices[d.Name] = d
		}
	}
	return machines, devices
}

// find returns the rack of that name, or an empty one.
func find(racks []plan.Rack, name string) plan.Rack {
	for _, r := range racks {
		if r.Name == name {
			return r
		}
	}
	return plan.Rack{}
}

// rack lays one rack over another. What said names anywhere is taken from have, so that
// it stands once.
func rack(have, said plan.Rack, named map[string]bool, machines map[string]plan.Machine, devices map[string]plan.Device) plan.Rack {
	var ms []plan.Machine
	var ds []plan.Device
	for _, m := range have.Machines {
		if !named[m.Name] {
			ms = append(ms, m)
		}
	}
	for _, d := range have.Devices {
		if !named[d.Name] {
			ds = append(ds, d)
		}
	}
	for _, m := range said.Machines {
		ms = append(ms, machine(machines[m.Name], m))
	}
	for _, d := range said.Devices {
		ds = append(ds, device(devices[d.Name], d))
	}
	said.Machines, said.Devices, have.Machines, have.Devices = nil, nil, nil, nil
	out := lay(have, said)
	out.Machines, out.Devices = ms, ds
	return out
}

func machine(have, said plan.Machine) plan.Machine {
	if said.U > 0 {
		have.Chassis, have.Bay = "", ""
	}
	if said.Chassis != "" {
		have.U, have.Height, have.Face, have.Side = 0, 0, "", ""
	}
	nics := nics(have.NICs, said.NICs)
	have.NICs, said.NICs = nil, nil
	out := lay(have, said)
	out.NICs = nics
	return out
}

// nics lays ports over ports: the same MAC is the same port, whatever it was called, and
// else the same name is.
func nics(have, said []plan.NIC) []plan.NIC {
	have, said = spelled(have), spelled(said)
	taken := make([]bool, len(have))
	same := func(is func(h plan.NIC) bool) int {
		for i, h := range have {
			if !taken[i] && is(h) {
				return i
			}
		}
		return -1
	}
	out := make([]plan.NIC, 0, len(have)+len(said))
	for _, s := range said {
		at := same(func(h plan.NIC) bool { return s.MAC != "" && sameMAC(h.MAC, s.MAC) })
		if at < 0 {
			at = same(func(h plan.NIC) bool { return h.Name == s.Name })
		}
		if at >= 0 {
			taken[at] = true
			s = lay(have[at], s)
		}
		out = append(out, s)
	}
	for i, h := range have {
		if !taken[i] {
			out = append(out, h)
		}
	}
	return out
}

// spelled gives ports their default names, which depend on their order.
func spelled(list []plan.NIC) []plan.NIC {
	out := append([]plan.NIC(nil), list...)
	for i := range out {
		if out[i].Name == "" {
			out[i].Name = fmt.Sprintf("nic%d", i+1)
		}
	}
	return out
}

func sameMAC(a, b string) bool {
	x, errX := inventory.ParseMAC(a)
	y, errY := inventory.ParseMAC(b)
	return errX == nil && errY == nil && x == y
}

// device lays a device over another. Its ports may stand in have as a range.
func device(have, said plan.Device) plan.Device {
	if len(said.Ports) > 0 {
		have.Ports = within(have.Ports, said.Ports)
	}
	return lay(have, said)
}

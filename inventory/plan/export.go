package plan

import (
	"cmp"
	"slices"
	"strings"

	"rackwright/inventory"
)

// Of is the plan that makes this inventory, of one site, in canonical order: what is a
// default or its model's is left out. It has no passwords, which nobody gets back.
// Machines without a slot and retired ones are in no plan.
func Of(inv *inventory.Inventory) Plan {
	p := Plan{}
	if len(inv.Sites) > 0 {
		p.Site = inv.Sites[0].Name
	}
	x := exporter{owners: owners{devices: map[string]*inventory.Device{}, machines: map[string]*inventory.Machine{}}, models: map[string]*inventory.Model{}}
	keep(x.devices, inv.Devices, nil, func(d *inventory.Device) string { return d.Name })
	keep(x.machines, inv.Machines, nil, func(m *inventory.Machine) string { return m.Name })
	keep(x.models, inv.Models, nil, func(m *inventory.Model) string { return m.Name })
	for i := range inv.Models {
		p.Models = append(p.Models, plannedModel(inv.Models[i]))
	}
	for _, pr := range inv.Projects {
		p.Projects = append(p.Projects, Project{Name: pr.Name, Labels: pr.Labels})
	}
	for i := range inv.Networks {
		p.Networks = append(p.Networks, plannedNetwork(&inv.Networks[i]))
	}
	stand := byRack(inv)
	for i := range inv.Racks {
		p.Racks = append(p.Racks, x.rack(&inv.Racks[i], stand[inv.Racks[i].Name]))
	}
	byName(p.Projects, func(x Project) string { return x.Name })
	byName(p.Models, func(x Model) string { return x.Name })
	byName(p.Networks, func(x Network) string { return x.Name })
	byName(p.Racks, func(x Rack) string { return x.Name })
	return p
}

func byName[T any](list []T, name func(T) string) {
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(name(a), name(b)) })
}

func plannedModel(m inventory.Model) Model {
	b := m.Build
	if b.Kind == inventory.KindMachine {
		b.Kind = ""
	}
	if b.Height == 1 {
		b.Height = 0
	}
	return Model{Name: m.Name, Build: b}
}

func plannedNetwork(n *inventory.Network) Network {
	out := Network{Name: n.Name, CIDR: n.Prefix.String(), VLAN: n.VLAN, RoutingDomain: n.RoutingDomain, Gateway: addrText(n.Gateway),
		CIDR6: prefixText(n.Prefix6), Gateway6: addrText(n.Gateway6),
		Domain: n.Domain, MTU: n.MTU, Purpose: unless(n.Purpose, "provision"), DHCP: unless(n.DHCP, inventory.DHCPOff),
		Strangers: unless(n.Strangers, inventory.StrangerIgnore), LeaseSeconds: unless(n.LeaseSeconds, 3600), RouterAdverts: n.RouterAdverts,
		DHCP6: unless(n.DHCP6, inventory.DHCP6Off), SLAAC: n.SLAAC, Options: n.Options}
	for _, a := range n.DNS {
		out.DNS = append(out.DNS, a.String())
	}
	for _, a := range n.NTP {
		out.NTP = append(out.NTP, a.String())
	}
	if !n.Pool.IsZero() {
		out.Pool = &Pool{First: n.Pool.First.String(), Last: n.Pool.Last.String()}
	}
	return out
}

// unless leaves a default out.
func unless[T comparable](value, standard T) T {
	if value == standard {
		var none T
		return none
	}
	return value
}

// contents are what stands in one rack.
type contents struct {
	devices  []*inventory.Device
	machines []*inventory.Machine
}

func byRack(inv *inventory.Inventory) map[string]contents {
	out := map[string]contents{}
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Slot != nil {
			c := out[d.Slot.Rack]
			c.devices = append(c.devices, d)
			out[d.Slot.Rack] = c
		}
	}
	for i := range inv.Machines {
		if m := &inv.Machines[i]; m.Slot != nil && m.Phase != inventory.Retired {
			c := out[m.Slot.Rack]
			c.machines = append(c.machines, m)
			out[m.Slot.Rack] = c
		}
	}
	return out
}

func (x *exporter) rack(r *inventory.Rack, in contents) Rack {
	out := Rack{Name: r.Name, Room: r.Room, Row: r.Row, Units: unless(r.Units, 42), Numbering: unless(r.Numbering, inventory.NumberedUp), DepthMM: r.DepthMM,
		WeightLimitKG: r.WeightLimitKG, Feeds: slices.Clone(r.Feeds), Reserved: slices.Clone(r.Reserved), Labels: r.Labels, Tags: r.Tags, Waive: r.Waivers}
	for i := range out.Feeds {
		out.Feeds[i].Phases = unless(out.Feeds[i].Phases, 1)
	}
	for i := range out.Reserved {
		out.Reserved[i].Height, out.Reserved[i].Face = unless(out.Reserved[i].Height, 1), unless(out.Reserved[i].Face, inventory.Both)
	}
	for _, d := range in.devices {
		out.Devices = append(out.Devices, x.device(d))
	}
	units := map[string]int{} // of a node, its chassis'
	for _, m := range in.machines {
		units[m.Name] = m.Slot.U
		out.Machines = append(out.Machines, x.machine(m))
	}
	slices.SortFunc(out.Devices, func(a, b Device) int { return cmp.Or(a.U-b.U, strings.Compare(a.Name, b.Name)) })
	slices.SortFunc(out.Machines, func(a, b Machine) int {
		return cmp.Or(units[a.Name]-units[b.Name], strings.Compare(a.Name, b.Name))
	})
	return out
}

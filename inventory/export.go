package inventory

import (
	"cmp"
	"slices"
	"strings"

	"rackwright/fault"
)

// Only is the part of an inventory that a plan of some racks of a site tells of: what
// stands in them, and the projects, models and networks that it uses. Without racks it is
// the whole site, and without a site there must be only one.
func (inv *Inventory) Only(site string, racks []string) (*Inventory, error) {
	out := Inventory{}
	for _, name := range racks {
		r := inv.Rack(name)
		if r == nil {
			return nil, fault.NotFoundf("there is no rack %.70q", name).WithHint("rackwright rack list names the racks")
		}
		site = cmp.Or(site, r.Site)
	}
	if site == "" && len(inv.Sites) > 1 {
		return nil, fault.Invalidf("there are %d sites, and a plan is of one", len(inv.Sites)).WithHint("say which site, or which racks")
	}
	for _, s := range inv.Sites {
		if site == "" || s.Name == site {
			out.Sites = append(out.Sites, s)
		}
	}
	if len(out.Sites) == 0 {
		return nil, fault.NotFoundf("there is no site %.70q", site).WithHint("apply a plan of it first")
	}
	for _, r := range inv.Racks {
		if r.Site == out.Sites[0].Name && (len(racks) == 0 || slices.Contains(racks, r.Name)) {
			out.Racks = append(out.Racks, r)
		} else if slices.Contains(racks, r.Name) {
			return nil, fault.Invalidf("rack %s stands in site %s, not %s: a plan is of one site", r.Name, r.Site, out.Sites[0].Name).WithHint("export each site by itself")
		}
	}
	out.narrow(inv, len(racks) > 0)
	return &out, nil
}

// narrow takes over what stands in the racks and what that uses; all projects, models and
// networks unless only some racks are meant.
func (inv *Inventory) narrow(from *Inventory, used bool) {
	here, uses := map[string]bool{}, map[string]bool{}
	for _, r := range inv.Racks {
		here[r.Name] = true
		for _, v := range r.Reserved {
			uses["project "+v.Project] = true
		}
	}
	for _, d := range from.Devices {
		if d.Slot != nil && here[d.Slot.Rack] {
			inv.Devices = append(inv.Devices, d)
			uses["model "+d.Model] = true
		}
	}
	for _, m := range from.Machines {
		if m.Slot == nil || !here[m.Slot.Rack] || m.Phase == Retired {
			continue
		}
		inv.Machines = append(inv.Machines, m)
		uses["model "+m.Model], uses["project "+m.Project] = true, true
		for _, n := range m.NICs {
			uses["network "+n.Network] = true
		}
	}
	inv.Projects = kept(from.Projects, func(p *Project) bool { return !used || uses["project "+p.Name] })
	inv.Models = kept(from.Models, func(m *Model) bool { return !used || uses["model "+m.Name] })
	inv.Networks = kept(from.Networks, func(n *Network) bool { return !used || uses["network "+n.Name] })
}

func kept[T any](list []T, keep func(*T) bool) (out []T) {
	for i := range list {
		if keep(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// Plan is the plan that makes this inventory, of one site, in canonical order: what is a
// default or its model's is left out. It has no passwords, which nobody gets back.
// Machines without a slot and retired ones are in no plan.
func (inv *Inventory) Plan() Plan {
	p := Plan{}
	if len(inv.Sites) > 0 {
		p.Site = inv.Sites[0].Name
	}
	x := exporter{owners: owners{devices: map[string]*Device{}, machines: map[string]*Machine{}}, models: map[string]*Model{}}
	keep(x.devices, inv.Devices, nil, func(d *Device) string { return d.Name })
	keep(x.machines, inv.Machines, nil, func(m *Machine) string { return m.Name })
	keep(x.models, inv.Models, nil, func(m *Model) string { return m.Name })
	for i := range inv.Models {
		p.Models = append(p.Models, plannedModel(inv.Models[i]))
	}
	for _, pr := range inv.Projects {
		p.Projects = append(p.Projects, PlannedProject{Name: pr.Name, Labels: pr.Labels})
	}
	for i := range inv.Networks {
		p.Networks = append(p.Networks, plannedNetwork(&inv.Networks[i]))
	}
	for i := range inv.Racks {
		p.Racks = append(p.Racks, x.rack(inv, &inv.Racks[i]))
	}
	byName(p.Projects, func(x PlannedProject) string { return x.Name })
	byName(p.Models, func(x PlannedModel) string { return x.Name })
	byName(p.Networks, func(x PlannedNetwork) string { return x.Name })
	byName(p.Racks, func(x PlannedRack) string { return x.Name })
	return p
}

func byName[T any](list []T, name func(T) string) {
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(name(a), name(b)) })
}

func plannedModel(m Model) PlannedModel {
	b := m.Build
	if b.Kind == KindMachine {
		b.Kind = ""
	}
	if b.Height == 1 {
		b.Height = 0
	}
	return PlannedModel{Name: m.Name, Build: b}
}

func plannedNetwork(n *Network) PlannedNetwork {
	out := PlannedNetwork{Name: n.Name, CIDR: n.Prefix.String(), VLAN: n.VLAN, RoutingDomain: n.RoutingDomain, Gateway: addrText(n.Gateway),
		Domain: n.Domain, MTU: n.MTU, Purpose: unless(n.Purpose, "provision"), DHCP: unless(n.DHCP, DHCPOff),
		Strangers: unless(n.Strangers, StrangerIgnore), LeaseSeconds: unless(n.LeaseSeconds, 3600), RouterAdverts: n.RouterAdverts}
	for _, a := range n.DNS {
		out.DNS = append(out.DNS, a.String())
	}
	for _, a := range n.NTP {
		out.NTP = append(out.NTP, a.String())
	}
	if !n.Pool.IsZero() {
		out.Pool = &PlannedPool{First: n.Pool.First.String(), Last: n.Pool.Last.String()}
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

func (x *exporter) rack(inv *Inventory, r *Rack) PlannedRack {
	out := PlannedRack{Name: r.Name, Room: r.Room, Row: r.Row, Units: unless(r.Units, 42), Numbering: unless(r.Numbering, NumberedUp), DepthMM: r.DepthMM,
		WeightLimitKG: r.WeightLimitKG, Feeds: slices.Clone(r.Feeds), Reserved: slices.Clone(r.Reserved), Labels: r.Labels, Tags: r.Tags, Waive: r.Waivers}
	for i := range out.Feeds {
		out.Feeds[i].Phases = unless(out.Feeds[i].Phases, 1)
	}
	for i := range out.Reserved {
		out.Reserved[i].Height, out.Reserved[i].Face = unless(out.Reserved[i].Height, 1), unless(out.Reserved[i].Face, Both)
	}
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Slot != nil && d.Slot.Rack == r.Name {
			out.Devices = append(out.Devices, x.device(d))
		}
	}
	units := map[string]int{} // of a node, its chassis'
	for i := range inv.Machines {
		if m := &inv.Machines[i]; m.Slot != nil && m.Slot.Rack == r.Name && m.Phase != Retired {
			units[m.Name] = m.Slot.U
			out.Machines = append(out.Machines, x.machine(m))
		}
	}
	slices.SortFunc(out.Devices, func(a, b PlannedDevice) int { return cmp.Or(a.U-b.U, strings.Compare(a.Name, b.Name)) })
	slices.SortFunc(out.Machines, func(a, b PlannedMachine) int {
		return cmp.Or(units[a.Name]-units[b.Name], strings.Compare(a.Name, b.Name))
	})
	return out
}

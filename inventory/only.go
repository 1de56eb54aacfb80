package inventory

import (
	"cmp"
	"slices"

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
			return nil, fault.NotFoundf("there is no rack %.70q", name).WithHint("'rackwright rack list' names the racks")
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
	here := map[string]bool{}
	for _, r := range inv.Racks {
		here[r.Name] = true
	}
	for _, d := range from.Devices {
		if d.Slot != nil && here[d.Slot.Rack] {
			inv.Devices = append(inv.Devices, d)
		}
	}
	for _, m := range from.Machines {
		if m.Slot != nil && here[m.Slot.Rack] && m.Phase != Retired {
			inv.Machines = append(inv.Machines, m)
		}
	}
	inv.Projects, inv.Models, inv.Networks = slices.Clone(from.Projects), slices.Clone(from.Models), slices.Clone(from.Networks)
	if used {
		inv.DropUnused()
	}
}

// DropUnused drops the projects, models and networks that nothing in the inventory names.
func (inv *Inventory) DropUnused() {
	used := map[string]bool{}
	for _, r := range inv.Racks {
		for _, v := range r.Reserved {
			used["project "+v.Project] = true
		}
	}
	for _, d := range inv.Devices {
		used["model "+d.Model] = true
	}
	for _, m := range inv.Machines {
		used["model "+m.Model], used["project "+m.Project] = true, true
		for _, n := range m.UsesNetworks() {
			used["network "+n] = true
		}
	}
	inv.Projects = slices.DeleteFunc(inv.Projects, func(p Project) bool { return !used["project "+p.Name] })
	inv.Models = slices.DeleteFunc(inv.Models, func(m Model) bool { return !used["model "+m.Name] })
	inv.Networks = slices.DeleteFunc(inv.Networks, func(n Network) bool { return !used["network "+n.Name] })
}

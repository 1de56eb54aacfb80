package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rackwright/inventory"
)

func (c *comparer) projects() {
	for i := range c.w.Projects {
		p := &c.w.Projects[i]
		old, known := inventory.Project{}, false
		for _, h := range c.have.Projects {
			if h.Name == p.Name {
				old, known = h, true
			}
		}
		var d differ
		p.ID = old.ID
		d.labels(old.Labels, p.Labels, nil, nil)
		c.note("project", p.Name, known, d.list, nil, nil)
	}
}

func (c *comparer) models() {
	for i := range c.w.Models {
		m := &c.w.Models[i]
		old := c.have.Model(m.Name)
		var effects []string
		if old != nil {
			m.ID, m.Version = old.ID, old.Version
			if n := c.staying(m.Name); n > 0 {
				effects = []string{fmt.Sprintf("%d of this model are not in the plan and keep their height, ports and power supplies", n)}
			}
		} else {
			old = &inventory.Model{}
		}
		fields := buildChanges(&old.Build, &m.Build)
		if login, given := c.w.Factory[m.Name]; given && !c.hasFactory(old.Name, login) {
			fields = append(fields, FieldChange{Field: "bmc", New: "(sealed)"})
		}
		c.note("model", m.Name, old.Name != "", fields, effects, nil)
	}
}

// hasFactory reports whether the login is the one kept of the model already.
func (c *comparer) hasFactory(model string, l FactoryLogin) bool {
	return model != "" && (c.have.HasFactory == nil || c.have.HasFactory(model, l.Username, l.Password))
}

// staying counts what is of a model and not in the plan.
func (c *comparer) staying(model string) (n int) {
	for i := range c.have.Machines {
		if m := &c.have.Machines[i]; m.Model == model && m.Phase != inventory.Retired && !c.machine[m.Name] {
			n++
		}
	}
	for i := range c.have.Devices {
		if d := &c.have.Devices[i]; d.Model == model && !c.device[d.Name] {
			n++
		}
	}
	return n
}

func buildChanges(old, now *inventory.Build) []FieldChange {
	var d differ
	d.add("kind", string(old.Kind), string(now.Kind))
	d.add("vendor", old.Vendor, now.Vendor)
	d.add("product", old.Product, now.Product)
	d.number("height", float64(old.Height), float64(now.Height))
	d.flag("half_width", old.HalfWidth, now.HalfWidth)
	d.flag("full_depth", old.FullDepth, now.FullDepth)
	d.number("depth_mm", float64(old.DepthMM), float64(now.DepthMM))
	d.number("weight_kg", old.WeightKG, now.WeightKG)
	d.number("watts", old.Watts, now.Watts)
	d.add("airflow", old.Airflow, now.Airflow)
	d.add("loader", old.Loader, now.Loader)
	d.flag("https", old.HTTPS, now.HTTPS)
	d.add("netboot", string(old.Netboot), string(now.Netboot))
	d.psus(old.PSUs, now.PSUs)
	print := func(p inventory.Port) string { return portText(&p) }
	d.add("ports", joined(old.Ports, print), joined(now.Ports, print))
	d.add("bays", strings.Join(old.Bays, ", "), strings.Join(now.Bays, ", "))
	partChanges(&d, &old.Parts, &now.Parts)
	version := func(v inventory.Version) string { return v.Component + " " + v.Version }
	d.add("firmware", joined(old.Firmware, version), joined(now.Firmware, version))
	d.options(old.Options, now.Options)
	keys := map[string]bool{}
	for k := range old.BIOS {
		keys[k] = true
	}
	for k := range now.BIOS {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		d.add("bios "+k, old.BIOS[k], now.BIOS[k])
	}
	return d.list
}

func partChanges(d *differ, old, now *inventory.Parts) {
	print := func(v any) string { return strings.Trim(fmt.Sprintf("%+v", v), "{}") }
	d.add("parts.cpus", joined(old.CPUs, func(c inventory.CPU) string { return print(c) }), joined(now.CPUs, func(c inventory.CPU) string { return print(c) }))
	d.add("parts.dimms", joined(old.DIMMs, func(c inventory.DIMM) string { return print(c) }), joined(now.DIMMs, func(c inventory.DIMM) string { return print(c) }))
	d.add("parts.disks", joined(old.Disks, func(c inventory.Disk) string { return print(c) }), joined(now.Disks, func(c inventory.Disk) string { return print(c) }))
	d.number("parts.nics", float64(old.NICs), float64(now.NICs))
}

func (c *comparer) racks() {
	for i := range c.w.Racks {
		r := &c.w.Racks[i]
		old := c.have.Rack(r.Name)
		if old != nil {
			r.ID, r.Version = old.ID, old.Version
			if old.Site != r.Site {
				c.fail("rack "+r.Name, "stands in site %s", old.Site)
			}
		}
		for _, v := range r.Reserved {
			if v.Project != "" && c.after.projects[v.Project] == nil {
				c.fail("rack "+r.Name, "there is no project %q to reserve unit %d for", v.Project, v.U)
			}
		}
		c.note("rack", r.Name, old != nil, rackChanges(old, r), nil, nil)
	}
}

func rackChanges(old, now *inventory.Rack) []FieldChange {
	var d differ
	if old == nil {
		old = &inventory.Rack{}
	}
	d.add("site", old.Site, now.Site)
	d.add("room", old.Room, now.Room)
	d.add("row", old.Row, now.Row)
	d.number("units", float64(old.Units), float64(now.Units))
	d.add("numbering", string(old.Numbering), string(now.Numbering))
	d.number("depth_mm", float64(old.DepthMM), float64(now.DepthMM))
	d.number("weight_limit_kg", old.WeightLimitKG, now.WeightLimitKG)
	pairs(old.Feeds, now.Feeds, func(f *inventory.Feed) string { return f.Name }, func(name string, a, b *inventory.Feed) { d.add("feed "+name, feedText(a), feedText(b)) })
	feed := func(f *inventory.Feed) string { return f.Name }
	d.order("feed order", names(old.Feeds, feed), names(now.Feeds, feed))
	d.add("reserved", joined(old.Reserved, reservedText), joined(now.Reserved, reservedText))
	d.labels(old.Labels, now.Labels, old.Tags, now.Tags)
	d.waivers(old.Waivers, now.Waivers)
	return d.list
}

func feedText(f *inventory.Feed) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%d V %s A %d-phase", f.Volts, number(f.Amps), f.Phases)
}

func reservedText(v inventory.Reservation) string {
	return words(fmt.Sprintf("u%d height %d %s", v.U, v.Height, v.Face), pair("for", v.Project), "("+v.Reason+")")
}

func (c *comparer) devices() {
	have := map[string]*inventory.Device{}
	keep(have, c.have.Devices, nil, func(d *inventory.Device) string { return d.Name })
	for i := range c.w.Devices {
		d := &c.w.Devices[i]
		old := have[d.Name]
		if old != nil {
			d.ID, d.Version = old.ID, old.Version
			if d.Serial == "" {
				d.Serial = old.Serial
			}
			if d.AssetTag == "" {
				d.AssetTag = old.AssetTag
			}
		}
		effects, risks := c.deviceEffects(old, d)
		c.note("device", d.Name, old != nil, deviceChanges(old, d), effects, risks)
	}
}

func deviceChanges(old, now *inventory.Device) []FieldChange {
	var d differ
	if old == nil {
		old = &inventory.Device{}
	}
	d.add("kind", string(old.Kind), string(now.Kind))
	d.add("slot", slotText(old.Slot), slotText(now.Slot))
	d.add("model", old.Model, now.Model)
	d.add("serial", old.Serial, now.Serial)
	d.add("asset_tag", old.AssetTag, now.AssetTag)
	d.add("feed", old.Feed, now.Feed)
	d.add("lldp", old.LLDP, now.LLDP)
	d.add("remote_id", old.RemoteID, now.RemoteID)
	if !slices.EqualFunc(old.Ports, now.Ports, samePort) {
		print := func(p inventory.Port) string { return portText(&p) }
		d.add("ports", joined(compactPorts(old.Ports), print), joined(compactPorts(now.Ports), print))
	}
	d.psus(old.PSUs, now.PSUs)
	d.add("bays", strings.Join(old.Bays, ", "), strings.Join(now.Bays, ", "))
	d.labels(old.Labels, now.Labels, old.Tags, now.Tags)
	return d.list
}

func samePort(a, b inventory.Port) bool {
	return a.Name == b.Name && a.Connector == b.Connector && a.Circuit == b.Circuit && sameCable(a.Cable, b.Cable)
}

func sameCable(a, b *inventory.Cable) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

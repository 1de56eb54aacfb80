package plan

import (
	"cmp"
	"maps"
	"slices"

	"rackwright/inventory"
)

// How many parts of one kind a model or thing may have.
const maxParts = 256

var kinds = []string{string(inventory.KindMachine), string(inventory.KindSwitch), string(inventory.KindPDU), string(inventory.KindChassis), string(inventory.KindPanel), string(inventory.KindOther)}

func (r *resolver) model(p place, m Model) {
	r.name(p.of(".name"), m.Name)
	r.once(p.of(".name"), claim{what: "model", text: m.Name}, p.base)
	b := m.Build
	b.Kind, b.Height = cmp.Or(b.Kind, inventory.KindMachine), cmp.Or(b.Height, 1)
	r.oneOf(p.of(".kind"), string(b.Kind), kinds...)
	r.text(p.of(".vendor"), b.Vendor)
	r.text(p.of(".product"), b.Product)
	if b.Height < 1 || b.Height > 100 {
		r.fail(p.of(".height"), "%d is not between 1 and 100", b.Height)
	}
	r.between(p.of(".depth_mm"), float64(b.DepthMM), 1, 5000)
	r.between(p.of(".weight_kg"), b.WeightKG, 0, 5000)
	r.between(p.of(".watts"), b.Watts, 0, 1e6)
	r.oneOf(p.of(".airflow"), b.Airflow, "", "front-to-rear", "rear-to-front", "side", "passive")
	r.oneOf(p.of(".loader"), b.Loader, "", "shim", "ipxe-signed", "snponly")
	r.netboot(p.of(".netboot"), b.Netboot)
	b.PSUs = r.psus(p, m.Name, b.PSUs)
	for i := range b.PSUs {
		if b.PSUs[i].Cable != nil || b.PSUs[i].Serial != "" {
			r.fail(p.item(".psus", i), "cable and serial are those of one thing, not of a model")
		}
	}
	b.Ports = r.modelPorts(p, m.Name, b.Ports)
	b.Bays = r.bays(p, m.Name, b.Bays)
	b.Parts = r.parts(p, b.Parts)
	b.Firmware = r.baseline(p, m.Name, b.Firmware)
	b.Options = r.options(p, b.Options)
	b.BIOS = r.attributes(p, b.BIOS)
	if m.BMC != nil {
		r.factory(p.of(".bmc"), m.Name, *m.BMC)
	}
	r.out.Models = append(r.out.Models, inventory.Model{Name: m.Name, Build: b})
}

func (r *resolver) psus(p place, owner string, list []inventory.PSU) []inventory.PSU {
	if len(list) > maxParts {
		r.fail(p.of(".psus"), "%d power supplies are more than %d", len(list), maxParts)
		return nil
	}
	out := slices.Clone(list)
	for i := range out {
		s, at := &out[i], p.item(".psus", i)
		if !portForm.MatchString(s.Name) {
			r.fail(at.of(".name"), "%.70q is not the name of a power supply, e.g. psu1", s.Name)
		}
		r.onceIn(at.of(".name"), owner, "power supply", s.Name)
		r.oneOf(at.of(".connector"), string(s.Connector), "", string(inventory.C14), string(inventory.C20))
		r.between(at.of(".watts"), s.Watts, 0, 1e5)
		r.text(at.of(".serial"), s.Serial)
		r.text(at.of(".model"), s.Model)
		s.Cable, s.Input = r.cable(at, s.Cable), ""
		r.cabled[s.Cable] = at
	}
	return out
}

// modelPorts checks ports and leaves their ranges as they are written.
func (r *resolver) modelPorts(p place, owner string, list []inventory.Port) []inventory.Port {
	r.ports(p, owner, list)
	for i := range list {
		if list[i].Cable != nil {
			r.fail(p.item(".ports", i).of(".cable"), "a cable is one device's, not a model's")
		}
	}
	return slices.Clone(list)
}

// ports checks ports and writes their ranges out.
func (r *resolver) ports(p place, owner string, list []inventory.Port) (out []inventory.Port) {
	for i, port := range list {
		at := p.item(".ports", i)
		names, err := PortNames(port.Name)
		if err != nil {
			r.fail(at.of(".name"), "%s", err)
			continue
		}
		if len(out)+len(names) > maxPorts {
			r.fail(p.of(".ports"), "there are more than %d ports", maxPorts)
			return nil
		}
		r.oneOf(at.of(".connector"), string(port.Connector), "", string(inventory.RJ45), string(inventory.SFP), string(inventory.QSFP), string(inventory.OSFP), string(inventory.C13), string(inventory.C19))
		r.text(at.of(".circuit"), port.Circuit)
		port.Cable = r.cable(at, port.Cable)
		r.cabled[port.Cable] = at
		if port.Cable != nil && len(names) > 1 {
			r.fail(at.of(".cable"), "one cable cannot begin at %d ports", len(names))
		}
		for _, name := range names {
			r.onceIn(at.of(".name"), owner, "port", name)
			each := port
			each.Name = name
			out = append(out, each)
		}
	}
	return out
}

func (r *resolver) bays(p place, owner string, list []string) []string {
	if len(list) > maxParts {
		r.fail(p.of(".bays"), "%d bays are more than %d", len(list), maxParts)
		return nil
	}
	for i, bay := range list {
		if !portForm.MatchString(bay) {
			r.fail(p.item(".bays", i), "%.70q is not the name of a bay", bay)
		}
		r.onceIn(p.item(".bays", i), owner, "chassis bay", bay) // not the claim of the node in it
	}
	return slices.Clone(list)
}

// parts checks the parts that have to be in a machine.
func (r *resolver) parts(p place, parts inventory.Parts) inventory.Parts {
	if max(len(parts.CPUs), len(parts.DIMMs), len(parts.Disks)) > maxParts {
		r.fail(p.of(".parts"), "there are more than %d parts of one kind", maxParts)
		return inventory.Parts{}
	}
	r.between(p.of(".parts.nics"), float64(parts.NICs), 0, maxParts)
	sockets, slots := map[string]bool{}, map[string]bool{}
	for i, c := range parts.CPUs {
		r.part(p.item(".parts.cpus", i).of(".socket"), sockets, c.Socket)
		r.between(p.item(".parts.cpus", i).of(".cores"), float64(c.Cores), 0, 1e5)
		r.text(p.item(".parts.cpus", i).of(".model"), c.Model)
	}
	for i, d := range parts.DIMMs {
		r.part(p.item(".parts.dimms", i).of(".slot"), slots, d.Slot)
		r.between(p.item(".parts.dimms", i).of(".size_mib"), float64(d.SizeMiB), 1, 1<<30)
	}
	for i, d := range parts.Disks {
		r.between(p.item(".parts.disks", i).of(".bytes"), float64(d.Bytes), 0, 1<<60)
		r.text(p.item(".parts.disks", i).of(".bay"), d.Bay)
		r.oneOf(p.item(".parts.disks", i).of(".type"), d.Type, "", "nvme", "ssd", "hdd", "virtual")
	}
	parts.CPUs, parts.DIMMs, parts.Disks = slices.Clone(parts.CPUs), slices.Clone(parts.DIMMs), slices.Clone(parts.Disks)
	return parts
}

// part checks the location of a part, where one is given, and that it is named once.
func (r *resolver) part(p place, seen map[string]bool, location string) {
	r.text(p, location)
	if location != "" && seen[location] {
		r.fail(p, "%.70q is named twice", location)
	}
	seen[location] = true
}

func (r *resolver) baseline(p place, owner string, list []inventory.Version) []inventory.Version {
	if len(list) > maxParts {
		r.fail(p.of(".firmware"), "%d versions are more than %d", len(list), maxParts)
		return nil
	}
	for i, v := range list {
		r.text(p.item(".firmware", i).of(".component"), v.Component)
		r.text(p.item(".firmware", i).of(".version"), v.Version)
		if v.Component == "" || v.Version == "" {
			r.fail(p.item(".firmware", i), "needs component and version")
		}
		r.onceIn(p.item(".firmware", i).of(".component"), owner, "firmware", v.Component)
	}
	return slices.Clone(list)
}

func (r *resolver) attributes(p place, bios map[string]string) map[string]string {
	if len(bios) > 1024 {
		r.fail(p.of(".bios"), "%d attributes are more than 1024", len(bios))
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(bios)) {
		r.text(p.of(".bios"), key)
		r.text(p.of(".bios"), bios[key])
	}
	if len(bios) == 0 {
		return nil
	}
	return maps.Clone(bios)
}

// factory checks the login that BMCs of a model leave the factory with.
func (r *resolver) factory(p place, model string, in FactoryLogin) {
	r.text(p.of(".username"), in.Username)
	if in.Username == "" {
		r.fail(p.of(".username"), "a factory login has a username")
	}
	if in.Password != "" {
		r.out.Factory[model] = in
	}
}

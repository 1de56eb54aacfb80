package plan

import (
	"slices"

	"rackwright/inventory"
)

// standardSlot is the slot that a model gives where the plan says only rack and unit.
func standardSlot(s *inventory.Slot, model *inventory.Model) inventory.Slot {
	out := inventory.Slot{Rack: s.Rack, U: s.U, Side: s.Side}
	shapeSlot(&out, model)
	return out
}

// exporter writes nouns as a plan would.
type exporter struct {
	owners
	models map[string]*inventory.Model
}

// cable leaves out a type that is the only one that fits.
func (x *exporter) cable(a socket, c *inventory.Cable) *inventory.Cable {
	out := clone(c)
	if out == nil {
		return nil
	}
	if b, state := x.socket(c.To); state == plugs && a.connector != "" && b.connector != "" {
		if types := typesFor(a.connector, b.connector); len(types) == 1 {
			out.Type = unless(out.Type, types[0])
		}
	}
	return out
}

func (x *exporter) device(d *inventory.Device) Device {
	model := x.models[d.Model]
	standard := standardSlot(d.Slot, model)
	out := Device{Name: d.Name, Kind: d.Kind, U: d.Slot.U, Height: unless(d.Slot.Height, standard.Height), Face: unless(d.Slot.Face, standard.Face),
		Side: d.Slot.Side, Model: d.Model, Serial: d.Serial, AssetTag: d.AssetTag, Feed: d.Feed, LLDP: d.LLDP, RemoteID: d.RemoteID, Labels: d.Labels, Tags: d.Tags, Bays: d.Bays}
	var standards inventory.Build
	if model != nil {
		standards = model.Build
		out.Kind = unless(d.Kind, model.Kind)
		if slices.Equal(d.Bays, model.Bays) {
			out.Bays = nil
		}
	}
	out.Ports, out.PSUs = compactPorts(x.ports(expandPorts(standards.Ports), d)), x.psus(standards.PSUs, d.PSUs)
	return out
}

// ports are what a device says of its ports beyond its model.
func (x *exporter) ports(model []inventory.Port, d *inventory.Device) (out []inventory.Port) {
	was := make(map[string]inventory.Port, len(model))
	for _, p := range model {
		was[p.Name] = p
	}
	for _, p := range d.Ports {
		of, known := was[p.Name]
		a := portSocket(d, &p)
		if known {
			p.Connector, p.Circuit = unless(p.Connector, of.Connector), unless(p.Circuit, circuitOf(of.Circuit, p.Name))
			if p.Connector == "" && p.Circuit == "" && p.Cable == nil {
				continue
			}
		}
		p.Cable = x.cable(a, p.Cable)
		out = append(out, p)
	}
	return out
}

// psus are what a thing says of its power supplies beyond its model.
func (x *exporter) psus(model, all []inventory.PSU) (out []inventory.PSU) {
	for _, p := range all {
		p.Input, p.Cable = "", x.cable(socket{connector: p.Connector}, p.Cable)
		if i := slices.IndexFunc(model, func(o inventory.PSU) bool { return o.Name == p.Name }); i >= 0 {
			of := model[i]
			p.Connector, p.Watts = unless(p.Connector, of.Connector), unless(p.Watts, of.Watts)
			p.Serial, p.Model = unless(p.Serial, of.Serial), unless(p.Model, of.Model)
			if p == (inventory.PSU{Name: p.Name}) {
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

func (x *exporter) machine(m *inventory.Machine) Machine {
	s, model := m.Slot, x.models[m.Model]
	out := Machine{Name: m.Name, Firmware: unless(m.Firmware, inventory.UEFI), Netboot: m.Netboot, Arch: unless(m.Arch, "amd64"), Vendor: m.Vendor, Model: m.Model,
		Serial: m.Serial, UUID: m.UUID, AssetTag: m.AssetTag, Batch: m.Batch, Project: m.Project, Labels: m.Labels, Tags: m.Tags, Waive: m.Waivers}
	if s.Chassis != "" {
		out.Chassis, out.Bay = s.Chassis, s.Bay
	} else {
		standard := standardSlot(s, model)
		out.U, out.Height, out.Face, out.Side = s.U, unless(s.Height, standard.Height), unless(s.Face, standard.Face), s.Side
	}
	var modelPSUs []inventory.PSU
	if model != nil {
		out.Vendor = unless(m.Vendor, model.Vendor)
		modelPSUs = model.PSUs
	}
	out.PSUs = x.psus(modelPSUs, m.PSUs)
	for i := range m.NICs {
		out.NICs = append(out.NICs, x.nic(&m.NICs[i], i))
	}
	for i := range m.Bonds {
		out.Bonds = append(out.Bonds, plannedBond(&m.Bonds[i]))
	}
	if b := m.BMC; b != nil {
		out.BMC = &BMC{Address: b.Address, Username: b.Username, CertificateSHA256: b.CertificateSHA256, MAC: macText(b.MAC)}
	}
	if !m.RootDisk.IsZero() {
		d := Disk(m.RootDisk)
		out.RootDisk = &d
	}
	return out
}

func (x *exporter) nic(n *inventory.NIC, i int) NIC {
	return NIC{Name: unless(n.Name, nicName(i)), MAC: macText(n.MAC), Connector: n.Connector, Network: n.Network, Address: addrText(n.Address),
		Address6: addrText(n.Address6), VLANs: plannedTagged(n.VLANs), Bond: n.Bond, Boot: n.Boot, Cable: x.cable(socket{connector: n.Connector}, n.Cable)}
}

func plannedBond(b *inventory.Bond) Bond {
	return Bond{Name: b.Name, Mode: unless(b.Mode, inventory.ActiveBackup), LACPRate: b.LACPRate, Hash: b.Hash, MIIMon: unless(b.MIIMon, inventory.MIIMon),
		MTU: b.MTU, Primary: b.Primary, Network: b.Network, Address: addrText(b.Address), Address6: addrText(b.Address6), VLANs: plannedTagged(b.VLANs)}
}

func plannedTagged(list []inventory.Tagged) (out []Tagged) {
	for _, t := range list {
		out = append(out, Tagged{Network: t.Network, Address: addrText(t.Address), Address6: addrText(t.Address6)})
	}
	return out
}

package netbox

import (
	"fmt"
	"regexp"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/overlay"
	"rackwright/inventory/plan"
)

// portForm is what a plan takes as the name of a port; portSpan is one it would take for
// several ports.
var (
	portForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9 ._/:+-]{0,62}[A-Za-z0-9])?$`)
	portSpan = regexp.MustCompile(`[0-9]+-[0-9]+$`)
)

// makePorts gives things their interfaces, inlets and outlets.
func (b *builder) makePorts() {
	for i := range b.src.Interfaces {
		b.port(&b.src.Interfaces[i])
	}
	for i := range b.src.PowerPorts {
		b.inlet(&b.src.PowerPorts[i])
	}
	for i := range b.src.Outlets {
		b.outlet(&b.src.Outlets[i])
	}
}

// usable reports whether a plan can name the port.
func (b *builder) usable(t *thing, name string) bool {
	if !portForm.MatchString(name) || t.machine == nil && portSpan.MatchString(name) {
		b.notes.add("ports left out for their names", "%s of %s", clean(name), t.name)
		return false
	}
	return true
}

func (b *builder) port(i *Interface) {
	t := b.things[i.Device.id()]
	if t == nil {
		return
	}
	physical := i.Type != "virtual" && i.Type != "bridge" && i.Type != "lag"
	if !physical || !b.usable(t, i.Name) {
		return // a bond is said by its ports, an address of one is noted later
	}
	if t.machine == nil {
		p := &inventory.Port{Name: i.Name, Connector: connector(i.Type)}
		t.ports = append(t.ports, p)
		b.ends[End{"dcim.interface", i.ID}] = &end{owner: t, name: p.Name, cable: &p.Cable, shape: &p.Connector, iface: i}
		return
	}
	p := &port{from: i}
	p.nic.MAC = i.mac()
	if i.MgmtOnly {
		if t.bmc != nil {
			b.notes.add("second management interfaces of a machine, left out", "%s of %s", i.Name, t.name)
			return
		}
		t.bmc = p
		return
	}
	if len(i.MACs) > 1 && i.PrimaryMAC == nil {
		b.notes.add("interfaces with several MAC addresses and no primary one: the first is taken", "%s of %s", i.Name, t.name)
	}
	p.nic.Name, p.nic.Connector = i.Name, connector(i.Type)
	if i.LAG != nil {
		p.nic.Bond = overlay.Name(i.LAG.Name)
	}
	t.nics = append(t.nics, p)
	b.ends[End{"dcim.interface", i.ID}] = &end{owner: t, name: p.nic.Name, cable: &p.nic.Cable, shape: &p.nic.Connector, iface: i}
}

// connector is the form of an interface type's socket, "" when it is none of ours.
func connector(c Choice) inventory.Connector {
	s := string(c)
	switch {
	case strings.Contains(s, "qsfp"):
		return inventory.QSFP
	case strings.Contains(s, "osfp"):
		return inventory.OSFP
	case strings.Contains(s, "sfp"):
		return inventory.SFP
	case strings.HasSuffix(s, "base-t"), strings.HasSuffix(s, "base-tx"):
		return inventory.RJ45
	}
	return ""
}

// sockets are the inlets and outlets of IEC 60320 that we know.
var sockets = map[Choice]inventory.Connector{"iec-60320-c14": inventory.C14, "iec-60320-c20": inventory.C20, "iec-60320-c13": inventory.C13, "iec-60320-c19": inventory.C19}

// socket is our connector of a power port's type.
func (b *builder) socket(t *thing, name string, c Choice) inventory.Connector {
	out := sockets[c]
	if c != "" && out == "" {
		b.notes.add("power connectors that are not known, left out", "%s at %s of %s", c, name, t.name)
	}
	return out
}

func (b *builder) inlet(p *PowerPort) {
	t := b.things[p.Device.id()]
	if t == nil {
		return
	}
	if t.kind == inventory.KindPDU { // its feed is what it hangs on
		b.ends[End{"dcim.powerport", p.ID}] = &end{owner: t, name: p.Name, power: true}
		return
	}
	if !b.usable(t, p.Name) {
		return
	}
	s := &inventory.PSU{Name: p.Name, Connector: b.socket(t, p.Name, p.Type)}
	if s.Connector != inventory.C14 && s.Connector != inventory.C20 {
		s.Connector = ""
	}
	t.psus = append(t.psus, s)
	b.ends[End{"dcim.powerport", p.ID}] = &end{owner: t, name: s.Name, cable: &s.Cable, shape: &s.Connector, power: true}
}

func (b *builder) outlet(p *PowerOutlet) {
	t := b.things[p.Device.id()]
	if t == nil || !b.usable(t, p.Name) {
		return
	}
	if t.device == nil {
		b.notes.add("outlets of machines, left out", "%s of %s", p.Name, t.name)
		return
	}
	out := &inventory.Port{Name: p.Name, Connector: b.socket(t, p.Name, p.Type)}
	if out.Connector != inventory.C13 && out.Connector != inventory.C19 {
		out.Connector = ""
	}
	t.ports = append(t.ports, out)
	b.ends[End{"dcim.poweroutlet", p.ID}] = &end{owner: t, name: out.Name, shape: &out.Connector, power: true}
}

// assemble writes everything into the racks.
func (b *builder) assemble() {
	for _, t := range b.line {
		switch {
		case t.machine != nil:
			b.machine(t)
			t.rack.Machines = append(t.rack.Machines, *t.machine)
		case t.device != nil:
			for _, p := range t.ports {
				t.device.Ports = append(t.device.Ports, *p)
			}
			for _, p := range t.psus {
				t.device.PSUs = append(t.device.PSUs, *p)
			}
			t.rack.Devices = append(t.rack.Devices, *t.device)
		}
	}
	for _, r := range b.order {
		b.out.Racks = append(b.out.Racks, r.Rack)
	}
}

func (b *builder) machine(t *thing) {
	m := t.machine
	for _, p := range t.nics {
		m.NICs = append(m.NICs, p.nic)
	}
	for _, p := range t.psus {
		m.PSUs = append(m.PSUs, *p)
	}
	if t.bmc == nil && t.from.OOB == nil {
		return
	}
	if t.bmc == nil {
		t.bmc = &port{}
	}
	address := t.bmc.nic.Address
	if address == "" && t.from.OOB != nil {
		address = bare(t.from.OOB.Address)
	}
	if address == "" {
		b.notes.add("management interfaces without an IPv4 address, left out", "%s", t.name)
		return
	}
	m.BMC = &plan.BMC{Address: fmt.Sprintf("https://%s", address), MAC: t.bmc.nic.MAC, Username: b.o.Username, Password: b.o.Password}
}

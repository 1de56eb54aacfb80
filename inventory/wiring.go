package inventory

import (
	"fmt"
	"slices"
)

// fits says which connectors a type of cable joins; a is the end that plans it. The
// schema has the same table, cable_fit.
var fits = []struct {
	kind string
	a, b Connector
}{
	{"c14-c13", C14, C13}, {"c20-c19", C20, C19}, {"c20-c13", C14, C19},
	{"cat5e", RJ45, RJ45}, {"cat6", RJ45, RJ45}, {"cat6a", RJ45, RJ45},
	{"dac", SFP, SFP}, {"dac", QSFP, QSFP}, {"dac", OSFP, OSFP},
	{"aoc", SFP, SFP}, {"aoc", QSFP, QSFP}, {"aoc", OSFP, OSFP},
	{"mmf", SFP, SFP}, {"mmf", QSFP, QSFP}, {"mmf", OSFP, OSFP},
	{"smf", SFP, SFP}, {"smf", QSFP, QSFP}, {"smf", OSFP, OSFP},
	{"breakout", SFP, QSFP}, {"breakout", QSFP, SFP}, {"breakout", QSFP, OSFP}, {"breakout", OSFP, QSFP},
}

// cableTypes are the types of cable there are.
func cableTypes() (out []string) {
	for _, f := range fits {
		if !slices.Contains(out, f.kind) {
			out = append(out, f.kind)
		}
	}
	return out
}

// typesFor lists the types that join two connectors.
func typesFor(a, b Connector) (out []string) {
	for _, f := range fits {
		if f.a == a && f.b == b {
			out = append(out, f.kind)
		}
	}
	return out
}

// clone copies a cable, so that filling in its type leaves the plan as it was.
func (c *Cable) clone() *Cable {
	if c == nil {
		return nil
	}
	out := *c
	return &out
}

// socket is where a cable can be plugged in.
type socket struct {
	power     bool
	inlet     bool // of a power supply
	connector Connector
}

func (d *Device) socket(port string) (socket, bool) {
	for i := range d.Ports {
		if p := &d.Ports[i]; p.Name == port {
			return d.portSocket(p), true
		}
	}
	return psuSocket(d.PSUs, port)
}

// portSocket: a PDU's port is an outlet, unless its connector is a network's.
func (d *Device) portSocket(p *Port) socket {
	power := d.Kind == KindPDU
	switch p.Connector {
	case RJ45, SFP, QSFP, OSFP:
		power = false
	case C13, C19:
		power = true
	}
	return socket{power: power, connector: p.Connector}
}

func psuSocket(list []PSU, port string) (socket, bool) {
	for i := range list {
		if list[i].Name == port {
			return socket{power: true, inlet: true, connector: list[i].Connector}, true
		}
	}
	return socket{}, false
}

func (m *Machine) socket(port string) (socket, bool) {
	for i := range m.NICs {
		if m.NICs[i].Name == port {
			return socket{connector: m.NICs[i].Connector}, true
		}
	}
	return psuSocket(m.PSUs, port)
}

// wire is one planned cable and the socket it begins at.
type wire struct {
	from  End
	a     socket
	cable *Cable
	list  string // where it stands in the plan
	i     int
}

// wires calls f for each cable planned from the machine's end.
func (m *Machine) wires(f func(wire)) {
	for i := range m.NICs {
		if n := &m.NICs[i]; n.Cable != nil {
			f(wire{End{m.Name, n.Name}, socket{connector: n.Connector}, n.Cable, ".nics", i})
		}
	}
	psuWires(m.Name, m.PSUs, f)
}

func psuWires(owner string, list []PSU, f func(wire)) {
	for i := range list {
		if p := &list[i]; p.Cable != nil {
			f(wire{End{owner, p.Name}, socket{power: true, inlet: true, connector: p.Connector}, p.Cable, ".psus", i})
		}
	}
}

// wires calls f for each cable planned from the device's end.
func (d *Device) wires(f func(wire)) {
	for i := range d.Ports {
		if p := &d.Ports[i]; p.Cable != nil {
			f(wire{End{d.Name, p.Name}, d.portSocket(p), p.Cable, ".ports", i})
		}
	}
	psuWires(d.Name, d.PSUs, f)
}

// join checks that a wire fits the socket it leads to and fills in the cable's type where
// only one fits. It says what is wrong, or nothing.
func (w wire) join(b socket) string {
	a := w.a
	switch {
	case w.from == w.cable.To:
		return "leads back to where it begins"
	case a.power != b.power:
		return fmt.Sprintf("%s and %s are power and network", w.from, w.cable.To)
	case a.power && (!a.inlet || b.inlet):
		return "a power cable is planned at the power supply and leads to an outlet"
	case a.connector == "" || b.connector == "":
		return ""
	}
	types := typesFor(a.connector, b.connector)
	switch {
	case len(types) == 0:
		return fmt.Sprintf("no cable joins %s of %s and %s of %s", a.connector, w.from, b.connector, w.cable.To)
	case w.cable.Type == "" && len(types) == 1:
		w.cable.Type = types[0]
	case w.cable.Type != "" && !slices.Contains(types, w.cable.Type):
		return fmt.Sprintf("%s does not join %s and %s", w.cable.Type, a.connector, b.connector)
	}
	return ""
}

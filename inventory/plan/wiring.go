package plan

import (
	"fmt"
	"slices"

	"rackwright/inventory"
)

// fits says which connectors a type of cable joins; a is the end that plans it. The
// schema has the same table, cable_fit.
var fits = []struct {
	kind string
	a, b inventory.Connector
}{
	{"c14-c13", inventory.C14, inventory.C13}, {"c20-c19", inventory.C20, inventory.C19}, {"c20-c13", inventory.C14, inventory.C19},
	{"cat5e", inventory.RJ45, inventory.RJ45}, {"cat6", inventory.RJ45, inventory.RJ45}, {"cat6a", inventory.RJ45, inventory.RJ45},
	{"dac", inventory.SFP, inventory.SFP}, {"dac", inventory.QSFP, inventory.QSFP}, {"dac", inventory.OSFP, inventory.OSFP},
	{"aoc", inventory.SFP, inventory.SFP}, {"aoc", inventory.QSFP, inventory.QSFP}, {"aoc", inventory.OSFP, inventory.OSFP},
	{"mmf", inventory.SFP, inventory.SFP}, {"mmf", inventory.QSFP, inventory.QSFP}, {"mmf", inventory.OSFP, inventory.OSFP},
	{"smf", inventory.SFP, inventory.SFP}, {"smf", inventory.QSFP, inventory.QSFP}, {"smf", inventory.OSFP, inventory.OSFP},
	{"breakout", inventory.SFP, inventory.QSFP}, {"breakout", inventory.QSFP, inventory.SFP}, {"breakout", inventory.QSFP, inventory.OSFP}, {"breakout", inventory.OSFP, inventory.QSFP},
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
func typesFor(a, b inventory.Connector) (out []string) {
	for _, f := range fits {
		if f.a == a && f.b == b {
			out = append(out, f.kind)
		}
	}
	return out
}

// clone copies a cable, so that filling in its type leaves the plan as it was.
func clone(c *inventory.Cable) *inventory.Cable {
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
	connector inventory.Connector
}

func deviceSocket(d *inventory.Device, port string) (socket, bool) {
	for i := range d.Ports {
		if p := &d.Ports[i]; p.Name == port {
			return portSocket(d, p), true
		}
	}
	return psuSocket(d.PSUs, port)
}

// portSocket: a PDU's port is an outlet, unless its connector is a network's.
func portSocket(d *inventory.Device, p *inventory.Port) socket {
	power := d.Kind == inventory.KindPDU
	switch p.Connector {
	case inventory.RJ45, inventory.SFP, inventory.QSFP, inventory.OSFP:
		power = false
	case inventory.C13, inventory.C19:
		power = true
	}
	return socket{power: power, connector: p.Connector}
}

func psuSocket(list []inventory.PSU, port string) (socket, bool) {
	for i := range list {
		if list[i].Name == port {
			return socket{power: true, inlet: true, connector: list[i].Connector}, true
		}
	}
	return socket{}, false
}

func machineSocket(m *inventory.Machine, port string) (socket, bool) {
	for i := range m.NICs {
		if m.NICs[i].Name == port {
			return socket{connector: m.NICs[i].Connector}, true
		}
	}
	return psuSocket(m.PSUs, port)
}

// wire is one planned cable and the socket it begins at.
type wire struct {
	from  inventory.End
	a     socket
	cable *inventory.Cable
	list  string // where it stands in the plan
	i     int
}

// machineWires calls f for each cable planned from the machine's end.
func machineWires(m *inventory.Machine, f func(wire)) {
	for i := range m.NICs {
		if n := &m.NICs[i]; n.Cable != nil {
			f(wire{inventory.End{Owner: m.Name, Port: n.Name}, socket{connector: n.Connector}, n.Cable, ".nics", i})
		}
	}
	psuWires(m.Name, m.PSUs, f)
}

func psuWires(owner string, list []inventory.PSU, f func(wire)) {
	for i := range list {
		if p := &list[i]; p.Cable != nil {
			f(wire{inventory.End{Owner: owner, Port: p.Name}, socket{power: true, inlet: true, connector: p.Connector}, p.Cable, ".psus", i})
		}
	}
}

// deviceWires calls f for each cable planned from the device's end.
func deviceWires(d *inventory.Device, f func(wire)) {
	for i := range d.Ports {
		if p := &d.Ports[i]; p.Cable != nil {
			f(wire{inventory.End{Owner: d.Name, Port: p.Name}, portSocket(d, p), p.Cable, ".ports", i})
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

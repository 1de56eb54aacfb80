package racking

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// Run is one planned cable of a machine or device.
type Run struct {
	Port  string           `json:"port"`
	Cable *inventory.Cable `json:"cable"`
}

// String says where the cable goes and which it is.
func (r Run) String() string {
	text := r.Port + " → " + r.Cable.To.String()
	if r.Cable.Type != "" {
		text += ", " + r.Cable.Type
	}
	if r.Cable.LengthM > 0 {
		text += fmt.Sprintf(" %g m", r.Cable.LengthM)
	}
	if r.Cable.Label != "" {
		text += ", label " + r.Cable.Label
	}
	return text
}

// runs lists the cables that the plan has for a machine, also those that it names from the
// other end.
func (v *View) runs(m *inventory.Machine) (nics, psus []Run) {
	for _, n := range m.NICs {
		if n.Cable != nil {
			nics = append(nics, Run{n.Name, n.Cable})
		}
	}
	for i := range v.Inventory.Devices {
		d := &v.Inventory.Devices[i]
		for _, p := range d.Ports {
			if c := p.Cable; c != nil && c.To.Owner == m.Name {
				back := *c
				back.To = inventory.End{Owner: d.Name, Port: p.Name}
				nics = append(nics, Run{c.To.Port, &back})
			}
		}
	}
	return nics, psuRuns(m.PSUs)
}

func psuRuns(list []inventory.PSU) (out []Run) {
	for _, p := range list {
		if p.Cable != nil {
			out = append(out, Run{p.Name, p.Cable})
		}
	}
	return out
}

// cabled: every planned cable was heard (LLDP) or feeds its power supply. Of a machine
// whose plan names no cable it is enough that it was seen.
func (v *View) cabled(m *inventory.Machine) (p proof) {
	nics, psus := v.runs(m)
	if len(nics)+len(psus) == 0 {
		if p.done = v.known(m); p.done {
			p.add(Evidence{Says: "the plan names no cable, and it was seen on the wire"})
		}
		return p
	}
	good := 0
	for _, r := range append(nics, psus...) {
		e, ok := v.heard(m, r)
		if ok {
			good++
		}
		if e.Says != "" {
			p.add(e)
		}
	}
	p.begun = good > 0
	p.done = good == len(nics)+len(psus)
	return p
}

// Who sees what of a cable: facts are one view of all sources, and their source is only
// the newest.
const (
	listener = "agent"   // alone hears switches
	teller   = "redfish" // alone tells power supplies
)

// heard is what was observed of one cable and whether it is as planned, or was waived;
// empty for nothing.
func (v *View) heard(m *inventory.Machine, r Run) (e Evidence, ok bool) {
	for _, c := range m.Conditions {
		if c.Type == verify.CablingWrong && c.Subject == r.Port && c.Waived.By != "" {
			return Evidence{Says: r.Port + " waived: " + c.Waived.Reason, By: c.Waived.By, At: c.Waived.At}, true
		}
	}
	if m.Facts == nil {
		return e, false
	}
	e = Evidence{By: teller, At: m.Facts.Observed}
	for _, psu := range m.Facts.PSUs {
		if verify.Location(psu.Name) == verify.Location(r.Port) && psu.Input != "" && isSupply(m, r.Port) {
			e.Says, e.Against = r.Port+" fed", psu.Input == "lost"
			if e.Against {
				e.Says = r.Port + " without input"
			}
			return e, !e.Against
		}
	}
	e.By = listener
	for _, l := range m.Facts.LLDP {
		if !isPort(m, r.Port, l.NIC) {
			continue
		}
		if v.isEnd(l, r.Cable.To) {
			e.Says = fmt.Sprintf("%s heard on %s (LLDP)", r.Cable.To, r.Port)
			return e, true
		}
		e.Says, e.Against = fmt.Sprintf("%s:%s heard on %s (LLDP), the plan has %s", l.System, l.Port, r.Port, r.Cable.To), true
		return e, false
	}
	return Evidence{}, false
}

func isSupply(m *inventory.Machine, name string) bool {
	return slices.ContainsFunc(m.PSUs, func(p inventory.PSU) bool { return p.Name == name })
}

// isPort reports whether the kernel's port is the plan's: by MAC, or by name where the
// plan knows no MAC.
func isPort(m *inventory.Machine, planned, seen string) bool {
	for _, n := range m.NICs {
		if n.Name != planned {
			continue
		}
		for _, s := range m.Facts.NICs {
			if s.Name == seen && !n.MAC.IsZero() {
				return s.MAC == n.MAC
			}
		}
		return n.MAC.IsZero() && n.Name == seen
	}
	return false
}

// isEnd reports whether a neighbour is the switch and port that a cable is to end at.
func (v *View) isEnd(l inventory.Neighbor, to inventory.End) bool {
	system := to.Owner
	if d := v.Inventory.Device(to.Owner); d != nil {
		system = d.System()
	}
	short, _, _ := strings.Cut(l.System, ".")
	return (strings.EqualFold(l.System, system) || strings.EqualFold(short, system)) && verify.PortKey(l.Port) == verify.PortKey(to.Port)
}

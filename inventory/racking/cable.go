package racking

import (
	"fmt"
	"strings"
	"unicode"

	"rackwright/inventory"
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

// machineRuns lists the cables that a machine's plan names.
func machineRuns(m *inventory.Machine) (nics, psus []Run) {
	for _, n := range m.NICs {
		if n.Cable != nil {
			nics = append(nics, Run{n.Name, n.Cable})
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
	nics, psus := machineRuns(m)
	if len(nics)+len(psus) == 0 {
		if p.done = known(m.Phase); p.done {
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

// heard is what was observed of one cable and whether it is as planned; empty for
// nothing.
func (v *View) heard(m *inventory.Machine, r Run) (e Evidence, ok bool) {
	if m.Facts == nil {
		return e, false
	}
	e = Evidence{By: m.Facts.Source, At: m.Facts.Observed}
	for _, psu := range m.Facts.PSUs {
		if samePort(psu.Name, r.Port) && psu.Input != "" {
			e.Says, e.Against = r.Port+" fed", psu.Input == "lost"
			if e.Against {
				e.Says = r.Port + " without input"
			}
			return e, !e.Against
		}
	}
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
	return (strings.EqualFold(l.System, system) || strings.EqualFold(short, system)) && samePort(l.Port, to.Port)
}

// samePort compares names of ports as people and firmware spell them: PSU 1 is psu1.
func samePort(a, b string) bool {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || r == '-' || r == '_' {
				return -1
			}
			return unicode.ToLower(r)
		}, s)
	}
	return plain(a) == plain(b)
}

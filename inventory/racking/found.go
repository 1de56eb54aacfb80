package racking

import (
	"cmp"
	"fmt"
	"slices"

	"rackwright/inventory"
)

func (v *View) expected(p *Place) Expected {
	switch {
	case p.machine != nil:
		return v.expectedMachine(p.machine)
	case p.device != nil:
		d := p.device
		return Expected{Kind: "device", Name: d.Name, Model: d.Model, Serial: d.Serial, AssetTag: d.AssetTag, Cables: runPlaces(deviceRuns(d))}
	case p.reservation != nil:
		return Expected{Kind: "reservation", Project: p.reservation.Project, Reason: p.reservation.Reason}
	}
	return Expected{Kind: "nothing"}
}

func (v *View) expectedMachine(m *inventory.Machine) Expected {
	nics, psus := v.runs(m)
	e := Expected{Kind: "machine", Name: m.Name, Model: m.Model, Vendor: m.Vendor, Serial: m.Serial, AssetTag: m.AssetTag, UUID: m.UUID,
		Project: m.Project, Cables: runPlaces(slices.Concat(nics, psus))}
	if m.BMC != nil && !m.BMC.MAC.IsZero() {
		e.BMC = m.BMC.MAC.String()
	}
	for _, n := range m.NICs {
		if !n.MAC.IsZero() {
			e.MACs = append(e.MACs, PortMAC{n.Name, n.MAC})
		}
	}
	return e
}

func runPlaces(runs []Run) (out []RunPlace) {
	for _, r := range runs {
		out = append(out, RunPlace{Port: r.Port, To: r.Cable.To, Type: r.Cable.Type, LengthM: r.Cable.LengthM, Label: r.Cable.Label})
	}
	return out
}

func (v *View) observed(m *inventory.Machine) Observed {
	o := Observed{Power: m.Power}
	for _, s := range v.Seen {
		if s.Machine == m.ID {
			o.Identifiers = append(o.Identifiers, s)
		}
	}
	f := m.Facts
	if f == nil {
		return o
	}
	o.PSUs = f.PSUs
	o.Facts = &Summary{Source: f.Source, Observed: f.Observed, System: f.System, CPUs: len(f.CPUs), DIMMs: len(f.DIMMs),
		MemoryMiB: f.MemoryMiB, Disks: len(f.Disks), NICs: len(f.NICs)}
	for _, n := range f.NICs {
		port := SeenPort{Name: n.Name, MAC: n.MAC, Link: n.Link, Mbps: n.Mbps}
		for _, l := range f.LLDP {
			if l.NIC == n.Name {
				port.Hears = cmp.Or(l.System, l.Chassis) + ":" + l.Port
			}
		}
		o.Ports = append(o.Ports, port)
	}
	return o
}

// adopted is the machine that was taken for the slot's, nil while it is only planned.
func (v *View) adopted(m *inventory.Machine) *Adopted {
	if m.Phase == inventory.Planned {
		return nil
	}
	a := &Adopted{Machine: m.ID, Name: m.Name, Phase: m.Phase}
	for _, s := range v.Seen {
		if s.Machine == m.ID && owns(m, s.Value) {
			a.Agree = append(a.Agree, fmt.Sprintf("%s %s (%s)", s.Kind, s.Value, s.Source))
		}
	}
	if k := v.mark(m.ID, Mount); k != nil && k.State == Done {
		a.By, a.At = k.By, k.At
	}
	return a
}

package sheet

import (
	"fmt"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// Lines tells where each part of a plan stands in the sheet, by its path as faults name
// it. The plan is the sheet's own, or that laid over what was there.
func (s *Sheet) Lines(p plan.Plan) map[string]string {
	out := map[string]string{}
	for i, r := range p.Racks {
		for j, m := range r.Machines {
			if e := s.entries[m.Name]; e != nil {
				e.lines(out, fmt.Sprintf("racks[%d].machines[%d]", i, j), m.NICs, m.PSUs)
				out["machine "+m.Name] = at(e.line, "")
			}
		}
		for j, d := range r.Devices {
			if e := s.entries[d.Name]; e != nil {
				e.lines(out, fmt.Sprintf("racks[%d].devices[%d]", i, j), nil, d.PSUs)
				out["device "+d.Name] = at(e.line, "")
			}
		}
	}
	return out
}

// lines adds one row's cells. Ports and power supplies have their index in the plan there.
func (e *entry) lines(out map[string]string, path string, nics []plan.NIC, psus []inventory.PSU) {
	out[path] = at(e.line, "")
	index := map[string]string{} // as the cells have it -> as the plan has it
	for n := range e.nics {
		for i, p := range nics {
			if p.Name == nicName(e.nics[n], n) {
				index[nicPath(n)] = fmt.Sprintf("nics[%d]", i)
			}
		}
	}
	for n := range e.psus {
		for i, p := range psus {
			if p.Name == fmt.Sprintf("psu%d", n) {
				index[fmt.Sprintf("psus[%d]", n)] = fmt.Sprintf("psus[%d]", i)
			}
		}
	}
	for cell, title := range e.cells {
		if end := strings.IndexByte(cell, ']'); end > 0 {
			if index[cell[:end+1]] == "" {
				continue
			}
			out[path+"."+index[cell[:end+1]]] = at(e.line, "")
			cell = index[cell[:end+1]] + cell[end+1:]
		}
		out[path+"."+cell] = at(e.line, title)
	}
}

func nicPath(n int) string { return fmt.Sprintf("nics[%d]", n) }

func nicName(n *nic, number int) string {
	if n.Name != "" {
		return n.Name
	}
	return fmt.Sprintf("nic%d", number)
}

package sheet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/overlay"
	"rackwright/inventory/plan"
)

// builder makes the plan of rows.
type builder struct {
	sheet   *Sheet
	o       Options
	entries []*entry
	names   overlay.Names
}

// add reads one row. A row with a bad cell is not a part of the plan.
func (b *builder) add(line int, columns []*column, cells []string) {
	e, bad := &entry{line: line, cells: map[string]string{}}, len(b.sheet.Bad)+b.sheet.cut
	for i, cell := range cells {
		switch {
		case cell == "":
		case i >= len(columns):
			b.sheet.fail(line, "", "has more cells than the first line has columns: %.40q", cell)
		case columns[i] == nil:
		case len(cell) > maxCell:
			b.sheet.fail(line, columns[i].title, "is longer than %d bytes", maxCell)
		default:
			b.cell(e, columns[i], cell)
		}
	}
	for _, need := range []struct{ name, value string }{{"rack", e.rack}, {"name", e.m.Name}} {
		if need.value == "" {
			b.sheet.fail(line, titleOf(columns, need.name), "is empty")
		}
	}
	if e.rack != "" {
		var wrong string
		if e.rack, wrong = b.names.Of("rack", e.rack); wrong != "" {
			b.sheet.fail(line, e.cells["rack"], "%s", wrong)
		}
	}
	if !e.device() && e.m.U == 0 && e.m.Chassis == "" && e.cells["u"] == "" {
		b.sheet.fail(line, titleOf(columns, "u"), "is empty: which unit is it in?")
	}
	b.cables(e)
	if len(b.sheet.Bad)+b.sheet.cut == bad {
		b.entries = append(b.entries, e)
	}
}

func (b *builder) cell(e *entry, c *column, cell string) {
	e.cells[c.path()] = c.title
	if wrong := c.field.set(e, c, cell); wrong != "" {
		b.sheet.fail(e.line, c.title, "%s", wrong)
	}
}

// path is where the cell goes in the plan; nics and psus have their number, not their
// index.
func (c *column) path() string {
	switch {
	case c.field.path == "":
		return c.field.name
	case c.field.path == "labels":
		return "labels." + c.key
	}
	for _, list := range []string{"nics", "psus"} {
		if rest, is := strings.CutPrefix(c.field.path, list); is {
			return fmt.Sprintf("%s[%d]%s", list, c.n, rest)
		}
	}
	return c.field.path
}

// titleOf is the title of the column that fills a field.
func titleOf(columns []*column, name string) string {
	for _, c := range columns {
		if c != nil && c.field.name == name {
			return c.title
		}
	}
	return name
}

// cables puts the two halves of each cable's other end together.
func (b *builder) cables(e *entry) {
	for n, nic := range e.nics {
		nic.NIC.Cable = b.cable(e, &nic.plug, fmt.Sprintf("nics[%d].cable", n))
	}
	for n, p := range e.psus {
		if c := b.cable(e, p, fmt.Sprintf("psus[%d].cable", n)); c != nil {
			e.m.PSUs = append(e.m.PSUs, inventory.PSU{Name: "psu" + strconv.Itoa(n), Cable: c})
		}
	}
	slices.SortFunc(e.m.PSUs, func(x, y inventory.PSU) int {
		return cmp.Or(cmp.Compare(len(x.Name), len(y.Name)), cmp.Compare(x.Name, y.Name))
	})
}

// cable is the cable of a plug, nil for none. Either column may say both: leaf-1:14.
func (b *builder) cable(e *entry, p *plug, path string) *inventory.Cable {
	owner, port := p.to, p.port
	for _, whole := range []string{p.to, p.port} {
		if o, rest, both := strings.Cut(whole, ":"); both && (p.to == "" || p.port == "") {
			owner, port = o, rest
		}
	}
	if owner == "" && port == "" {
		if p.cable != (inventory.Cable{}) {
			b.sheet.fail(e.line, e.cells[path+".label"]+e.cells[path+".type"]+e.cells[path+".length_m"], "says how a cable is, but not where it goes")
		}
		return nil
	}
	if owner == "" || port == "" {
		b.sheet.fail(e.line, e.cells[path], "a cable goes to a device and a port of it: fill both columns, or write DEVICE:PORT")
		return nil
	}
	p.cable.To = inventory.End{Owner: strings.ToLower(owner), Port: strings.TrimSpace(port)}
	return &p.cable
}

// finish makes the plan of the rows that are right.
func (b *builder) finish() {
	b.networks()
	racks := map[string]int{}
	for _, e := range b.entries {
		i, known := racks[e.rack]
		if !known {
			i = len(b.sheet.Plan.Racks)
			racks[e.rack] = i
			b.sheet.Plan.Racks = append(b.sheet.Plan.Racks, plan.Rack{Name: e.rack})
		}
		r := &b.sheet.Plan.Racks[i]
		b.about(e, r)
		if first := b.sheet.entries[e.m.Name]; first != nil {
			b.sheet.fail(e.line, e.cells["name"], "%s stands in line %d too", e.m.Name, first.line)
			continue
		}
		b.sheet.entries[e.m.Name] = e
		if e.device() {
			b.device(e, r)
		} else {
			r.Machines = append(r.Machines, b.machine(e))
		}
	}
	slices.SortStableFunc(b.sheet.Bad, func(x, y fault.Field) int {
		return cmp.Or(cmp.Compare(lineOf(x.Path), lineOf(y.Path)), cmp.Compare(x.Path, y.Path))
	})
}

func lineOf(path string) (n int) {
	_, _ = fmt.Sscanf(path, "line %d", &n)
	return n
}

// about takes what a row says of its rack; all rows of a rack say the same.
func (b *builder) about(e *entry, r *plan.Rack) {
	for _, f := range []struct {
		name string
		have *string
		said string
	}{{"room", &r.Room, e.room}, {"row", &r.Row, e.row}} {
		if f.said != "" && *f.have != "" && *f.have != f.said {
			b.sheet.fail(e.line, e.cells[f.name], "rack %s is in %s %q by a line above, and in %q here", r.Name, f.name, *f.have, f.said)
		}
		*f.have = cmp.Or(*f.have, f.said)
	}
	if e.units != 0 && r.Units != 0 && e.units != r.Units {
		b.sheet.fail(e.line, e.cells["rack_units"], "rack %s has %d units by a line above, and %d here", r.Name, r.Units, e.units)
	}
	r.Units = cmp.Or(r.Units, e.units)
}

func (b *builder) machine(e *entry) plan.Machine {
	m := e.m
	m.Model = b.model(m.Model)
	b.project(m.Project)
	for _, n := range slices.Sorted(maps.Keys(e.nics)) {
		p := e.nics[n].NIC
		p.Name = cmp.Or(p.Name, "nic"+strconv.Itoa(n))
		m.NICs = append(m.NICs, p)
	}
	if e.bmc != (plan.BMC{}) {
		bmc := e.bmc
		if bmc.Address != "" {
			bmc.Username, bmc.Password = cmp.Or(bmc.Username, b.o.Username), b.o.Password
		}
		m.BMC = &bmc
	}
	if e.disk != (plan.Disk{}) {
		disk := e.disk
		m.RootDisk = &disk
	}
	return m
}

// project makes a project that is not there.
func (b *builder) project(name string) {
	named := func(p plan.Project) bool { return p.Name == name }
	if name != "" && !slices.ContainsFunc(b.o.Have.Projects, named) && !slices.ContainsFunc(b.sheet.Plan.Projects, named) {
		b.sheet.Plan.Projects = append(b.sheet.Plan.Projects, plan.Project{Name: name})
	}
}

// model is the declared model that the cell means, else the cell's text.
func (b *builder) model(cell string) string {
	name := overlay.Name(cell)
	for _, m := range b.o.Have.Models {
		if m.Name == name {
			return m.Name
		}
	}
	return cell
}

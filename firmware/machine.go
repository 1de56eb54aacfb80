package firmware

import (
	"slices"
	"strings"

	"rackwright/inventory"
)

// Machine is what decides which firmware a machine may have and is to have.
type Machine struct {
	ID       string
	Name     string
	Rack     string              // "" for one in no slot
	Model    string              // as planned
	Vendors  []string            // planned and observed
	Models   []string            // names of the model and product, planned and observed
	Baseline []inventory.Version // of its model
	Have     []inventory.Version // of the baseline's components and of all that was seen; "" when not seen
	BMC      bool
	Busy     string // id of the firmware operation that runs on it
}

// Of gathers what the plan, the machine's declared model (nil: none) and its observers say.
// What the newest source that names a component says is its version.
func Of(m *inventory.Machine, model *inventory.Model, seen []inventory.Facts) Machine {
	out := Machine{ID: m.ID, Name: m.Name, Model: m.Model, Vendors: []string{m.Vendor}, Models: []string{m.Model}, BMC: m.BMC != nil}
	if m.Slot != nil {
		out.Rack = m.Slot.Rack
	}
	if model != nil {
		out.Vendors, out.Models = append(out.Vendors, model.Vendor), append(out.Models, model.Product)
		out.Baseline = model.Firmware
	}
	seen = slices.Clone(seen)
	slices.SortStableFunc(seen, func(a, b inventory.Facts) int { return b.Observed.Compare(a.Observed) })
	for i := range seen {
		out.Vendors, out.Models = append(out.Vendors, seen[i].System.Vendor), append(out.Models, seen[i].System.Product)
		out.see(seen[i].Versions)
	}
	for i := range seen { // a baseline may name a component by another of its names
		for _, want := range append([]inventory.Version{{Component: "bios"}}, out.Baseline...) {
			if v := VersionIn(&seen[i], want.Component); v != "" {
				out.see([]inventory.Version{{Component: want.Component, Version: v}})
			}
		}
	}
	return out
}

// see keeps versions of components that no newer source named.
func (m *Machine) see(versions []inventory.Version) {
	for _, v := range versions {
		if v.Version != "" && m.Version(v.Component) == "" {
			m.Have = append(m.Have, v)
		}
	}
}

// Version is what a component of the machine runs, "" when nobody saw it.
func (m *Machine) Version(component string) string {
	return VersionIn(&inventory.Facts{Versions: m.Have}, component)
}

// Match reports whether a file is for a machine: its vendor and one of its models, as the
// plan has them or as the machine says them itself.
func Match(f *File, m *Machine) bool {
	return matches(f.Vendor == "", m.Vendors, func(v string) bool { return sameVendor(f.Vendor, v) }) &&
		matches(len(f.Models) == 0, m.Models, func(name string) bool {
			return slices.ContainsFunc(f.Models, func(want string) bool { return sameModel(want, name) })
		})
}

func matches(any bool, names []string, is func(string) bool) bool {
	return any || slices.ContainsFunc(names, func(n string) bool { return strings.TrimSpace(n) != "" && is(n) })
}

// sameVendor takes Dell for Dell Inc., and not the other way round.
func sameVendor(want, said string) bool {
	w, s := words(want), words(said)
	return len(w) > 0 && len(w) <= len(s) && slices.Equal(w, s[:len(w)])
}

func sameModel(want, said string) bool {
	if head, open := strings.CutSuffix(want, "*"); open {
		return strings.HasPrefix(strings.Join(words(said), " "), strings.Join(words(head), " "))
	}
	return slices.Equal(words(want), words(said))
}

// words are a name in lower case without marks: vendors change these between BIOS and BMC.
func words(s string) []string {
	return strings.FieldsFunc(trademarks.Replace(strings.ToLower(s[:min(len(s), longest)])), func(r rune) bool { return r == ' ' || r == '\t' || r == '.' })
}

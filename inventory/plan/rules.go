package plan

import (
	"cmp"
	"slices"

	"rackwright/inventory"
)

// Rule is something a datacenter wants that can be waived by name. What cannot be waived
// is no rule but a fault, and stops the plan.
type Rule struct {
	Name string
	Why  string
}

// Rules lists the rules that a plan is warned of.
func Rules() []Rule {
	return []Rule{
		{"psus-on-one-feed", "all its power supplies hang on one feed: it goes dark with that feed"},
		{"single-psu-cabled", "it has several power supplies and only one is plugged in"},
		{"bond-on-one-leaf", "all ports of a bond lead to one switch: the bond is gone with it"},
		{"bond-of-one", "a bond of one port is none"},
		{"too-deep", "it is deeper than its rack, or than what stands behind it leaves"},
		{"airflow-against-neighbours", "it blows hot air to where most of its rack takes cold air in"},
		{"address-in-pool", "its address is in a pool that strangers are lent addresses from"},
		{"circuit-ambiguous", "another switch calls ports by the same circuit ids, and no remote id tells the two apart: what relays say of them is evidence of nothing"},
		{"one-identifier", "one identifier alone tells it from others, and two that agree make a machine: it stays racked until a person says which it is"},
	}
}

// rule names
const (
	psusOnOneFeed    = "psus-on-one-feed"
	singlePSUCabled  = "single-psu-cabled"
	bondOnOneLeaf    = "bond-on-one-leaf"
	bondOfOne        = "bond-of-one"
	tooDeep          = "too-deep"
	airflowAgainst   = "airflow-against-neighbours"
	addressInPool    = "address-in-pool"
	circuitAmbiguous = "circuit-ambiguous"
	oneIdentifier    = "one-identifier"
)

// Waivable reports whether a waiver may name the rule or condition type.
func Waivable(name string) bool {
	return slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Name == name }) || slices.Contains(waivableConditions(), name)
}

// waivableConditions are the types of conditions that verification raises, see
// inventory/verify, and the checks of the gate to ready, that a plan may let pass.
func waivableConditions() []string {
	return []string{"wrong-model", "boot-mode-wrong", "cpu-missing", "cpu-wrong", "dimm-missing", "dimm-unexpected", "dimm-misplaced", "dimm-wrong",
		"disk-missing", "disk-wrong", "nic-missing", "psu-missing", "psu-wrong", "psu-input-lost", "firmware-wrong", "bios-attribute-wrong", "cabling",
		"differs-from-siblings", inventory.WorseThanSiblings, inventory.BMCExposed, inventory.CheckErased, inventory.CheckFirmware, inventory.CheckBMC}
}

// thing is what stands in a rack, a machine or a device.
type thing struct {
	name    string
	slot    *inventory.Slot
	model   *inventory.Model // nil when it is not declared
	psus    []inventory.PSU
	machine *inventory.Machine // nil for a device
	device  *inventory.Device  // nil for a machine
}

// warner collects the warnings of a state of the inventory.
type warner struct {
	have *state
	out  []Warning
}

// warn notes a broken rule, with the reason of the waiver if there is one. part is which
// part of the thing breaks it, "" for the whole.
func (w *warner) warn(rack *inventory.Rack, t *thing, rule, part, message string) {
	warning := Warning{Rule: rule, On: t.name, Message: message}
	if t.machine != nil {
		warning.Waived = waiverFor(t.machine.Waivers, rule, part)
	}
	warning.Waived = cmp.Or(warning.Waived, waiverFor(rack.Waivers, rule, t.name))
	w.out = append(w.out, warning)
}

// waiverFor is the reason of the waiver that lets a rule pass, "" if there is none.
func waiverFor(list []inventory.Waiver, rule, on string) string {
	for _, w := range list {
		if w.Covers(rule, on) {
			return w.Reason
		}
	}
	return ""
}

// warnings looks at everything in a rack.
func (s *state) warnings(rack *inventory.Rack, things []thing) []Warning {
	w := warner{have: s}
	for i := range things {
		w.power(rack, &things[i])
		w.bonds(rack, &things[i])
		w.depth(rack, &things[i], things)
		w.addresses(rack, &things[i])
		w.circuits(rack, &things[i])
		w.identity(rack, &things[i])
	}
	w.airflow(rack, things)
	slices.SortStableFunc(w.out, func(a, b Warning) int { return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.Rule, b.Rule)) })
	return w.out
}

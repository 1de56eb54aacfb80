package inventory

import "slices"

// RuleCabling is the rule, and the type of condition, about cables between machines and
// switches.
const RuleCabling = "cabling"

// Unheard lists the ports that are to be cabled and on which nobody heard a switch (LLDP),
// but for those that are waived.
func (m *Machine) Unheard() []string {
	var out []string
	for i := range m.NICs {
		if n := &m.NICs[i]; n.Cable != nil && !m.heard(n) && !m.waives(RuleCabling, n.Name) {
			out = append(out, n.Name)
		}
	}
	return out
}

// heard reports whether a neighbour was heard on a port. Facts name ports as the kernel
// does, and tell them by MAC.
func (m *Machine) heard(n *NIC) bool {
	if m.Facts == nil || n.MAC.IsZero() {
		return false
	}
	for _, seen := range m.Facts.NICs {
		if seen.MAC == n.MAC && slices.ContainsFunc(m.Facts.LLDP, func(l Neighbor) bool { return l.NIC == seen.Name }) {
			return true
		}
	}
	return false
}

// waives reports whether the plan or a person let a rule pass for a part of the machine.
func (m *Machine) waives(rule, on string) bool {
	return slices.ContainsFunc(m.Waivers, func(w Waiver) bool { return w.Covers(rule, on) }) ||
		slices.ContainsFunc(m.Conditions, func(c Condition) bool { return c.Type == rule && c.Subject == on && !c.Waived.At.IsZero() })
}

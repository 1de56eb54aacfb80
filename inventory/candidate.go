package inventory

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ambiguous is the subject of a condition that more than one machine may be meant.
const ambiguous = "candidates"

// Candidate is a planned machine that some evidence may be about.
type Candidate struct {
	Machine  *Machine
	Agree    []string // what of the evidence agrees
	Disagree []string // what does not: both values
}

// fits reports whether the evidence is enough to be this machine, and nothing speaks
// against it.
func (c Candidate) fits() bool { return len(c.Agree) >= 2 && len(c.Disagree) == 0 }

// Candidates lists the planned machines with which some identifier of the evidence
// agrees. the is the one the evidence is about: the only one, with two identifiers that
// agree and none that does not. Nothing is bound by guess: with two candidates, or one
// that something speaks against, there is none.
func Candidates(e Evidence, machines []Machine) (the *Machine, list []Candidate) {
	for i := range machines {
		m := &machines[i]
		if m.Slot == nil || m.Phase == Retired {
			continue
		}
		agree, disagree := e.Match(m)
		if len(agree) > 0 {
			list = append(list, Candidate{m, agree, disagree})
		}
	}
	if len(list) == 1 && list[0].fits() {
		the = list[0].Machine
	}
	return the, list
}

// Doubt is the condition of a machine that is one of several candidates, or of one that
// something speaks against; nil when there is no doubt. who is whom the evidence was
// seen of.
func Doubt(list []Candidate, who, source string, now time.Time) *Condition {
	if len(list) == 0 || len(list) == 1 && len(list[0].Disagree) == 0 {
		return nil
	}
	var words []string
	for _, c := range list {
		words = append(words, fmt.Sprintf("%s by %s", c.Machine.Name, strings.Join(append(slices.Clone(c.Agree), c.Disagree...), "; ")))
	}
	return &Condition{Type: IdentityMismatch, Subject: ambiguous, Reason: "candidates-disagree", Since: now,
		Evidence: fmt.Sprintf("%s, seen by %s, may be %s", who, source, strings.Join(words, "; or ")),
		Hint:     "see which machine is really in the slot, then correct the plan or the cable"}
}

// SetDoubt puts the condition of Doubt on a machine, or takes it off when c is nil.
func SetDoubt(m *Machine, c *Condition) {
	var kept []Condition
	for _, old := range m.Conditions {
		if old.Type != IdentityMismatch || old.Subject != ambiguous {
			kept = append(kept, old)
		} else if c != nil {
			fresh := *c
			fresh.Since = old.Since
			c = &fresh
		}
	}
	if c != nil {
		kept = append(kept, *c)
	}
	m.Conditions = kept
}

// Learn gives a planned machine what was seen of the hardware that it turned out to be:
// the MACs of its ports, serial, UUID and vendor, each only where the plan does not say
// it. A port is told by the switch port it is cabled to, else by the order of the ports:
// PCI order, then name.
func Learn(m *Machine, f *Facts, e Evidence) (said []string) {
	note := func(what, value string) { said = append(said, what+" "+value) }
	if f != nil {
		if m.Serial == "" && !JunkSerial(f.System.Serial) {
			m.Serial = strings.TrimSpace(f.System.Serial)
			note(IDSerial, m.Serial)
		}
		if m.UUID == "" && !JunkUUID(f.System.UUID) {
			m.UUID = strings.ToLower(strings.TrimSpace(f.System.UUID))
			note(IDUUID, m.UUID)
		}
		if m.Vendor == "" {
			m.Vendor = f.System.Vendor
		}
	}
	for name, mac := range portsOf(m, f, e) {
		for i := range m.NICs {
			if n := &m.NICs[i]; n.Name == name && n.MAC.IsZero() {
				n.MAC = mac
				note(n.Name, mac.String())
			}
		}
	}
	slices.Sort(said)
	return said
}

// portsOf is the MAC of each port of the plan that has none.
func portsOf(m *Machine, f *Facts, e Evidence) map[string]MAC {
	out, used := map[string]MAC{}, map[MAC]bool{}
	for _, n := range m.NICs {
		used[n.MAC] = true
	}
	heard := e.heard(f)
	for _, n := range m.NICs {
		if !n.MAC.IsZero() || n.Cable == nil {
			continue
		}
		if mac := heard[n.Cable.To]; !mac.IsZero() && !used[mac] {
			out[n.Name], used[mac] = mac, true
		}
	}
	if f == nil {
		return out
	}
	free := free(f, used, heard)
	var open []string
	for _, n := range m.NICs {
		if n.MAC.IsZero() && out[n.Name].IsZero() {
			open = append(open, n.Name)
		}
	}
	if len(open) > len(free) { // whichever is missing, order does not tell
		return out
	}
	for i, name := range open {
		out[name] = free[i]
	}
	return out
}

// free are the ports nobody has, in the order they are built in.
func free(f *Facts, used map[MAC]bool, heard map[End]MAC) (out []MAC) {
	elsewhere := map[MAC]bool{}
	for _, mac := range heard {
		elsewhere[mac] = true
	}
	ports := slices.Clone(f.NICs[:min(len(f.NICs), maxSeen)])
	slices.SortStableFunc(ports, func(a, b SeenNIC) int {
		if a.PCI != b.PCI && a.PCI != "" && b.PCI != "" {
			return strings.Compare(a.PCI, b.PCI)
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, n := range ports {
		if !n.MAC.IsZero() && !used[n.MAC] && !elsewhere[n.MAC] && !slices.Contains(out, n.MAC) {
			out = append(out, n.MAC)
		}
	}
	return out
}

// heard is the MAC of the port at the other end of each planned switch port.
func (e Evidence) heard(f *Facts) map[End]MAC {
	out := map[End]MAC{}
	for _, p := range e.Ports {
		if p.Kind == IDCircuit && len(e.MACs) == 1 {
			out[p.At] = e.MACs[0]
		}
		for i := 0; f != nil && i < len(f.NICs); i++ {
			if p.NIC != "" && f.NICs[i].Name == p.NIC {
				out[p.At] = f.NICs[i].MAC
			}
		}
	}
	return out
}

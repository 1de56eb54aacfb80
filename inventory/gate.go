package inventory

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Gate is what a machine needs to enter a phase.
type Gate struct {
	To     Phase   `json:"to" enum:"racked,discovered,verified,ready,active"`
	Open   bool    `json:"open" doc:"Every check is met"`
	Passed bool    `json:"passed" doc:"The machine is in this phase, or beyond it"`
	Checks []Check `json:"checks" nullable:"false"`
}

// Check is one condition of a gate and how it stands.
type Check struct {
	Name     string `json:"name" doc:"Stable, e.g. erased"`
	Met      bool   `json:"met"`
	Evidence string `json:"evidence,omitempty" doc:"What says so"`
	Hint     string `json:"hint,omitempty" doc:"What to do when it is not met"`
}

// The checks that a plan's waiver lets pass by name.
const (
	CheckErased   = "erased"
	CheckFirmware = "firmware"
	CheckBMC      = "bmc"
)

// life is the order of phases without maintenance.
var life = []Phase{Planned, Racked, Discovered, Verified, Ready, Active}

func rank(p Phase) int {
	for i, l := range life {
		if l == p {
			return i
		}
	}
	return -1
}

// Gates lists the gates of a machine's life with what opens each.
func Gates(m *Machine, seen []Identifier) []Gate {
	out := []Gate{
		{To: Racked, Checks: []Check{identified(m, seen, 1)}},
		{To: Discovered, Checks: []Check{identified(m, seen, 2), agreeing(m)}},
		{To: Verified, Checks: []Check{observed(m), cabled(m), agreeing(m), differences(m)}},
		{To: Ready, Checks: []Check{agreeing(m), erased(m), firmware(m), claimed(m)}},
		{To: Active, Checks: []Check{phoned(m)}},
	}
	at := m.Phase
	if at == Maintenance {
		at = Evidenced(m, seen)
	}
	for i := range out {
		out[i].Open = true
		for _, c := range out[i].Checks {
			out[i].Open = out[i].Open && c.Met
		}
		out[i].Passed = rank(at) >= rank(out[i].To)
	}
	return out
}

// identified says how many identifiers of the plan were seen. A technician's word, which a
// phase remembers, is as good as one.
func identified(m *Machine, seen []Identifier, wanted int) Check {
	n := agreed(m, seen)
	if at := rank(m.Phase); at >= rank(Discovered) {
		n = max(n, 2)
	} else if at >= rank(Racked) {
		n = max(n, 1)
	}
	c := Check{Name: "identified", Met: n >= wanted, Evidence: fmt.Sprintf("%d of %d identifiers agree", min(n, wanted), wanted)}
	if !c.Met {
		c.Hint = "power the machine on with its BMC or a NIC cabled, or scan its label"
	}
	return c
}

func agreeing(m *Machine) Check {
	for _, c := range m.Conditions {
		if c.Type == IdentityMismatch {
			return Check{Name: "no-disagreement", Evidence: c.Evidence, Hint: c.Hint}
		}
	}
	return Check{Name: "no-disagreement", Met: true, Evidence: "no identifier disagrees with the plan"}
}

func observed(m *Machine) Check {
	if m.Facts == nil {
		return Check{Name: "observed", Hint: fmt.Sprintf("'rackwright inspect %s', or give it a BMC that tells its parts", m.Name)}
	}
	return Check{Name: "observed", Met: true, Evidence: "by " + m.Facts.Source + " at " + m.Facts.Observed.UTC().Format(time.RFC3339)}
}

// cabled says whether the switches at the planned cables were heard.
func cabled(m *Machine) Check {
	if ports := m.Unheard(); len(ports) > 0 {
		return Check{Name: "cabled", Evidence: "no switch was heard on " + strings.Join(ports, ", "),
			Hint: fmt.Sprintf("'rackwright inspect %s': its agent listens (LLDP). Where a switch does not speak LLDP, waive %q in the plan with a reason", m.Name, RuleCabling)}
	}
	return Check{Name: "cabled", Met: true, Evidence: "a switch was heard on every port that is to be cabled, or that is waived"}
}

// differences are the conditions of verification that nobody waived. Those that work or
// the BMC's reachability left are about something else.
func differences(m *Machine) Check {
	open, waived := 0, 0
	first := Condition{}
	for _, c := range m.Conditions {
		switch {
		case !aboutParts(c):
		case !c.Waived.At.IsZero():
			waived++
		default:
			if open == 0 {
				first = c
			}
			open++
		}
	}
	if open > 0 {
		return Check{Name: "as-planned", Evidence: fmt.Sprintf("%d differences, the first: %s %s: %s", open, first.Type, first.Subject, first.Evidence), Hint: first.Hint}
	}
	return Check{Name: "as-planned", Met: true, Evidence: fmt.Sprintf("no difference that nobody waived; %d waived", waived)}
}

func aboutParts(c Condition) bool {
	return c.Type != IdentityMismatch && c.Type != BMCUnusable && c.Type != BMCExposed && c.Type != AddressInUse && c.Type != WorseThanSiblings && !strings.HasSuffix(c.Type, "-parked")
}

// waiver is the reason the plan lets a check pass for.
func waiver(m *Machine, check string) string {
	for _, w := range m.Waivers {
		if w.Rule == check {
			return w.Reason
		}
	}
	return ""
}

func waivable(m *Machine, c Check) Check {
	if reason := waiver(m, c.Name); !c.Met && reason != "" {
		return Check{Name: c.Name, Met: true, Evidence: "waived by the plan: " + reason}
	}
	return c
}

func erased(m *Machine) Check {
	if m.Erased.IsZero() {
		return waivable(m, Check{Name: CheckErased, Evidence: "nobody proved its disks empty",
			Hint: fmt.Sprintf("'rackwright erase %s', or waive 'erased' in its plan with a reason", m.Name)})
	}
	return Check{Name: CheckErased, Met: true, Evidence: "proven at " + m.Erased.UTC().Format(time.RFC3339)}
}

// firmware is at baseline when its parts were observed and nothing of it differs.
func firmware(m *Machine) Check {
	for _, c := range m.Conditions {
		if (c.Type == "firmware-wrong" || c.Type == "bios-attribute-wrong") && c.Waived.At.IsZero() {
			return waivable(m, Check{Name: CheckFirmware, Evidence: strings.TrimSpace(c.Subject + " " + c.Evidence), Hint: c.Hint})
		}
	}
	if m.Facts == nil {
		return waivable(m, Check{Name: CheckFirmware, Hint: fmt.Sprintf("'rackwright inspect %s'", m.Name)})
	}
	return Check{Name: CheckFirmware, Met: true, Evidence: "no version or setting differs from the baseline"}
}

// claimed: its BMC is ours, answers to our credentials and shows the certificate we know.
func claimed(m *Machine) Check {
	if m.BMC == nil {
		return Check{Name: CheckBMC, Met: true, Evidence: "the plan gives it no BMC"}
	}
	for _, c := range m.Conditions {
		if c.Type == BMCUnusable {
			return waivable(m, Check{Name: CheckBMC, Evidence: c.Evidence, Hint: c.Hint})
		}
	}
	pinned := m.BMC.CertificateSHA256 != "" || !strings.HasPrefix(m.BMC.Address, "https:") // a plan may pin what was never spoken to
	if !pinned || m.Power == PowerUnknown {
		return waivable(m, Check{Name: CheckBMC, Evidence: "it has not answered yet", Hint: "check its address, password and cable"})
	}
	if m.BMC.Claimed.IsZero() {
		return waivable(m, Check{Name: CheckBMC, Evidence: "it is not claimed: others may know its password",
			Hint: fmt.Sprintf("'rackwright bmc claim %s', or waive %q in its plan with a reason", m.Name, CheckBMC)})
	}
	return Check{Name: CheckBMC, Met: true, Evidence: "claimed at " + m.BMC.Claimed.UTC().Format(time.RFC3339) + ", it answers to our account"}
}

func phoned(m *Machine) Check {
	if m.Image == "" {
		return Check{Name: "phoned-home", Hint: fmt.Sprintf("'rackwright deploy %s --image NAME'", m.Name)}
	}
	return Check{Name: "phoned-home", Met: true, Evidence: "image " + m.Image}
}

// Evidenced is the phase that what was seen of a machine says: what it comes back to from
// maintenance. It is discovered at most, or active: hands were on it, so that it is
// compared with its plan again before it counts as verified.
func Evidenced(m *Machine, seen []Identifier) Phase {
	n := agreed(m, seen)
	switch {
	case m.Image != "":
		return Active
	case !m.planned(): // that it was seen is all that is known of a stranger
		return Discovered
	case n >= 2 && agreeing(m).Met:
		return Discovered
	case n >= 1:
		return Racked
	}
	return Planned
}

// agreed counts the identifiers of the plan that were seen.
func agreed(m *Machine, seen []Identifier) int {
	e := Gather(seen)
	if m.Facts != nil {
		f := FromFacts(m.Facts)
		e.Serial, e.UUID, e.MACs = cmp.Or(f.Serial, e.Serial), cmp.Or(f.UUID, e.UUID), append(e.MACs, f.MACs...)
	}
	agree, _ := e.Match(m)
	return len(agree)
}

func (m *Machine) planned() bool { return m.Slot != nil }

// Advance moves a verified machine to ready when every check of that gate is met, and a
// ready one back when one is not any more. It returns the sentence for the journal, ""
// when nothing moved.
func Advance(m *Machine) string {
	if m.Phase != Verified && m.Phase != Ready || !m.planned() {
		return ""
	}
	var met, lacking []string
	for _, c := range []Check{agreeing(m), erased(m), firmware(m), claimed(m)} {
		if c.Met {
			met = append(met, c.Name+": "+c.Evidence)
		} else {
			lacking = append(lacking, c.Name+": "+c.Evidence)
		}
	}
	switch {
	case m.Phase == Verified && len(lacking) == 0:
		m.Phase = Ready
		return "verified -> ready: " + strings.Join(met, "; ")
	case m.Phase == Ready && len(lacking) > 0:
		m.Phase = Verified
		return "ready -> verified: " + strings.Join(lacking, "; ")
	}
	return ""
}

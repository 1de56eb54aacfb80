package racking

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

// machine makes the steps of one machine.
func (v *View) machine(m *inventory.Machine) Item {
	it := Item{Owner: m.Name, ID: m.ID, Kind: inventory.KindMachine, Slot: *m.Slot, Model: m.Model, Phase: m.Phase}
	if until, ok := v.Blinking[m.ID]; ok {
		it.Note = fmt.Sprintf("its locator LED blinks until %s: look for it in %s", until.UTC().Format("15:04:05Z"), m.Slot)
	}
	proofs := v.proofs(m)
	for _, n := range Steps() {
		it.Steps = append(it.Steps, step(n, v.mark(m.ID, n), proofs[n], v.hint(m, n)))
	}
	return it
}

// proofs weighs what was seen of a machine. What a later step shows holds for those
// before it: what was seen on the wire is mounted and has power.
func (v *View) proofs(m *inventory.Machine) map[StepName]proof {
	out := map[StepName]proof{Mount: v.mounted(m), Cabling: v.cabled(m), Power: powered(m), Seen: v.seen(m), Verified: v.verified(m)}
	if seen := out[Seen]; seen.done {
		for _, n := range []StepName{Receive, Mount, Power} {
			p := out[n]
			p.done = true
			if len(p.lines) == 0 {
				p.add(Evidence{Says: "it was seen on the wire"})
			}
			out[n] = p
		}
	}
	if said := v.mark(m.ID, Mount); out[Mount].done || (said != nil && said.State == Done) {
		p := out[Receive]
		p.done = true
		if len(p.lines) == 0 {
			p.add(Evidence{Says: "it is in its slot"})
		}
		out[Receive] = p
	}
	return out
}

// mounted: an identifier of the machine was scanned or seen.
func (v *View) mounted(m *inventory.Machine) (p proof) {
	for _, s := range v.Seen {
		if s.Machine != m.ID || len(p.lines) == maxLines {
			continue
		}
		verb := "seen"
		if s.Source == Scanned {
			verb = "scanned"
		}
		p.add(Evidence{Says: fmt.Sprintf("%s %s %s", s.Kind, s.Value, verb), By: s.Source, At: s.Last})
		p.done = true
	}
	return p
}

// maxLines bounds the evidence shown for one step.
const maxLines = 8

// powered: the BMC reads power on, or an inlet is fed.
func powered(m *inventory.Machine) (p proof) {
	if m.Power == inventory.PowerOn {
		p.add(Evidence{Says: "power on read from the BMC"})
		p.done = true
	}
	if m.Facts == nil {
		return p
	}
	var fed, lost []string
	for _, psu := range m.Facts.PSUs {
		switch psu.Input {
		case "ok":
			fed = append(fed, psu.Name)
		case "lost":
			lost = append(lost, psu.Name)
		}
	}
	if len(fed) > 0 {
		p.add(Evidence{Says: words(fed) + " fed", By: teller, At: m.Facts.Observed})
		p.done = true
	}
	if len(lost) > 0 {
		p.add(Evidence{Says: words(lost) + " without input", By: teller, At: m.Facts.Observed, Against: true})
	}
	return p
}

// known reports whether a machine has been seen and matched to its slot; of one in
// maintenance the evidence says it.
func (v *View) known(m *inventory.Machine) bool {
	p := m.Phase
	if p == inventory.Maintenance {
		p = inventory.Evidenced(m, v.identifiers(m.ID))
	}
	return slices.Contains([]inventory.Phase{inventory.Discovered, inventory.Verified, inventory.Ready, inventory.Active}, p)
}

func (v *View) identifiers(machine string) (out []inventory.Identifier) {
	for _, s := range v.Seen {
		if s.Machine == machine {
			out = append(out, inventory.Identifier{Kind: s.Kind, Value: s.Value, Source: s.Source, First: s.First, Last: s.Last})
		}
	}
	return out
}

// seen: the machine is discovered, that is, two of its identifiers agree.
func (v *View) seen(m *inventory.Machine) (p proof) {
	if c := open(m, inventory.IdentityMismatch); len(c) > 0 {
		p.add(Evidence{Says: c[0].Evidence, At: c[0].Since, Against: true})
	}
	agree := v.agreeing(m)
	if v.known(m) {
		p.done = true
		p.add(Evidence{Says: strings.TrimSuffix("discovered: "+words(agree)+" agree", ":  agree")})
		return p
	}
	for _, s := range v.Seen {
		p.begun = p.begun || (s.Machine == m.ID && s.Source != Scanned)
	}
	if len(agree) > 0 && p.begun {
		p.add(Evidence{Says: words(agree) + " seen"})
	}
	return p
}

// agreeing names the identifiers of a machine that were seen as the plan has them.
func (v *View) agreeing(m *inventory.Machine) (out []string) {
	for _, s := range v.Seen {
		if s.Machine == m.ID && owns(m, s.Value) && !slices.Contains(out, s.Kind) {
			out = append(out, s.Kind)
		}
	}
	return out
}

// owns reports whether a value is one of the machine's identifiers in the plan, or one of
// the ports it is cabled to.
func owns(m *inventory.Machine, value string) bool {
	own := []string{m.Serial, m.UUID, m.AssetTag}
	if m.BMC != nil {
		own = append(own, m.BMC.MAC.String())
	}
	for _, n := range m.NICs {
		own = append(own, n.MAC.String())
		if n.Cable != nil {
			own = append(own, n.Cable.To.String())
		}
	}
	return value != "" && slices.ContainsFunc(own, func(o string) bool { return strings.EqualFold(strings.TrimSpace(o), strings.TrimSpace(value)) })
}

// verified: the gate of the phase was passed; what was waived on the way is named.
func (v *View) verified(m *inventory.Machine) (p proof) {
	switch m.Phase {
	case inventory.Verified, inventory.Ready, inventory.Active:
		p.done = true
		p.add(Evidence{Says: "phase " + string(m.Phase)})
	}
	for _, c := range m.Conditions {
		if c.Waived.By != "" && len(p.lines) < maxLines {
			p.add(Evidence{Says: "waived: " + conditionName(c) + ", " + c.Waived.Reason, By: c.Waived.By, At: c.Waived.At})
		}
	}
	if p.done {
		return p
	}
	for _, c := range open(m, "") {
		if len(p.lines) < maxLines {
			p.lines = append(p.lines, Evidence{Says: strings.TrimSuffix(conditionName(c)+": "+c.Evidence, ": "), At: c.Since, Against: true})
		}
	}
	p.begun = v.known(m)
	return p
}

// open lists the conditions of a type, of any for "", that nobody waived.
func open(m *inventory.Machine, kind string) (out []inventory.Condition) {
	for _, c := range m.Conditions {
		if c.Waived.By == "" && (kind == "" || c.Type == kind) {
			out = append(out, c)
		}
	}
	return out
}

func conditionName(c inventory.Condition) string {
	return strings.TrimSuffix(c.Type+"/"+c.Subject, "/")
}

// words joins names: a, b and c.
func words(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

package verify

import (
	"fmt"
	"strings"
	"time"

	"rackwright/inventory"
)

// Gate says whether a discovered machine is verified: its parts were observed, of every
// kind that its model names, by whatever source; no difference is left that nobody
// waived; and what was seen is the machine of the plan. evidence is the sentence for the
// journal. Otherwise missing says what is awaited.
func Gate(m *inventory.Machine, model *inventory.Model, seen []inventory.Facts, wiring Wiring, now time.Time) (evidence, missing string) {
	f := Merge(seen)
	switch {
	case m.Phase != inventory.Discovered || m.Slot == nil:
		return "", "it is " + string(m.Phase)
	case f == nil || len(f.CPUs)+len(f.DIMMs)+len(f.Disks)+len(f.NICs) == 0:
		return "", "its parts were not observed"
	case Waiting(m, now):
		return "", "its agent listens to the switches"
	}
	for _, c := range m.Conditions {
		if c.Type == inventory.IdentityMismatch {
			return "", c.Type
		}
	}
	if open := Open(m.Conditions); len(open) > 0 {
		return "", strings.TrimSpace(open[0].Type + " " + open[0].Subject)
	}
	if ports := m.Unheard(); len(ports) > 0 {
		return "", "no switch was heard on " + strings.Join(ports, ", ")
	}
	if kinds := unseen(model, f); len(kinds) > 0 {
		return "", "no source has seen its " + strings.Join(kinds, ", ")
	}
	return accepted(m, model, f, wiring), ""
}

// unseen are the kinds of parts the model names and no source has seen.
func unseen(model *inventory.Model, f *inventory.Facts) []string {
	if model == nil {
		return nil
	}
	var out []string
	for _, k := range []struct {
		name   string
		wanted bool
		seen   int
	}{
		{"processors", len(model.Parts.CPUs) > 0, len(f.CPUs)}, {"memory modules", len(model.Parts.DIMMs) > 0, len(f.DIMMs)},
		{"disks", len(model.Parts.Disks) > 0, len(f.Disks)}, {"network ports", model.Parts.NICs > 0, len(f.NICs)},
	} {
		if k.wanted && k.seen == 0 {
			out = append(out, k.name)
		}
	}
	return out
}

// accepted is the sentence that goes with the move, with what nobody could see.
func accepted(m *inventory.Machine, model *inventory.Model, f *inventory.Facts, wiring Wiring) string {
	out := fmt.Sprintf("observed %s, %s, %s, %s (%s, %s)", count(len(f.CPUs), "CPU"), count(len(f.DIMMs), "DIMM"), count(len(f.Disks), "disk"),
		count(len(f.NICs), "port"), f.Source, f.Observed.UTC().Format(time.DateOnly))
	if model == nil {
		out += "; no model is declared, so parts were not compared"
	} else {
		out += "; as model " + model.Name
		if len(model.PSUs) > 0 && len(f.PSUs) == 0 {
			out += "; power supplies were seen by nobody"
		}
	}
	if wiring.Planned > wiring.Heard {
		out += fmt.Sprintf("; of %d cables in its rack %d were heard", wiring.Planned, wiring.Heard)
	}
	waived := 0
	for _, c := range m.Conditions {
		if !c.Waived.At.IsZero() {
			waived++
		}
	}
	if waived > 0 {
		out += "; " + count(waived, "difference") + " waived"
	}
	return out
}

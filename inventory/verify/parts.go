package verify

import (
	"fmt"
	"strings"

	"rackwright/inventory"
)

// pair matches wanted parts with observed ones by location. When no wanted location was
// seen but the numbers are equal, the two only count differently and are paired in
// order. It returns the index of the observed part for each wanted one, -1 for none, and
// the observed ones that nobody wanted.
func pair(want, seen []string) (match []int, rest []int) {
	at := map[string]int{}
	for i, s := range seen {
		if _, twice := at[Location(s)]; !twice {
			at[Location(s)] = i
		}
	}
	used, hits := make([]bool, len(seen)), 0
	match = make([]int, len(want))
	for i, w := range want {
		j, ok := at[Location(w)]
		if !ok || used[j] || w == "" {
			match[i] = -1
			continue
		}
		match[i], used[j] = j, true
		hits++
	}
	if hits < len(want) && len(want) == len(seen) && (hits == 0 || allNumbers(want) && allNumbers(seen)) {
		for i := range match {
			match[i] = i
		}
		return match, nil
	}
	for j := range seen {
		if !used[j] {
			rest = append(rest, j)
		}
	}
	return match, rest
}

// allNumbers tells locations that only count, from 0 or from 1.
func allNumbers(list []string) bool {
	for _, s := range list {
		if strings.Trim(Location(s), "0123456789") != "" {
			return false
		}
	}
	return true
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = name(v)
	}
	return out
}

func (c *comparison) cpus() {
	by := c.source(func(f *inventory.Facts) bool { return len(f.CPUs) > 0 })
	want := c.want.Parts.CPUs
	if by == nil || len(want) == 0 {
		return
	}
	socket := func(p inventory.CPU) string { return p.Socket }
	match, _ := pair(names(want, socket), names(by.CPUs, socket))
	for i, w := range want {
		if match[i] < 0 {
			c.differs(CPUMissing, w.Socket, "missing", cpuText(w), "no processor", "CPU "+w.Socket+" missing: seat or replace it", by)
			continue
		}
		seen := by.CPUs[match[i]]
		reason := ""
		switch {
		case w.Model != "" && seen.Model != "" && !strings.Contains(plainWords(seen.Model), plainWords(w.Model)):
			reason = "model"
		case w.Cores > 0 && seen.Cores > 0 && w.Cores != seen.Cores:
			reason = "cores"
		case w.Threads > 0 && seen.Threads > 0 && w.Threads != seen.Threads:
			reason = "threads"
		default:
			continue
		}
		hint := "replace the processor in CPU " + w.Socket + ", or correct the model"
		if reason != "model" {
			hint = "see whether cores or threads of CPU " + w.Socket + " are switched off in the machine's setup"
		}
		c.differs(CPUWrong, w.Socket, reason, cpuText(w), cpuText(seen), hint, by)
	}
}

func cpuText(p inventory.CPU) string {
	out := strings.TrimSpace(p.Model)
	if p.Cores > 0 {
		out += ", " + count(p.Cores, "core")
	}
	if p.Threads > 0 {
		out += ", " + count(p.Threads, "thread")
	}
	if out = strings.TrimPrefix(out, ", "); out == "" {
		return "a processor"
	}
	return out
}

// dimms compares slot by slot. A module of the right size in a slot where none belongs
// is the one that is missing elsewhere.
func (c *comparison) dimms() {
	by := c.source(func(f *inventory.Facts) bool { return len(f.DIMMs) > 0 })
	want := c.want.Parts.DIMMs
	if by == nil || len(want) == 0 {
		return
	}
	slot := func(d inventory.DIMM) string { return d.Slot }
	match, rest := pair(names(want, slot), names(by.DIMMs, slot))
	for i, w := range want {
		if match[i] >= 0 {
			c.dimm(w, by.DIMMs[match[i]], by)
			continue
		}
		if at := sameSize(w, by.DIMMs, rest); at >= 0 {
			from := by.DIMMs[rest[at]]
			rest = append(rest[:at:at], rest[at+1:]...)
			c.differs(DIMMMisplaced, w.Slot, "slot", "a module of "+dimmText(w)+" in "+w.Slot, "it in "+from.Slot,
				fmt.Sprintf("move the module from DIMM slot %s to %s", from.Slot, w.Slot), by)
			continue
		}
		c.differs(DIMMMissing, w.Slot, "missing", dimmText(w), "no module", fmt.Sprintf("DIMM %s missing: reseat or replace it", w.Slot), by)
	}
	for _, j := range rest {
		d := by.DIMMs[j]
		c.differs(DIMMUnexpected, d.Slot, "unexpected", "no module", dimmText(d), fmt.Sprintf("take the module out of DIMM slot %s, or correct the model", d.Slot), by)
	}
}

func (c *comparison) dimm(w, seen inventory.DIMM, by *inventory.Facts) {
	reason := ""
	switch {
	case w.SizeMiB > 0 && seen.SizeMiB > 0 && w.SizeMiB != seen.SizeMiB:
		reason = "size"
	case w.SpeedMTs > 0 && seen.SpeedMTs > 0 && seen.SpeedMTs < w.SpeedMTs:
		reason = "speed"
	case w.Part != "" && seen.Part != "" && !sameWords(w.Part, seen.Part):
		reason = "part"
	default:
		return
	}
	c.differs(DIMMWrong, w.Slot, reason, dimmText(w), dimmText(seen), fmt.Sprintf("replace the module in DIMM slot %s", w.Slot), by)
}

func sameSize(w inventory.DIMM, all []inventory.DIMM, rest []int) int {
	for i, j := range rest {
		if w.SizeMiB == all[j].SizeMiB {
			return i
		}
	}
	return -1
}

func dimmText(d inventory.DIMM) string {
	out := fmt.Sprintf("%d MiB", d.SizeMiB)
	if d.SizeMiB >= 1024 && d.SizeMiB%1024 == 0 {
		out = fmt.Sprintf("%d GiB", d.SizeMiB/1024)
	}
	if d.SpeedMTs > 0 {
		out += fmt.Sprintf(" at %d MT/s", d.SpeedMTs)
	}
	if d.Part != "" {
		out += " (" + d.Part + ")"
	}
	return out
}

// psus compares the power supplies of the plan or the model.
func (c *comparison) psus() {
	by := c.source(func(f *inventory.Facts) bool { return len(f.PSUs) > 0 })
	if by == nil || len(c.want.PSUs) == 0 {
		return
	}
	name := func(p inventory.PSU) string { return p.Name }
	match, _ := pair(names(c.want.PSUs, name), names(by.PSUs, name))
	for i, w := range c.want.PSUs {
		if match[i] < 0 {
			c.differs(PSUMissing, w.Name, "missing", psuText(w), "none", "power supply "+w.Name+" missing: seat or replace it", by)
			continue
		}
		seen := by.PSUs[match[i]]
		if w.Watts > 0 && seen.Watts > 0 && seen.Watts < w.Watts || w.Model != "" && seen.Model != "" && !sameWords(w.Model, seen.Model) {
			c.differs(PSUWrong, w.Name, "differs", psuText(w), psuText(seen), "replace power supply "+w.Name, by)
		}
		if seen.Input == "lost" {
			hint := "power supply " + w.Name + " has no input: check its cable and the breaker"
			if w.Cable != nil {
				hint = fmt.Sprintf("power supply %s has no input: check the cable to %s and its breaker", w.Name, w.Cable.To)
			}
			c.differs(PSUInputLost, w.Name, "input-lost", "input power", "none", hint, by)
		}
	}
}

func psuText(p inventory.PSU) string {
	out := "a power supply"
	if p.Watts > 0 {
		out += fmt.Sprintf(" of %g W", p.Watts)
	}
	if p.Model != "" {
		out += " (" + p.Model + ")"
	}
	return out
}

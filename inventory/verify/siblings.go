package verify

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"rackwright/firmware"
	"rackwright/inventory"
)

// agreeing is how many others have to agree with each other before one that differs from
// them is pointed out; they also have to be two thirds of the others.
const agreeing = 3

// sibling kinds in the order they are told.
var traits = []struct {
	kind string
	of   func(*inventory.Facts) string
}{
	{"cpu", cpuTrait}, {"dimm", dimmTrait}, {"disk", diskTrait}, {"nic", nicTrait}, {"firmware", firmwareTrait},
}

// Siblings compares machines of one model and batch with each other: a machine that
// differs from at least three others that agree, and are two thirds of the others, is
// pointed out, by kind of part. A machine without a batch has no siblings.
func Siblings(machines []inventory.Machine, now time.Time) map[string][]inventory.Condition {
	groups := map[string][]*inventory.Machine{}
	for i := range machines {
		m := &machines[i]
		if m.Model != "" && m.Batch != "" && m.Facts != nil && m.Phase != inventory.Retired {
			groups[m.Model+" "+m.Batch] = append(groups[m.Model+" "+m.Batch], m)
		}
	}
	out := map[string][]inventory.Condition{}
	for _, group := range groups {
		for _, t := range traits {
			compareTrait(group, t.kind, t.of, out)
		}
	}
	for i := range machines {
		waive(&machines[i], out[machines[i].ID], now)
	}
	return out
}

func compareTrait(group []*inventory.Machine, kind string, of func(*inventory.Facts) string, out map[string][]inventory.Condition) {
	votes, all := map[string]int{}, 0
	trait := make([]string, len(group))
	for i, m := range group {
		if trait[i] = of(m.Facts); trait[i] != "" {
			votes[trait[i]]++
			all++
		}
	}
	usual, n := "", 0
	for _, t := range slices.Sorted(maps.Keys(votes)) {
		if votes[t] > n {
			usual, n = t, votes[t]
		}
	}
	for i, m := range group {
		if trait[i] == "" || trait[i] == usual || n < agreeing || 3*n < 2*(all-1) {
			continue
		}
		out[m.ID] = append(out[m.ID], inventory.Condition{Type: SiblingsDiffers, Subject: kind, Reason: "differs",
			Evidence: fmt.Sprintf("expected %s as %d others of %s, batch %s; observed %s (%s, %s)", usual, n, m.Model, m.Batch, trait[i],
				m.Facts.Source, m.Facts.Observed.UTC().Format(time.DateOnly)),
			Hint: "see whether the machine was built otherwise on purpose; then waive it, else make it as the others; " + place(m)})
	}
}

// tally writes equal things once with their number, in order.
func tally(list []string) string {
	n := map[string]int{}
	for _, s := range list {
		n[s]++
	}
	var out []string
	for _, s := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%d x %s", n[s], s))
	}
	return strings.Join(out, ", ")
}

func cpuTrait(f *inventory.Facts) string {
	return tally(names(f.CPUs, func(p inventory.CPU) string {
		return strings.TrimSpace(fmt.Sprintf("%s %d cores", plainWords(p.Model), p.Cores))
	}))
}

func dimmTrait(f *inventory.Facts) string {
	list := names(f.DIMMs, func(d inventory.DIMM) string { return Location(d.Slot) })
	slices.Sort(list)
	if len(list) == 0 {
		return ""
	}
	return tally(names(f.DIMMs, func(d inventory.DIMM) string { return dimmText(inventory.DIMM{SizeMiB: d.SizeMiB}) })) + " in " + strings.Join(list, " ")
}

func diskTrait(f *inventory.Facts) string {
	return tally(names(f.Disks, func(d inventory.Disk) string { return strings.TrimSpace(sizeText(rough(d.Bytes)) + " " + d.Type) }))
}

// rough is a size to two digits: disks of one size differ a little between vendors.
func rough(n int64) int64 {
	if n <= 0 {
		return 0
	}
	step := math.Pow(10, math.Floor(math.Log10(float64(n)))-1)
	return int64(math.Round(float64(n)/step) * step)
}

func nicTrait(f *inventory.Facts) string {
	if len(f.NICs) == 0 {
		return ""
	}
	return count(len(f.NICs), "port")
}

func firmwareTrait(f *inventory.Facts) string {
	var out []string
	for _, component := range []string{"bios", "bmc"} {
		if v := firmware.VersionIn(f, component); v != "" {
			out = append(out, component+" "+v)
		}
	}
	return strings.Join(out, ", ")
}

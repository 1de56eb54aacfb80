package deploy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"rackwright/inventory"
)

// What makes a figure worse than those of siblings: it is off the median of at least so
// many others by more than so many of their deviations, and by more than a share of the
// median, as siblings that hardly differ at all say little. The deviation is the median
// absolute deviation, which one bad sibling does not move, scaled to a standard deviation.
const (
	leastOthers   = 3
	mostSigmas    = 5.0
	leastShare    = 0.05
	sigmaOfMAD    = 1.4826
	exactBelow    = 32 // so many figures are each compared with the others alone
	maxConditions = 64 // of one machine
)

// MaxSiblings bounds how many machines one is compared with.
const MaxSiblings = 1000

// BurnCompared is a figure beside those of siblings.
type BurnCompared struct {
	BurnFigure
	Others    int     `json:"others,omitempty" doc:"Like parts of siblings, and of the machine itself, it was compared with; 0: it was not compared"`
	Median    float64 `json:"median,omitempty" doc:"Theirs"`
	Deviation float64 `json:"deviation,omitempty" doc:"Theirs, usual: the median absolute deviation as a standard deviation"`
	Worse     float64 `json:"worse_percent,omitempty" doc:"By how much it is worse than the median, when that is beyond what siblings differ by"`
}

// CompareBurns compares the figures of machines that are siblings, of one model and batch,
// with each other, by machine id.
func CompareBurns(list []BurnRecord) map[string][]BurnCompared {
	out, groups := map[string][]BurnCompared{}, map[string][]*BurnCompared{}
	for i := range list {
		var mine []BurnCompared
		for _, f := range list[i].Total().Figures {
			mine = append(mine, BurnCompared{BurnFigure: f})
		}
		out[list[i].Machine] = mine
		for k := range mine {
			if f := &mine[k]; f.Better != "" {
				key := strings.Join([]string{f.Test, f.Of, f.Name, f.Unit, f.Better}, "\x00")
				groups[key] = append(groups[key], f)
			}
		}
	}
	for _, g := range groups {
		compareGroup(g)
	}
	return out
}

func compareGroup(g []*BurnCompared) {
	values := make([]float64, len(g))
	for i, f := range g {
		values[i] = f.Value
	}
	all := spreadOf(values)
	for i, f := range g {
		s := all
		if len(g) <= exactBelow {
			s = spreadOf(slices.Concat(values[:i], values[i+1:]))
		}
		if f.Others = len(g) - 1; f.Others < leastOthers {
			f.Others = 0
			continue
		}
		f.Median, f.Deviation = s.median, s.deviation
		off := s.median - f.Value
		if f.Better == "less" {
			off = -off
		}
		if s.median > 0 && off > mostSigmas*s.deviation && off > leastShare*s.median {
			f.Worse = 100 * off / s.median
		}
	}
}

// spread is where values lie.
type spread struct{ median, deviation float64 }

func spreadOf(values []float64) spread {
	m := median(values)
	far := make([]float64, len(values))
	for i, v := range values {
		far[i] = math.Abs(v - m)
	}
	return spread{m, sigmaOfMAD * median(far)}
}

func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// BurnConditions are the conditions of a machine whose figures are worse than those of
// its siblings, the worst first.
func BurnConditions(m *inventory.Machine, figures []BurnCompared) []inventory.Condition {
	var worse []BurnCompared
	for _, f := range figures {
		if f.Worse > 0 {
			worse = append(worse, f)
		}
	}
	slices.SortStableFunc(worse, func(a, b BurnCompared) int { return cmp.Compare(b.Worse, a.Worse) })
	var out []inventory.Condition
	for _, f := range worse[:min(len(worse), maxConditions)] {
		out = append(out, inventory.Condition{Type: inventory.WorseThanSiblings, Subject: f.Subject(), Reason: "worse", Evidence: f.evidence(m),
			Hint: burnHints()[f.Test] + "; then burn it in again: 'rackwright burn-in " + m.Name + "'"})
	}
	return out
}

// Subject names the figure and its part.
func (f BurnFigure) Subject() string {
	words := []string{f.Test}
	if f.Part != "" {
		words = append(words, f.Part)
	}
	return strings.Join(append(words, strings.ReplaceAll(f.Name, "_", " ")), " ")
}

func (f BurnCompared) evidence(m *inventory.Machine) string {
	group := m.Model
	if m.Batch != "" {
		group += ", batch " + m.Batch
	}
	way := "less"
	if f.Better == "less" {
		way = "more"
	}
	return fmt.Sprintf("%s; the median of %d others (%s) is %s: %.0f %% %s, and they usually differ by %s",
		f.Text(f.Value), f.Others, group, f.Text(f.Median), f.Worse, way, f.Text(f.Deviation))
}

// Text is a value of the figure with its unit.
func (f BurnFigure) Text(v float64) string {
	digits := 0
	if math.Abs(v) < 100 && v != math.Trunc(v) {
		digits = 1
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, v, f.Unit))
}

// burnHints say where to look for what is slow or hot.
func burnHints() map[string]string {
	return map[string]string{
		"cpu":     "look for a fan, a heat sink, or a power or turbo setting of the BIOS that differs",
		"memory":  "look for a module in the wrong slot, another speed, or a memory setting of the BIOS that differs",
		"disk":    "look at its SMART data, its bay and cable; a slow disk often dies soon: replace it",
		"network": "look at the cable, the transceiver and the switch port's counters",
	}
}

package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// surely is the quantile of the normal distribution for 95 %, one-sided.
const surely = 1.645

// lowest is the lower end of the Wilson interval: of n machines so many failed, and surely
// more than this share of such machines does (E. B. Wilson, JASA 22, 1927).
func lowest(failed, n int) float64 {
	if n == 0 {
		return 0
	}
	p, m, z := float64(failed)/float64(n), float64(n), surely
	return (p + z*z/(2*m) - z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))) / (1 + z*z/m)
}

// tooMany says why nothing more may be begun, "" when it may: a canary failed, or more than
// may. Where waves have a size that is of the machines of the waves so far, which does not
// depend on who is slow. Else it is of all, and so many of the first that more surely will
// fail are enough; one failure alone is chance.
func (f *Fleet) tooMany() string {
	failed, ended, all := 0, 0, 0
	for i := range f.Members {
		m := &f.Members[i]
		if m.State != Skipped && (f.Terms.Size == 0 || m.Wave <= f.Wave) {
			all++
		}
		if m.State == Done || m.State == Failed {
			ended++
		}
		if m.State != Failed || m.Forgiven {
			continue
		}
		if m.Canary {
			return fmt.Sprintf("a canary failed: %s: %s", m.Name, m.Why)
		}
		failed++
	}
	share := float64(f.Terms.MaxFailures) / 100
	switch {
	case failed == 0:
		return ""
	case float64(failed) > share*float64(all):
		return fmt.Sprintf("%d of %d machines failed, more than %d %%: %s", failed, all, f.Terms.MaxFailures, f.reasons())
	case f.Terms.Size == 0 && failed > 1 && lowest(failed, ended) > share:
		return fmt.Sprintf("%d of the first %d machines failed, so more than %d %% will: %s", failed, ended, f.Terms.MaxFailures, f.reasons())
	}
	return ""
}

// reasons groups what failed by reason, the most frequent first.
func (f *Fleet) reasons() string {
	by := map[string][]string{}
	for i := range f.Members {
		if m := &f.Members[i]; m.State == Failed && !m.Forgiven {
			by[cmp.Or(m.Reason, "unknown")] = append(by[cmp.Or(m.Reason, "unknown")], m.Name)
		}
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(by[b]), len(by[a])), cmp.Compare(a, b))
	})
	var out []string
	for _, k := range keys {
		names := by[k]
		text := strings.Join(names[:min(len(names), 3)], ", ")
		if len(names) > 3 {
			text += ", ..."
		}
		out = append(out, fmt.Sprintf("%d x %s (%s)", len(names), k, text))
	}
	return strings.Join(out, "; ")
}

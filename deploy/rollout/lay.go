package rollout

import (
	"cmp"
	"slices"
)

// lay assigns waves. Machines that run nothing hurt nobody when they fail: one of each
// failure domain goes first, then all others. Machines that are active come after them, one
// domain after the other, so that what fails is never in two: the first of a domain alone,
// then the rest of it.
func lay(members []Member) []Member {
	out := slices.Clone(members)
	slices.SortStableFunc(out, func(a, b Member) int {
		return cmp.Or(order(a.Active, b.Active), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Name, b.Name))
	})
	led, pair, domain := map[string]bool{}, 0, "" // domains that have their canary, number of the pair of waves
	for i := range out {
		m := &out[i]
		if m.Active && (pair == 0 || m.Domain != domain) {
			led, pair, domain = map[string]bool{}, pair+1, m.Domain
		}
		m.Canary = m.State == Waiting && !led[m.Domain]
		if m.Wave = 2*pair + 1; m.Canary {
			led[m.Domain], m.Wave = true, 2*pair
		}
	}
	slices.SortStableFunc(out, func(a, b Member) int { return cmp.Compare(a.Wave, b.Wave) })
	return out
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// relead makes the next machine of a domain its canary where the canary was skipped: it
// proved nothing.
func (f *Fleet) relead() {
	for i := range f.Members {
		c := &f.Members[i]
		if !c.Canary || c.State != Skipped {
			continue
		}
		c.Canary = false
		for k := range f.Members {
			if m := &f.Members[k]; m.State == Waiting && m.Domain == c.Domain && m.Active == c.Active && m.Wave == c.Wave+1 {
				m.Wave, m.Canary = c.Wave, true
				break
			}
		}
	}
}

// settle goes to the first wave that has something left to do.
func (f *Fleet) settle() {
	f.relead()
	last := 0
	for i := range f.Members {
		last = max(last, f.Members[i].Wave)
	}
	for f.Wave < last && !f.open(f.Wave) {
		f.Wave++
	}
}

// open reports whether a wave has something waiting or in motion.
func (f *Fleet) open(wave int) bool {
	return slices.ContainsFunc(f.Members, func(m Member) bool { return m.Wave == wave && (m.State == Waiting || m.State == Deploying) })
}

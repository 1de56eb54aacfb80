package fleet

import (
	"cmp"
	"slices"
)

// lay assigns waves. Machines that run nothing hurt nobody when they fail and go before
// those that are active.
func lay(members []Member, t Terms) []Member {
	out := slices.Clone(members)
	slices.SortStableFunc(out, func(a, b Member) int {
		return cmp.Or(order(a.Active, b.Active), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Name, b.Name))
	})
	if t.Size > 0 {
		bySize(out, t)
	} else {
		byDomain(out)
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

// bySize lays waves of so many machines, each within one failure domain. The canaries are
// wave 0: of each model one, then from the front.
func bySize(out []Member, t Terms) {
	left, models := t.Canary, map[string]bool{}
	for _, newModel := range []bool{true, false} {
		for i := range out {
			if m := &out[i]; left > 0 && m.State == Waiting && !m.Canary && (!newModel || !models[m.Model]) {
				m.Canary, models[m.Model] = true, true
				left--
			}
		}
	}
	wave, count, last := 0, 0, (*Member)(nil)
	for i := range out {
		m := &out[i]
		if m.Canary {
			m.Wave = 0
			continue
		}
		if last == nil || count == t.Size || m.Domain != last.Domain || m.Active != last.Active {
			wave, count = wave+1, 0
		}
		m.Wave, last = wave, m
		count++
	}
}

// byDomain sends one machine of each failure domain first, then all others that run
// nothing. What is active comes one domain after the other, so that what fails is never in
// two: the first of a domain alone, then the rest of it.
func byDomain(out []Member) {
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
}

// relead makes another machine the canary where one was skipped: it proved nothing.
func (f *Fleet) relead() {
	for i := range f.Members {
		c := &f.Members[i]
		if !c.Canary || c.State != Skipped || c.Wave != f.Wave {
			continue
		}
		c.Canary = false
		if m := f.heir(c); m != nil {
			m.Wave, m.Canary = c.Wave, true
		}
	}
}

// heir is who goes first in place of a machine: of its failure domain, or where waves have
// a size of its model if there is one, else the next.
func (f *Fleet) heir(c *Member) (next *Member) {
	for k := range f.Members {
		m := &f.Members[k]
		switch {
		case m.State != Waiting || m.Canary || m.Wave <= c.Wave:
		case f.Terms.Size == 0 && m.Wave == c.Wave+1 && m.Domain == c.Domain, f.Terms.Size > 0 && m.Model == c.Model:
			return m
		case f.Terms.Size > 0 && next == nil:
			next = m
		}
	}
	return next
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
		f.relead()
	}
}

// open reports whether a wave has something waiting or in motion.
func (f *Fleet) open(wave int) bool {
	return slices.ContainsFunc(f.Members, func(m Member) bool { return m.Wave == wave && (m.State == Waiting || m.State == Running) })
}

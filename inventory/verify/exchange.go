package verify

import (
	"slices"
)

// exchangeCost is what exchanging two switches counts, in moves of single cables: it is
// named only when it saves more than so many.
const exchangeCost = 3

// exchange finds switches that stand in each other's place, or have another name than
// planned, where that explains more than single cables do.
func (s *solver) exchange() {
	switches := s.switches()
	best, least := map[string]string{}, s.cost(nil)
	if len(switches) <= maxPermutations {
		permute(switches, func(order []string) {
			through := map[string]string{}
			for i, name := range switches {
				through[name] = order[i]
			}
			if c := s.cost(through) + exchangeCost*transpositions(through); c < least {
				best, least = through, c
			}
		})
	} else {
		best = s.pairs(switches)
	}
	s.apply(switches, best)
}

// switches are those that wrong cables are wanted in or are in.
func (s *solver) switches() []string {
	var out []string
	for _, w := range s.wires {
		if w.wrong() {
			out = append(out, w.Want.Owner, w.Has.Owner)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pairs exchanges the pair that saves most, again and again.
func (s *solver) pairs(switches []string) map[string]string {
	through := map[string]string{}
	for _, name := range switches {
		through[name] = name
	}
	for range switches {
		least, x, y := s.cost(through), "", ""
		for i, a := range switches {
			for _, b := range switches[:i] {
				if c := s.cost(exchanged(through, a, b)) + exchangeCost; c < least {
					least, x, y = c, a, b
				}
			}
		}
		if x == "" {
			break
		}
		through = exchanged(through, x, y)
	}
	return through
}

// exchanged is through, followed by an exchange of a and b.
func exchanged(through map[string]string, a, b string) map[string]string {
	out := map[string]string{}
	for from, to := range through {
		switch to {
		case a:
			to = b
		case b:
			to = a
		}
		out[from] = to
	}
	return out
}

// transpositions is how many exchanges of two make the permutation.
func transpositions(through map[string]string) int {
	n, done := 0, map[string]bool{}
	for start := range through {
		for at := start; !done[at]; at = through[at] {
			done[at] = true
			if through[at] != start {
				n++
			}
		}
	}
	return n
}

// permute calls f with every order of list.
func permute(list []string, f func([]string)) {
	list = slices.Clone(list)
	var walk func(int)
	walk = func(k int) {
		if k == len(list) {
			f(list)
			return
		}
		for i := k; i < len(list); i++ {
			list[k], list[i] = list[i], list[k]
			walk(k + 1)
			list[k], list[i] = list[i], list[k]
		}
	}
	walk(0)
}

// apply makes the causes of exchanged switches and goes on as if they were put right.
func (s *solver) apply(switches []string, through map[string]string) {
	done := map[string]bool{}
	for _, start := range switches {
		if done[start] || through[start] == "" || through[start] == start {
			continue
		}
		var ring []string
		for at := start; !done[at]; at = through[at] {
			done[at] = true
			ring = append(ring, at)
		}
		var nics []MachinePort
		for _, w := range s.wires {
			if w.wrong() && slices.Contains(ring, w.Has.Owner) {
				nics = append(nics, w.NIC)
			}
		}
		s.causes = append(s.causes, s.switchCause(ring, nics))
	}
	for i := range s.wires {
		s.wires[i].Has = renamed(s.wires[i].Has, through)
	}
}

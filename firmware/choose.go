package firmware

import (
	"cmp"
	"maps"
	"slices"
)

// Wish is what a machine is to have: its baseline, or what one file holds.
type Wish struct {
	File      string // name; empty: the baseline
	Downgrade bool   // also where what it has is later; a file that is named is asked for anyway
}

// Choice is what to do, and what stands in the way. Both may be there: the picks are
// those components that can be brought where they belong.
type Choice struct {
	Picks   []Pick   `json:"picks" nullable:"false"`
	Lacks   []Lack   `json:"lacks,omitempty" nullable:"false"`
	Ahead   []Beside `json:"ahead,omitempty" nullable:"false" doc:"Left alone: later than the baseline"`
	Already bool     `json:"already,omitempty" doc:"Nothing to do"`
}

// Lack is a component that cannot be brought to its version, and what is missing.
type Lack struct {
	Component string `json:"component"`
	From      string `json:"from,omitempty"`
	To        string `json:"to"`
	Why       string `json:"why"`
}

func (c *Choice) lack(component string) string {
	for _, l := range c.Lacks {
		if Key(l.Component) == Key(component) {
			return l.Why
		}
	}
	return ""
}

// Resets counts the resets of the machine that the picks need.
func Resets(picks []Pick) int {
	stages := map[int]bool{}
	for _, p := range picks {
		if p.Reset == ResetHost {
			stages[p.Stage] = true
		}
	}
	return len(stages)
}

// Choose returns the files that bring a machine where it belongs, in their order: the BMC
// first, what another file needs before it, intermediate versions on the way, and as many
// as possible in one stage, which is one reset of the machine.
func Choose(m Machine, files []File, w Wish) Choice {
	s := &search{m: &m, have: map[string]string{}, busy: map[string]bool{}, left: mostTries}
	for i := range files {
		if Match(&files[i], &m) {
			s.files = append(s.files, &files[i])
		}
	}
	slices.SortFunc(s.files, func(a, b *File) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name)) })
	for _, v := range m.Have {
		s.see(v.Component, v.Version)
	}
	for _, v := range m.Baseline {
		s.see(v.Component, m.Version(v.Component))
	}
	out := Choice{}
	for _, want := range s.wanted(w, files, &out) {
		out.Lacks = append(out.Lacks, s.reach(want)...)
	}
	out.Picks = staged(s.picks, &m)
	out.Already = len(out.Picks) == 0 && len(out.Lacks) == 0
	return out
}

// notSeen is what lacks where no observer named a component.
const notSeen = "nobody saw which version it has"

// Unseen reports whether all that lacks is a look at the machine.
func (c *Choice) Unseen() bool {
	return len(c.Lacks) > 0 && !slices.ContainsFunc(c.Lacks, func(l Lack) bool { return l.Why != notSeen })
}

// staged puts what a reset of the machine makes run into as few stages as can be. A new
// one begins where a file needs what only the reset before makes run, where a component
// comes again, and before a BMC restarts: what is staged might be lost with it.
func staged(picks []*step, m *Machine) []Pick {
	out := []Pick{}
	running := map[string]string{} // since the last reset
	for _, v := range append(slices.Clone(m.Have), m.Baseline...) {
		if key := Key(v.Component); running[key] == "" {
			running[key] = m.Version(v.Component)
		}
	}
	waiting, stage := map[string]string{}, 1
	for _, p := range picks {
		key := Key(p.file.Component)
		unmet := slices.ContainsFunc(p.file.Requires, func(n Need) bool { return !AtLeast(running[Key(n.Component)], n.AtLeast) })
		if len(waiting) > 0 && (unmet || waiting[key] != "" || p.file.Reset == ResetBMC) {
			maps.Copy(running, waiting)
			clear(waiting)
			stage++
		}
		if p.file.Reset == ResetHost {
			waiting[key] = p.file.Version
		} else {
			running[key] = p.file.Version
		}
		out = append(out, Pick{File: p.file.Name, Digest: p.file.Digest, Size: p.file.Size, Original: p.file.Original, Component: p.file.Component,
			From: p.from, To: p.file.Version, Reset: p.file.Reset, Stage: stage})
	}
	return out
}

// Nothing says why there is nothing to put on a machine.
func (c *Choice) Nothing() string {
	if len(c.Lacks) > 0 {
		return c.Lacks[0].Component + ": " + c.Lacks[0].Why
	}
	return "it has what it is to have"
}

package firmware

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rackwright/inventory"
)

// mostTries bounds the search: catalogues are written by people, and people make loops.
const mostTries = 2000

// search tries ways from what a machine has to what it is to have.
type search struct {
	m     *Machine
	files []*File           // for this machine
	have  map[string]string // version by Key, with what was picked so far on it
	picks []*step
	busy  map[string]bool // components on the way, so that needs do not go in circles
	left  int
}

// step is a file on its way onto the machine.
type step struct {
	file *File
	from string
}

func (s *search) see(component, version string) {
	if key := Key(component); version != "" && s.have[key] == "" {
		s.have[key] = version
	}
}

// wanted are the versions to reach, the BMC's first: its later versions know more of the
// rest.
func (s *search) wanted(w Wish, all []File, out *Choice) (want []inventory.Version) {
	if w.File != "" {
		return s.named(w.File, all, out)
	}
	for _, v := range s.m.Baseline {
		have := s.have[Key(v.Component)]
		switch at := standing(have, v.Version); {
		case at == Ahead && !w.Downgrade:
			out.Ahead = append(out.Ahead, Beside{Component: v.Component, Want: v.Version, Have: have, Standing: at})
		case at == Unknown:
			out.Lacks = append(out.Lacks, Lack{Component: v.Component, To: v.Version, Why: notSeen})
		default:
			want = append(want, v)
		}
	}
	first := func(v inventory.Version) int { return slices.Index([]string{"", "bios", "bmc"}, Key(v.Component)) }
	slices.SortStableFunc(want, func(a, b inventory.Version) int { return first(b) - first(a) })
	return want
}

// named is the wish for one file: no other with its version will do.
func (s *search) named(name string, all []File, out *Choice) []inventory.Version {
	for _, f := range s.files {
		if f.Name != name {
			continue
		}
		s.files = slices.DeleteFunc(s.files, func(o *File) bool {
			return o != f && Key(o.Component) == Key(f.Component) && Same(o.Version, f.Version)
		})
		return []inventory.Version{{Component: f.Component, Version: f.Version}}
	}
	lack := Lack{Why: "there is no firmware file " + name}
	for _, f := range all {
		if f.Name == name {
			lack = Lack{Component: f.Component, To: f.Version, Why: fmt.Sprintf("%s is for %s, and this is %s", name,
				strings.TrimSpace(f.Vendor+" "+strings.Join(f.Models, ", ")), said(append(slices.Clone(s.m.Models), s.m.Vendors...)))}
		}
	}
	out.Lacks = append(out.Lacks, lack)
	return nil
}

func said(names []string) string {
	var out []string
	for _, n := range names {
		if n = strings.TrimSpace(n); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return "of a model that nobody knows"
	}
	return strings.Join(out, ", ")
}

// reach picks files until a component has a version, or says what is missing. A need of a
// file may have brought it there already.
func (s *search) reach(want inventory.Version) []Lack {
	from := s.have[Key(want.Component)]
	if why := s.bring(want.Component, want.Version); why != "" {
		return []Lack{{Component: want.Component, From: from, To: want.Version, Why: why}}
	}
	return nil
}

// bring picks the shortest way to a version whose files' needs can be met; "" when it is
// reached.
func (s *search) bring(component, version string) (why string) {
	key := Key(component)
	if Same(s.have[key], version) {
		return ""
	}
	if s.busy[key] {
		return "it is needed by what it needs itself"
	}
	s.busy[key] = true
	defer delete(s.busy, key)
	barred := map[*File]bool{}
	for {
		if s.left--; s.left < 0 {
			return "the files need each other in too many ways"
		}
		way := s.way(key, version, barred)
		if way == nil {
			return cmp.Or(why, s.noWay(component, version))
		}
		have, picks := maps.Clone(s.have), len(s.picks)
		stopped, because := s.follow(key, way)
		if stopped == nil {
			return ""
		}
		s.have, s.picks = have, s.picks[:picks]
		barred[stopped] = true
		why = cmp.Or(why, because)
	}
}

// way is the shortest chain of files from what a component has to a version.
func (s *search) way(key, version string, barred map[*File]bool) []*File {
	type place struct {
		version string
		way     []*File
	}
	queue, been := []place{{version: s.have[key]}}, []string{s.have[key]}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, f := range s.files {
			if Key(f.Component) != key || barred[f] || !f.goesOn(at.version) || slices.ContainsFunc(been, func(v string) bool { return Same(v, f.Version) }) {
				continue
			}
			way := append(slices.Clone(at.way), f)
			if Same(f.Version, version) {
				return way
			}
			been = append(been, f.Version)
			queue = append(queue, place{f.Version, way})
		}
	}
	return nil
}

// goesOn reports whether the file may be put on a version.
func (f *File) goesOn(version string) bool {
	return len(f.From) == 0 || slices.ContainsFunc(f.From, func(p string) bool { return fits(p, version) })
}

// follow picks the files of a way after what each needs. It returns the file whose need
// cannot be met, and why.
func (s *search) follow(key string, way []*File) (*File, string) {
	for _, f := range way {
		for _, n := range f.Requires {
			if why := s.meet(n); why != "" {
				return f, fmt.Sprintf("%s needs %s %s or later: %s", f.Name, n.Component, n.AtLeast, why)
			}
		}
		s.picks = append(s.picks, &step{f, s.have[key]})
		s.have[key] = f.Version
	}
	return nil, ""
}

// meet brings a component to a version that a file needs: to its baseline where that will
// do, else to the lowest that does. It is never brought beyond its baseline.
func (s *search) meet(n Need) string {
	key := Key(n.Component)
	if AtLeast(s.have[key], n.AtLeast) {
		return ""
	}
	if s.have[key] == "" {
		return notSeen
	}
	var will []string
	for _, v := range s.m.Baseline {
		if Key(v.Component) == key {
			if !AtLeast(v.Version, n.AtLeast) {
				return "the baseline is " + v.Version
			}
			will = append(will, v.Version)
		}
	}
	var lower []string
	for _, f := range s.files {
		if Key(f.Component) == key && AtLeast(f.Version, n.AtLeast) && (len(will) == 0 || AtLeast(will[0], f.Version)) {
			lower = append(lower, f.Version)
		}
	}
	slices.SortFunc(lower, func(a, b string) int { order, _ := Compare(a, b); return order })
	why := ""
	for _, v := range append(will, lower...) {
		because := s.bring(n.Component, v)
		if because == "" {
			return ""
		}
		why = cmp.Or(why, because)
	}
	return cmp.Or(why, "no file has it")
}

// noWay says what is missing, as exactly as it can be told.
func (s *search) noWay(component, version string) string {
	var starts []string
	for _, f := range s.files {
		if Key(f.Component) == Key(component) && Same(f.Version, version) {
			starts = append(starts, fmt.Sprintf("%s goes on %s only", f.Name, strings.Join(f.From, ", ")))
		}
	}
	if len(starts) == 0 {
		return fmt.Sprintf("no file has %s %s for this machine", component, version)
	}
	return fmt.Sprintf("no file leads from %s: %s", cmp.Or(s.have[Key(component)], "a version nobody saw"), strings.Join(starts, "; "))
}

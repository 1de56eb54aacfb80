package firmware

import (
	"cmp"
	"slices"
)

// Standing is how firmware stands beside its baseline.
type Standing string

// The standings, the best first.
const (
	NoBaseline Standing = "no-baseline" // the model names none
	Compliant  Standing = "compliant"
	Ahead      Standing = "ahead"   // a later version; left alone unless it is asked for
	Unknown    Standing = "unknown" // nobody saw its version
	Behind     Standing = "behind"  // another version than the baseline's, and there is a way
	NoFile     Standing = "no-file" // another version, and no way
	Updating   Standing = "updating"
)

// Standings lists them, the best first.
func Standings() []Standing {
	return []Standing{NoBaseline, Compliant, Ahead, Unknown, Behind, NoFile, Updating}
}

// Beside is one component beside its baseline.
type Beside struct {
	Component string   `json:"component"`
	Want      string   `json:"want"`
	Have      string   `json:"have,omitempty" doc:"Absent when nobody saw it"`
	Standing  Standing `json:"standing" enum:"compliant,ahead,unknown,behind,no-file"`
	Files     []string `json:"files,omitempty" nullable:"false" doc:"What would go on it, in order"`
	Lacks     string   `json:"lacks,omitempty" doc:"What is missing to bring it there"`
}

// Compliance is a machine's firmware beside its baseline.
type Compliance struct {
	Machine   string   `json:"machine" doc:"Machine id"`
	Name      string   `json:"name"`
	Rack      string   `json:"rack,omitempty"`
	Model     string   `json:"model,omitempty"`
	Standing  Standing `json:"standing" enum:"no-baseline,compliant,ahead,unknown,behind,no-file,updating" doc:"The worst of its parts"`
	Operation string   `json:"operation,omitempty" doc:"The firmware operation that runs on it"`
	Parts     []Beside `json:"parts" nullable:"false"`
}

// Tally is how many machines of a rack stand how.
type Tally struct {
	Rack      string           `json:"rack"`
	Machines  int              `json:"machines"`
	Standings map[Standing]int `json:"standings"`
}

// Comply compares a machine with its baseline.
func Comply(m Machine, files []File) Compliance {
	out := Compliance{Machine: m.ID, Name: m.Name, Rack: m.Rack, Model: m.Model, Operation: m.Busy, Standing: NoBaseline, Parts: []Beside{}}
	choice := Choose(m, files, Wish{})
	for _, want := range m.Baseline {
		p := Beside{Component: want.Component, Want: want.Version, Have: m.Version(want.Component)}
		p.Standing = standing(p.Have, p.Want)
		if p.Standing == Behind {
			for _, pick := range choice.Picks {
				if Key(pick.Component) == Key(want.Component) {
					p.Files = append(p.Files, pick.File)
				}
			}
			if lack := choice.lack(want.Component); lack != "" {
				p.Standing, p.Lacks = NoFile, lack
			}
		}
		out.Parts = append(out.Parts, p)
		out.Standing = worse(out.Standing, p.Standing)
	}
	if m.Busy != "" {
		out.Standing = Updating
	}
	return out
}

// standing compares one version; what cannot be ordered is behind: it is not the baseline.
func standing(have, want string) Standing {
	if have == "" {
		return Unknown
	}
	switch order, sure := Compare(have, want); {
	case sure && order == 0:
		return Compliant
	case sure && order > 0:
		return Ahead
	}
	return Behind
}

func worse(a, b Standing) Standing {
	all := Standings()
	if slices.Index(all, b) > slices.Index(all, a) {
		return b
	}
	return a
}

// Tallies counts machines by rack; those in none come first, under "".
func Tallies(list []Compliance) []Tally {
	at := map[string]*Tally{}
	for _, c := range list {
		t := at[c.Rack]
		if t == nil {
			t = &Tally{Rack: c.Rack, Standings: map[Standing]int{}}
			at[c.Rack] = t
		}
		t.Machines++
		t.Standings[c.Standing]++
	}
	out := []Tally{}
	for _, t := range at {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Tally) int { return cmp.Compare(a.Rack, b.Rack) })
	return out
}

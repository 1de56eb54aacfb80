package access

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is where a caller may do what its role allows: within these sites, these racks and
// these projects, all of it at once. An empty list leaves that open.
type Scope struct {
	Sites    []string `json:"sites,omitempty" maxItems:"1000" doc:"Names; empty: any"`
	Racks    []string `json:"racks,omitempty" maxItems:"1000" doc:"Names; empty: any"`
	Projects []string `json:"projects,omitempty" maxItems:"1000" doc:"Names; empty: any. A rack as such belongs to no project"`
}

// Whole reports whether the scope leaves nothing out.
func (s Scope) Whole() bool { return len(s.Sites) == 0 && len(s.Racks) == 0 && len(s.Projects) == 0 }

// Holds reports whether a place is within the scope. A place that says nothing of, say, its
// project is in none.
func (s Scope) Holds(at Place) bool {
	in := func(list []string, name string) bool {
		return len(list) == 0 || name != "" && slices.Contains(list, name)
	}
	return in(s.Sites, at.Site) && in(s.Racks, at.Rack) && in(s.Projects, at.Project)
}

// mostNames bounds each list of a scope.
const mostNames = 1000

type names struct {
	one, many string
	names     []string
}

func (s Scope) lists() []names {
	return []names{{"site", "sites", s.Sites}, {"rack", "racks", s.Racks}, {"project", "projects", s.Projects}}
}

// String is the scope in words.
func (s Scope) String() string {
	const shown = 5
	var parts []string
	for _, l := range s.lists() {
		switch n := len(l.names); {
		case n == 1:
			parts = append(parts, l.one+" "+l.names[0])
		case n > shown:
			parts = append(parts, fmt.Sprintf("%s %s and %d more", l.many, strings.Join(l.names[:shown], ", "), n-shown))
		case n > 1:
			parts = append(parts, l.many+" "+strings.Join(l.names, ", "))
		}
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, "; ")
}

// Place is where something is that somebody asks for. The zero Place is that of a thing
// without a rack: only a caller without a scope reaches it.
type Place struct {
	Site, Rack, Project string
	kind                placeKind
}

type placeKind uint8

const (
	somewhere placeKind = iota
	everywhere
	nowhere
)

// Everywhere is the place of what concerns all there is.
func Everywhere() Place { return Place{kind: everywhere} }

// Nowhere is the place of what belongs to no rack and no project, and is everybody's.
func Nowhere() Place { return Place{kind: nowhere} }

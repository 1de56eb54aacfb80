package netbox

import (
	"fmt"
	"strings"
)

// notes counts what is left out, by kind, with some names.
type notes struct {
	at   map[string]int
	list []note
}

type note struct {
	what  string
	names []string
	count int
}

// maxNamed is how many names one note has.
const maxNamed = 20

func (n *notes) add(what, format string, args ...any) {
	i, known := n.at[what]
	if !known {
		i = len(n.list)
		n.at[what], n.list = i, append(n.list, note{what: what})
	}
	if n.list[i].count++; n.list[i].count <= maxNamed {
		n.list[i].names = append(n.list[i].names, fmt.Sprintf(format, args...))
	}
}

func (n *notes) all() (out []string) {
	for _, n := range n.list {
		line := n.what + ": " + strings.Join(n.names, ", ")
		if more := n.count - len(n.names); more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, line)
	}
	return out
}

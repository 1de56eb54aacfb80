package deploy

import (
	"fmt"
	"strings"
)

//go:generate go test -run TestTheDrawings -update .

// Drawing renders the table of states as a Mermaid state diagram.
func Drawing() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> queued\n")
	for _, e := range StateEdges() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.From, e.To, strings.ReplaceAll(e.Cause, ";", ","))
	}
	for _, s := range []State{Succeeded, Failed, Cancelled} {
		fmt.Fprintf(&b, "    %s --> [*]\n", s)
	}
	return b.String()
}

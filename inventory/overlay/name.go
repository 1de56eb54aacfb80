package overlay

import (
	"fmt"
	"strings"
)

// maxName is the length of a name (RFC 1123 label).
const maxName = 63

// Name makes a name of ours from one of others: small letters, digits, and one - for each
// run of anything else. It is "" when nothing is left.
func Name(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
		if b.Len() >= maxName {
			break
		}
	}
	return strings.TrimRight(b.String()[:min(b.Len(), maxName)], "-")
}

// Names remembers which name of others became which of ours, so that two are not taken
// for one.
type Names struct{ from map[string]string }

// Of returns our name, and what is wrong with it: nothing is left of the given one, or
// another became the same. Space is the kind of thing named, e.g. rack.
func (n *Names) Of(space, given string) (name, wrong string) {
	name = Name(given)
	if name == "" {
		return "", fmt.Sprintf("of %.60q no letter a-z or digit is left for a name", given)
	}
	if n.from == nil {
		n.from = map[string]string{}
	}
	first, taken := n.from[space+" "+name]
	if taken && first != given {
		return "", fmt.Sprintf("%.60q and %.60q would both be called %s", first, given, name)
	}
	n.from[space+" "+name] = given
	return name, ""
}

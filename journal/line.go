package journal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes of what a machine says one line of at most so many bytes: it ends in journals
// and on terminals.
func Line(s string, most int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			continue
		}
		if b.Len()+utf8.RuneLen(r) > most {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

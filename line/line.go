// Package line makes one line of what a stranger says: it ends in journals, in errors and
// on terminals.
package line

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Of is s as one line of at most so many bytes of UTF-8, without what moves a terminal's
// cursor, what turns the direction of text, and what is no text.
func Of(s string, most int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r), r == utf8.RuneError:
			continue
		}
		if b.Len()+utf8.RuneLen(r) > most {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

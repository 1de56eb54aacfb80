package console

import (
	"strings"
	"unicode/utf8"
)

// Plain is what a terminal's stream says without how it looks: escape sequences (ECMA-48),
// control characters and what is no UTF-8 are gone, lines end in \n, and a line that was
// written over is as it was left. What a machine says ends in journals and on other
// terminals, where it must move nothing.
func Plain(raw []byte) string {
	var out strings.Builder
	line := []rune{}
	at := 0 // of the cursor in the line
	end := func() {
		out.WriteString(strings.TrimRight(string(line), " "))
		line, at = line[:0], 0
	}
	for i := 0; i < len(raw); {
		if raw[i] == esc {
			i += sequence(raw[i:])
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		i += size
		switch {
		case r == '\n':
			end()
			out.WriteByte('\n')
		case r == '\r':
			at = 0
		case r == '\b':
			at = max(0, at-1)
		case r == '\t':
			r = ' '
			fallthrough
		case r >= ' ' && r != 0x7f && r != utf8.RuneError && !(r >= 0x80 && r < 0xa0) && !turns(r):
			if at < len(line) {
				line[at] = r
			} else {
				line = append(line, r)
			}
			at++
		}
	}
	end()
	return out.String()
}

const esc = 0x1b

// turns reports whether a character changes the direction of text, so that a line reads
// as it is not (Unicode Standard Annex 9).
func turns(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// sequence is the length of the escape sequence that raw begins with; one that does not
// end takes the rest, but at most a few dozen bytes.
func sequence(raw []byte) int {
	const longest = 64
	if len(raw) < 2 {
		return len(raw)
	}
	switch raw[1] {
	case '[': // CSI: parameters and intermediates, then one final byte
		for i := 2; i < min(len(raw), longest); i++ {
			if raw[i] >= 0x40 && raw[i] <= 0x7e {
				return i + 1
			}
			if raw[i] < 0x20 || raw[i] > 0x7e {
				return i
			}
		}
	case ']', 'P', '^', '_', 'X': // OSC, DCS, PM, APC, SOS: until BEL or ST
		for i := 2; i < min(len(raw), 4*longest); i++ {
			if raw[i] == 7 {
				return i + 1
			}
			if raw[i] == esc {
				return min(i+2, len(raw))
			}
		}
	default: // intermediates, then one final byte
		for i := 1; i < min(len(raw), longest); i++ {
			if raw[i] >= 0x30 && raw[i] <= 0x7e {
				return i + 1
			}
			if raw[i] < 0x20 || raw[i] > 0x7e {
				return i
			}
		}
	}
	return min(len(raw), longest)
}

// Last is the end of a text, at most n bytes, of whole lines where there are several.
func Last(text string, n int) string {
	if len(text) <= n {
		return text
	}
	text = text[len(text)-n:]
	if i := strings.IndexByte(text, '\n'); i >= 0 && i < len(text)-1 {
		return text[i+1:]
	}
	return strings.ToValidUTF8(text, "")
}

// Line is the last line that says something.
func Line(text string) string {
	text = strings.TrimRight(text, " \n")
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

package main

import (
	"bytes"
	"io"
	"strings"
)

// folder breaks long lines for a narrow terminal, a technician's phone for one. What goes on
// stands under the second column, so that a list can still be read down its first.
type folder struct {
	out   io.Writer
	width int  // 0: lines are left whole
	bare  bool // tables without headings
	rest  []byte
}

func (f *folder) Write(p []byte) (int, error) {
	f.rest = append(f.rest, p...)
	for {
		end := bytes.IndexByte(f.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		if _, err := io.WriteString(f.out, fold(string(f.rest[:end]), f.width)+"\n"); err != nil {
			return 0, err
		}
		f.rest = f.rest[end+1:]
	}
}

// flush writes what had no line's end.
func (f *folder) flush() error {
	_, err := io.WriteString(f.out, fold(string(f.rest), f.width))
	f.rest = nil
	return err
}

// fold breaks a line between words. A word that is longer than a line is left whole, so
// that it can be copied.
func fold(line string, width int) string {
	if width == 0 || len([]rune(line)) <= width {
		return line
	}
	hang := indent(line, width)
	var b strings.Builder
	start, column := true, 0
	for _, word := range strings.SplitAfter(line, " ") {
		n := len([]rune(strings.TrimRight(word, " ")))
		if !start && n > 0 && column+n > width && column > hang {
			b.WriteString("\n" + strings.Repeat(" ", hang))
			column = hang
		}
		b.WriteString(word)
		column += len([]rune(word))
		start = start && n == 0
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// indent is where the lines below the first begin: under its second column, if that leaves
// half of the width.
func indent(line string, width int) int {
	text := strings.TrimLeft(line, " ")
	lead := len(line) - len(text)
	at := lead
	if gap := strings.Index(text, "  "); gap >= 0 {
		at = lead + len([]rune(text[:gap])) + len(text[gap:]) - len(strings.TrimLeft(text[gap:], " "))
	}
	switch {
	case at > lead && at <= width/2:
		return at
	case strings.HasPrefix(text, "-> "), strings.HasPrefix(text, "=> "), strings.HasPrefix(text, "!! "):
		at = lead + 3
	default:
		at = lead + 2
	}
	if at > width/2 {
		return 2
	}
	return at
}

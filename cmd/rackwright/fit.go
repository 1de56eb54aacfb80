package main

import (
	"slices"
)

// prose are the columns of free text: they are shortened before others are.
func prose() []string {
	return []string{"WHY", "ERROR", "REASON", "NOTE", "MESSAGE", "FROM", "WHAT TO DO", "EVIDENCE", "LABELS", "SAYS", "FILES OR WHAT LACKS", "WHAT FOR", "CONDITION",
		"DIGEST", "WAIVED", "REQUIRES", "HARDWARE", "LIKELY DONE", "URL", "WARMING"}
}

// spare are the columns that a narrow terminal does without, the least important first.
func spare() []string {
	return []string{"DIGEST", "STORED", "SHARED", "FORMAT", "ASSET TAG", "FIRMWARE", "CERTIFICATE", "LAST USED", "GIVEN BY", "CREATED", "VENDOR", "TRIES", "LIMIT",
		"MODEL", "FROM", "REQUIRES", "SIZE", "IMAGE", "SERIAL", "ADDRESS", "POWER", "ARCH", "SITE", "ROOM", "ROW"}
}

// gap stands between two columns, in characters.
const gap = 2

// fit makes a table as narrow as a terminal: prose is shortened, then columns are left out,
// then what is widest is shortened. The first column is whole as long as it can be: it is
// what one copies.
func fit(heading []string, rows [][]string, width int) ([]string, [][]string) {
	t := &fitting{heading: slices.Clone(heading), rows: rows, width: width}
	for _, least := range []int{24, 12} {
		t.shorten(least, func(i int) bool { return i > 0 && slices.Contains(prose(), t.heading[i]) })
		for _, name := range spare() {
			if t.over() > 0 && least == 24 {
				t.drop(slices.Index(t.heading, name))
			}
		}
	}
	t.shorten(8, func(i int) bool { return i > 0 })
	for t.over() > 0 && len(t.heading) > 1 {
		t.drop(len(t.heading) - 1)
	}
	t.shorten(1, func(int) bool { return true })
	return t.heading, t.rows
}

// fitting is a table that is made narrower.
type fitting struct {
	heading []string
	rows    [][]string
	width   int
}

// wide is the width of a column.
func (t *fitting) wide(i int) int {
	n := len([]rune(t.heading[i]))
	for _, r := range t.rows {
		n = max(n, len([]rune(r[i])))
	}
	return n
}

// over is by how much the table is too wide.
func (t *fitting) over() int {
	n := -t.width - gap
	for i := range t.heading {
		n += t.wide(i) + gap
	}
	return n
}

// shorten shortens the widest of the columns that may be, to so many characters at least,
// until the table fits.
func (t *fitting) shorten(least int, may func(int) bool) {
	for range t.heading {
		widest, n := -1, least
		for i := range t.heading {
			if wide := t.wide(i); may(i) && wide > n {
				widest, n = i, wide
			}
		}
		over := t.over()
		if widest < 0 || over <= 0 {
			return
		}
		n = max(least, n-over)
		t.heading[widest] = cut(t.heading[widest], n)
		for _, r := range t.rows {
			r[widest] = cut(r[widest], n)
		}
	}
}

// drop leaves a column out; the first never.
func (t *fitting) drop(i int) {
	if i <= 0 {
		return
	}
	t.heading = slices.Delete(t.heading, i, i+1)
	for j := range t.rows {
		t.rows[j] = slices.Delete(t.rows[j], i, i+1)
	}
}

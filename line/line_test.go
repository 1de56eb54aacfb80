package line_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rackwright/line"
)

func TestALineIsOneLineAndBounded(t *testing.T) {
	for said, want := range map[string]string{
		"node1": "node1", " a\r\nb\x00 ": "a  b", "\x1b[2Jgone": "[2Jgone", "ünïcöde": "ünïcöd", "\xff\xfe": "", strings.Repeat(" ", 20) + "x": "", "\u202erev": "rev",
	} {
		if got := line.Of(said, 9); got != want {
			t.Errorf("%q became %q, not %q", said, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("a\x00\xff\u202e", 3)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if got := line.Of(s, most); len(got) > max(most, 0) || !utf8.ValidString(got) {
			t.Errorf("%q of at most %d bytes became %q", s, most, got)
		}
	})
}

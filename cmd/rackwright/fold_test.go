package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestALongLineGoesOnUnderItsSecondColumn(t *testing.T) {
	for line, want := range map[string]string{
		"short": "short",
		"Condition:  bmc-unusable since noon: no answer": "Condition:  bmc-unusable\n            since noon: no\n            answer",
		"    => will be powered from A and from B":       "    => will be powered from\n       A and from B",
		"one two three four five six seven":              "one two three four five six\n  seven",
		"a bc " + strings.Repeat("x", 40):                "a bc\n  " + strings.Repeat("x", 40),
		strings.Repeat(" ", 20) + "-> deep in the page":  strings.Repeat(" ", 20) + "-> deep\n  in the page",
	} {
		if got := fold(line, 28); got != want {
			t.Errorf("%q folds to\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestAFolderWritesEveryLine(t *testing.T) {
	var out bytes.Buffer
	f := &folder{out: &out, width: 10}
	fmt.Fprint(f, "one two")
	fmt.Fprint(f, " three\nfour\nfi")
	fmt.Fprint(f, "ve")
	if err := f.flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "one two\n  three\nfour\nfive" {
		t.Errorf("%q", got)
	}
}

// FuzzFold keeps every word, in its order.
func FuzzFold(f *testing.F) {
	f.Add("Condition:  bmc-unusable since noon", 20)
	f.Add("  [ ] mount  名前 in r1 u10", 40)
	f.Fuzz(func(t *testing.T, line string, width int) {
		if width < 10 || width > 200 || !utf8.ValidString(line) || strings.ContainsAny(line, "\n\r\t\v\f\u0085\u00a0") {
			t.Skip()
		}
		if got := fold(line, width); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(line), " ") {
			t.Errorf("%q became %q", line, got)
		}
	})
}

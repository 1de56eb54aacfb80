package main

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestANarrowTableLosesWhatMattersLeast(t *testing.T) {
	heading := []string{"NAME", "KIND", "DIGEST", "STATE", "WHY"}
	row := []string{"debian-12", "disk", "sha256:0123456789ab", "halted", "more of the machines of the waves failed than may"}
	for width, want := range map[int]string{
		120: "NAME|KIND|DIGEST|STATE|WHY / debian-12|disk|sha256:0123456789ab|halted|more of the machines of the waves failed than may",
		75:  "NAME|KIND|DIGEST|STATE|WHY / debian-12|disk|sha256:0123456789ab|halted|more of the machines of the …",
		55:  "NAME|KIND|STATE|WHY / debian-12|disk|halted|more of the machines of…",
		40:  "NAME|KIND|STATE|WHY / debian-12|disk|halted|more of the ma…",
		20:  "NAME|KIND / debian-12|disk",
		5:   "NAME / debi…",
	} {
		h, r := fit(heading, [][]string{append([]string(nil), row...)}, width)
		if got := strings.Join(h, "|") + " / " + strings.Join(r[0], "|"); got != want {
			t.Errorf("%d:\n%s\nwant\n%s", width, got, want)
		}
	}
}

func TestNoLineOfATableIsWiderThanTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heading := rapid.SliceOfN(rapid.SampledFrom([]string{"NAME", "WHY", "DIGEST", "STATE", "ID", "FROM"}), 1, 8).Draw(t, "heading")
		rows := make([][]string, rapid.IntRange(0, 5).Draw(t, "rows"))
		for i := range rows {
			rows[i] = rapid.SliceOfN(rapid.StringMatching(`[a-z名é ]{0,40}`), len(heading), len(heading)).Draw(t, "row")
		}
		width := rapid.IntRange(4, 200).Draw(t, "width")
		var out bytes.Buffer
		f := &folder{out: &out, width: width}
		table(f, heading, rows)
		if err := f.flush(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(rows)+1 {
			t.Fatalf("%d lines of %d rows", len(lines), len(rows))
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > width {
				t.Fatalf("%q is %d wide of %d", line, n, width)
			}
		}
	})
}

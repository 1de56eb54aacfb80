package fuzzapi

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

const fuzzPage = "../../docs/running/fuzz.md"

var writePage = flag.Bool("write-fuzz-page", false, "write the counts of the run into docs/running/fuzz.md")

// tally counts what was asked and answered.
type tally struct {
	requests int
	classes  map[int]int    // by hundreds of the status
	codes    map[string]int // refusals by status and code
	failures map[string]int // from 500 on, by what they are
	bends    map[string]int
	whole2xx map[string]int // successes of whole requests, by operation
}

func newTally() tally {
	return tally{classes: map[int]int{}, codes: map[string]int{}, failures: map[string]int{}, bends: map[string]int{}, whole2xx: map[string]int{}}
}

func (y *tally) count(q *request, status int, text []byte) {
	y.requests++
	y.classes[status/100]++
	y.bends[cmp.Or(q.bent, "not at all")]++
	var p struct{ Code string }
	_ = json.Unmarshal(text, &p)
	switch {
	case status >= 500:
		y.failures[fmt.Sprintf("%d %s", status, cmp.Or(p.Code, "(HEAD, or compressed)"))]++
	case status >= 400:
		y.codes[fmt.Sprintf("%d %s", status, cmp.Or(p.Code, "(HEAD, or compressed)"))]++
	case status/100 == 2 && q.bent == "":
		y.whole2xx[q.op.id]++
	}
}

// why says of the answers from 500 on that are let pass what they are.
func why(failure string) string {
	switch {
	case strings.HasPrefix(failure, "501"):
		return "a method that HTTP does not define"
	case strings.HasPrefix(failure, "503"):
		return "the BMCs of two machines do not answer"
	}
	return "a mistake of ours: the run fails"
}

// reach is the part of the table that is the same in each run.
func (y *tally) reach(d *document) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| what | count |\n|---|---|\n| operations of the description | %d |\n", len(d.ops))
	fmt.Fprintf(&b, "| operations that a whole request let succeed | %d |\n", len(y.whole2xx))
	for _, id := range slices.Sorted(maps.Keys(neverHere())) {
		fmt.Fprintf(&b, "| never %s: %s | 0 |\n", id, neverHere()[id])
	}
	return b.String()
}

func (y *tally) table(d *document) string {
	var b strings.Builder
	b.WriteString(y.reach(d))
	fmt.Fprintf(&b, "| requests | %d |\n", y.requests)
	rows := func(what string, of map[string]int, also func(string) string) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			fmt.Fprintf(&b, "| %s %s%s | %d |\n", what, name, also(name), of[name])
		}
	}
	nothing := func(string) string { return "" }
	for _, class := range slices.Sorted(maps.Keys(y.classes)) {
		fmt.Fprintf(&b, "| answered %dxx | %d |\n", class, y.classes[class])
	}
	rows("refused with", y.codes, nothing)
	rows("answered", y.failures, func(f string) string { return ": " + why(f) })
	rows("bent:", y.bends, nothing)
	return b.String()
}

// counts is where the page has the table of a run.
var counts = regexp.MustCompile(`(?s)\| what \| count \|\n.*\|\n`)

// page compares what the page says of the reach, or writes all counts into it.
func (r *run) page(seed uint64) {
	text, err := os.ReadFile(fuzzPage)
	want(r, err)
	if !*writePage {
		if !strings.Contains(string(text), r.reach(r.doc)) {
			r.Error("docs/running/fuzz.md tells of another reach: go test ./integration/fuzzapi -run RequestsWhole -args -write-fuzz-page")
		}
		return
	}
	if r.Failed() {
		return
	}
	out := counts.ReplaceAllLiteralString(string(text), r.table(r.doc))
	out = regexp.MustCompile(`with seed \d+`).ReplaceAllString(out, fmt.Sprintf("with seed %d", seed))
	want(r, os.WriteFile(fuzzPage, []byte(out), 0o644))
}

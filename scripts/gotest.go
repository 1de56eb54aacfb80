//go:build ignore

// Command gotest reads the output of `go test -json` and prints what a person wants to read of it.
// It is not a test runner: scripts/gotest starts go test and pipes it in.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is a line of `go test -json` (go doc test2json), or of the go command's build output.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// report gathers the lines of each test until it is known how the test ended.
type report struct {
	out                     io.Writer
	output                  map[string][]string // by package and test
	passed, failed, skipped int
	failedIn                map[string]bool // packages with a failed test
	broken                  []string        // packages that failed without one
	skips                   []string
	failures                []string // how each began, to be read at the end as well
}

// beginning is how many lines of a failure are said again at the end, where whoever sees only the
// last lines finds them.
const beginning = 40

func main() {
	r := &report{out: os.Stdout, output: map[string][]string{}, failedIn: map[string]bool{}}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if err != nil {
			break
		}
	}
	if !r.close() {
		os.Exit(1)
	}
}

// line takes one line in; what is not JSON comes from the go command itself and is shown.
func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		fmt.Fprint(r.out, string(line))
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageEnded(e, key)
		} else {
			r.testEnded(e, key)
		}
		delete(r.output, key)
	}
}

func (r *report) testEnded(e event, key string) {
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped++
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", short(e.Package), e.Test, reason(r.output[key])))
	case "fail":
		r.failed++
		r.failedIn[e.Package] = true
		r.fails(fmt.Sprintf("FAIL %s %s", short(e.Package), e.Test), r.output[key])
	}
}

// fails shows a failure whole, and keeps its beginning.
func (r *report) fails(title string, lines []string) {
	fmt.Fprintf(r.out, "\n%s\n%s", title, strings.Join(lines, ""))
	r.failures = append(r.failures, title+"\n"+strings.Join(lines[:min(len(lines), beginning)], ""))
}

// packageEnded shows a package's own output only when it failed without a failing test to blame: it did
// not build, it panicked, or it ran out of time (then the tests still running are shown as well).
func (r *report) packageEnded(e event, key string) {
	if e.Action != "fail" {
		if e.Action == "pass" {
			fmt.Fprintf(r.out, "ok   %s (%.1f s)\n", short(e.Package), e.Elapsed)
		}
		return
	}
	if !r.failedIn[e.Package] {
		r.broken = append(r.broken, short(e.Package))
	}
	title := fmt.Sprintf("FAIL %s (%.1f s)", short(e.Package), e.Elapsed)
	for test, lines := range r.output {
		if strings.HasPrefix(test, e.Package+" ") && test != key {
			fmt.Fprintf(r.out, "unfinished: %s\n%s", test, strings.Join(lines, ""))
			delete(r.output, test)
		}
	}
	r.fails(title, r.output[key])
}

// close prints the summary and says whether all is well.
func (r *report) close() bool {
	if len(r.skips) > 0 {
		fmt.Fprintln(r.out, "\nskipped:")
		for _, s := range r.skips {
			fmt.Fprintln(r.out, "  "+s)
		}
	}
	if len(r.failures) > 0 {
		fmt.Fprintf(r.out, "\nfailed, the first %d lines of each:\n%s", beginning, strings.Join(r.failures, ""))
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if len(r.broken) > 0 {
		fmt.Fprintf(r.out, "did not build or did not finish: %s\n", strings.Join(r.broken, ", "))
	}
	return r.failed == 0 && len(r.broken) == 0
}

// reason finds what t.Skip said: "    file_test.go:12: reason", without the file.
func reason(lines []string) string {
	var said []string
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "===") || strings.HasPrefix(l, "---") {
			continue
		}
		if _, after, ok := strings.Cut(l, ".go:"); ok {
			if _, text, ok := strings.Cut(after, ": "); ok {
				l = text
			}
		}
		said = append(said, l)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, "; ")
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "rackwright/") }

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"rackwright/deploy"
)

// screen shows operations as they go: bars that are redrawn on a terminal, lines of
// changes elsewhere.
type screen struct {
	out   io.Writer
	width int // 0 is no terminal
	now   func() time.Time
	ops   []deploy.Operation
	said  []string // last line of each, without a terminal
	drawn int      // lines on the terminal that belong to us
	shut  bool
}

func (w *world) screen(ops []deploy.Operation) *screen {
	s := &screen{out: w.err, width: w.width, now: w.now, ops: append([]deploy.Operation(nil), ops...), said: make([]string, len(ops))}
	if s.width == 0 && w.format == "table" {
		s.out = w.out
	}
	for i, o := range ops {
		s.changed(i, o)
	}
	return s
}

// changed takes the new state of the i-th operation.
func (s *screen) changed(i int, o deploy.Operation) {
	s.ops[i] = o
	if s.width > 0 {
		s.draw()
		return
	}
	line := change(o)
	if line != s.said[i] {
		s.said[i] = line
		fmt.Fprintf(s.out, "%s  %s: %s %s\n", s.now().UTC().Format("15:04:05Z"), oneLine(o.Name), o.Kind, line)
	}
}

// change is what a line says of an operation; progress counts in tenths, so that a log
// of a deployment stays readable.
func change(o deploy.Operation) string {
	s := o.Step()
	if settled(o) {
		return oneLine(ended(o))
	}
	if s == nil || s.Total == 0 {
		return stage(o) + trouble(o)
	}
	return fmt.Sprintf("%s %d %%", s.Title, s.Done*10/s.Total*10)
}

// stage is where an operation is, in the words of its steps.
func stage(o deploy.Operation) string {
	s := o.Step()
	switch {
	case o.State == deploy.Queued:
		return "queued"
	case o.State == deploy.Succeeded:
		return "done"
	case s == nil:
		return string(o.State)
	case s.Total > 0:
		return fmt.Sprintf("%s %d %%", s.Title, s.Done*100/s.Total)
	}
	return s.Title
}

// trouble is the last error of a step that is tried again.
func trouble(o deploy.Operation) string {
	if s := o.Step(); s != nil && o.State == deploy.Running && s.Attempts > 1 && s.Note != "" {
		return " " + oneLine(fmt.Sprintf("(attempt %d of %d after: %s)", s.Attempts, s.Budget, s.Note))
	}
	return ""
}

// share is how much of an operation is done, 0 to 1: its steps count alike, but writing
// the image counts as half of all.
func share(o deploy.Operation) float64 {
	if o.State == deploy.Succeeded || len(o.Steps) == 0 {
		return 1
	}
	var done, all float64
	for i, s := range o.Steps {
		weight := 1.0
		if s.Name == deploy.StepWrite {
			weight = float64(len(o.Steps))
		}
		all += weight
		switch {
		case i < o.Current:
			done += weight
		case i == o.Current && s.Total > 0:
			done += weight * float64(s.Done) / float64(s.Total)
		}
	}
	return min(done/all, 1)
}

// draw redraws all bars in place.
func (s *screen) draw() {
	if s.width == 0 || s.shut {
		return
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	names := 0
	for _, o := range s.ops {
		names = max(names, len([]rune(o.Name)))
	}
	for _, o := range s.ops {
		b.WriteString("\r\x1b[2K" + s.line(o, min(names, 24)) + "\n")
	}
	s.drawn = len(s.ops)
	io.WriteString(s.out, b.String())
}

// line is one machine: name, bar, stage, time. It never wraps.
func (s *screen) line(o deploy.Operation, names int) string {
	text := stage(o) + trouble(o)
	if settled(o) && o.State != deploy.Succeeded {
		text = ended(o)
	}
	end := s.now()
	if !o.Finished.IsZero() {
		end = o.Finished
	}
	took := max(end.Sub(o.Created), 0).Round(time.Second)
	line := fmt.Sprintf("%-*s %s %3.0f %%  %6s  %s", names, cut(oneLine(o.Name), names), bar(share(o), min(24, s.width/4)), share(o)*100, took, oneLine(text))
	return cut(line, s.width-1)
}

// bar draws a share in so many cells.
func bar(share float64, cells int) string {
	full := int(share * float64(cells))
	return strings.Repeat("█", full) + strings.Repeat("░", cells-full)
}

// cut shortens a text to so many characters.
func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:max(width-1, 0)]) + "…"
	}
	return s
}

// close leaves the last drawing where it is.
func (s *screen) close() {
	s.draw()
	s.shut = true
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"rackwright/fault"
)

// reading is what was measured for one figure; peer is 0 where there is none.
type reading struct{ value, peer float64 }

// bench is what a measurement gets: where things are, and whom to tell.
type bench struct {
	cache, bin, out string    // folders
	say             io.Writer // progress, for people
	report          func(name string, m reading) error
}

// tell prints a line of progress.
func (b *bench) tell(format string, args ...any) { fmt.Fprintf(b.say, "bench: "+format+"\n", args...) }

// measure takes the figures of a group and reports each. Figures it did not report count
// as not measured, with its error for the reason.
type measure func(ctx context.Context, b *bench) error

// runner measures groups and writes each figure down as it comes.
type runner struct {
	table    []row
	measures map[string]measure
	to       io.Writer // JSON lines
}

// outcome is what a run came to.
type outcome struct {
	figures []Figure
	missing []error // figures that could not be measured, and why
}

// missed lists the figures that did not reach their goal.
func (o outcome) missed() (names []string) {
	for _, f := range o.figures {
		if !f.OK {
			names = append(names, f.Name)
		}
	}
	return names
}

// groups are the names of the groups in the order of the table.
func (r *runner) groups() (names []string) {
	for _, row := range r.table {
		if !slices.Contains(names, row.group()) {
			names = append(names, row.group())
		}
	}
	return names
}

// choose turns ONLY, names parted by commas or spaces, into groups; empty is all.
func (r *runner) choose(only string) ([]string, error) {
	all := r.groups()
	asked := strings.FieldsFunc(only, func(c rune) bool { return c == ',' || c == ' ' })
	if len(asked) == 0 {
		return all, nil
	}
	for _, name := range asked {
		if !slices.Contains(all, name) {
			return nil, fault.Invalidf("there is no group of figures %q", name).WithHint("groups are %s", strings.Join(all, ", "))
		}
	}
	return slices.DeleteFunc(all, func(g string) bool { return !slices.Contains(asked, g) }), nil
}

// run measures the groups one after the other. A group that fails does not keep the next
// from being measured.
func (r *runner) run(ctx context.Context, b *bench, groups []string) outcome {
	var o outcome
	for _, g := range groups {
		got := map[string]bool{}
		b.report = func(name string, m reading) error {
			f, err := r.write(g, name, m)
			if err != nil {
				return err
			}
			got[name] = true
			o.figures = append(o.figures, f)
			return nil
		}
		err := ctx.Err()
		if err == nil {
			b.tell("measuring %s", g)
			err = r.measures[g](ctx, b)
		}
		o.missing = append(o.missing, r.absent(g, got, err)...)
	}
	return o
}

// write judges a figure and writes its line.
func (r *runner) write(group, name string, m reading) (Figure, error) {
	i := slices.IndexFunc(r.table, func(row row) bool { return row.name == name })
	if i < 0 || r.table[i].group() != group {
		return Figure{}, fault.Internalf("%s reported %q, which is not in its part of the table", group, name)
	}
	row := r.table[i]
	if !sound(m.value) || row.peer != "" && (!sound(m.peer) || m.peer == 0) {
		return Figure{}, fault.Internalf("%s: %g beside %g is no measurement", name, m.value, m.peer)
	}
	f := row.figure(m)
	line, err := json.Marshal(f)
	if err == nil {
		_, err = r.to.Write(append(line, '\n'))
	}
	return f, err
}

// sound reports whether v can be a duration or a rate.
func sound(v float64) bool { return v >= 0 && !math.IsInf(v, 0) && !math.IsNaN(v) }

// absent names the figures of a group that were not reported, and why.
func (r *runner) absent(group string, got map[string]bool, err error) (out []error) {
	if err == nil {
		err = errors.New("its measurement ended without it")
	}
	for _, row := range r.table {
		if row.group() == group && !got[row.name] {
			out = append(out, fmt.Errorf("%s: %w", row.name, err))
		}
	}
	return out
}

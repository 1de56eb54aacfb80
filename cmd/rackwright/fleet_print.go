package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rackwright/fleet"
)

// brings is what a fleet brings to its machines.
func brings(f fleet.Fleet) string {
	switch {
	case f.Kind == fleet.Rollout:
		return f.Image
	case f.File != "":
		return f.File
	}
	return "baseline"
}

func fleetText(f fleet.Fleet) string {
	var out []string
	for _, s := range fleet.MemberStates() {
		if n := f.Tally[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

func etaText(f fleet.Fleet) string {
	if f.State != fleet.Running {
		return timeText(f.Finished)
	}
	return timeText(f.Pace.ETA)
}

// fleetLine is a fleet in one line.
func fleetLine(f fleet.Fleet) string {
	line := fmt.Sprintf("%s: %s, %s", oneLine(f.Name), f.State, fleetText(f))
	if eta := etaText(f); eta != "" && f.State == fleet.Running {
		if f.Pace.Rate > 0 {
			line += fmt.Sprintf("; %s/s", bytesText(int64(f.Pace.Rate)))
		}
		line += "; likely done " + eta
	}
	return line
}

func printFleet(out io.Writer, f fleet.Fleet) {
	what := brings(f)
	if f.Digest != "" {
		what += " (" + f.Digest + ")"
	}
	pairs(out, "Name", f.Name, "Id", f.ID, "State", string(f.State), "Why", f.Why, "Brings", what, "Files", strings.Join(f.Files, ", "), "Machines", fleetText(f),
		"Wave", fmt.Sprint(f.Wave), "Pace", paceText(f), "Likely done", etaText(f), "By", f.Actor, "Created", timeText(f.Created), "Finished", timeText(f.Finished))
	fmt.Fprintln(out)
	printPipes(out, f)
	printMembers(out, f)
}

func paceText(f fleet.Fleet) string {
	p := f.Pace
	round := func(d time.Duration) time.Duration { return d.Round(time.Second) }
	switch {
	case p.Boot+p.Write+p.Finish == 0:
		return ""
	case f.Kind == fleet.Campaign:
		return fmt.Sprintf("%s for a machine", round(p.Finish))
	}
	return fmt.Sprintf("%s to boot, %s to write, %s to phone home; %s/s now", round(p.Boot), round(p.Write), round(p.Finish), bytesText(int64(p.Rate)))
}

func printPipes(out io.Writer, f fleet.Fleet) {
	if len(f.Pipes) == 0 {
		return
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(f.Pipes)) {
		p := f.Pipes[name]
		what := map[fleet.Mode]string{fleet.Up: "more are tried", fleet.Rest: "more brought nothing", fleet.Down: "fewer are tried"}[p.Window.Mode]
		rows = append(rows, []string{name, fmt.Sprint(p.Window.Size), fmt.Sprintf("%.0f", p.Using), bytesText(int64(p.Rate)) + "/s", what})
	}
	table(out, []string{"THROUGH", "AT ONCE", "NOW", "RATE", "FOUND"}, rows)
	fmt.Fprintln(out)
}

func printMembers(out io.Writer, f fleet.Fleet) {
	var rows [][]string
	for _, m := range f.Members {
		wave := fmt.Sprint(m.Wave)
		if m.Canary {
			wave += " first"
		}
		state := string(m.State)
		if m.State == fleet.Running && f.Kind == fleet.Rollout {
			state += ": " + string(m.Stage)
			if m.Stage == fleet.Write {
				state += fmt.Sprintf(" %.0f %%", 100*m.Share)
			}
		}
		rows = append(rows, []string{wave, m.Domain, m.Name, m.Model, state, m.Operation, m.Why})
	}
	table(out, []string{"WAVE", "DOMAIN", "MACHINE", "MODEL", "STATE", "OPERATION", "WHY"}, rows)
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/inventory/racking"
)

func rackTasks(w *world) *cobra.Command {
	var all bool
	c := &cobra.Command{Use: "tasks RACK", Short: "List what is to be done in a rack", Args: names(1, 1),
		Long: "List the steps of racking, from the bottom of the rack upwards, each with its evidence and what to do next.\n" +
			"Evidence completes steps by itself; with --watch the list is printed again whenever something changed, until nothing is open.",
		Example: "  rackwright rack tasks r1\n  rackwright rack tasks r1 --watch",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			sheet, err := cl.RackTasks(c.Context(), args[0])
			if err != nil {
				return err
			}
			w.over = sheet.Open == 0
			return w.show(sheet, func(out io.Writer) { printSheet(out, sheet, all) })
		}}
	c.Flags().BoolVar(&all, "all", false, "also show what is done")
	return w.watchable(c, byEvents, firstRack)
}

func printSheet(out io.Writer, s racking.Sheet, all bool) {
	fmt.Fprintf(out, "rack %s: %d of %d steps open, %d held\n", oneLine(s.Rack), s.Open, s.Total, s.Held)
	for _, it := range s.Items {
		open := slices.ContainsFunc(it.Steps, func(st racking.Task) bool { return st.State != racking.Done && st.State != racking.Waived })
		if !open && !all {
			continue
		}
		fmt.Fprintf(out, "\n%s  %s  %s\n", oneLine(it.Owner), it.Slot.Units(), oneLine(strings.TrimSpace(string(it.Phase)+" "+it.Model)))
		if it.Note != "" {
			fmt.Fprintf(out, "  note: %s\n", oneLine(it.Note))
		}
		for _, st := range it.Steps {
			printStep(out, st, all)
		}
	}
}

// printStep prints an open step with all there is, a closed one on one line.
func printStep(out io.Writer, s racking.Task, all bool) {
	closed := s.State == racking.Done || s.State == racking.Waived
	mark := map[racking.State]string{racking.Todo: "[ ]", racking.Doing: "[~]", racking.Done: "[x]", racking.Held: "[!]", racking.Waived: "[-]"}[s.State]
	line := fmt.Sprintf("  %s %-8s", mark, s.Name)
	if closed && len(s.Evidence) > 0 {
		line += "  " + evidenceText(s.Evidence[0])
	}
	fmt.Fprintln(out, strings.TrimRight(line, " "))
	for i, e := range s.Evidence {
		if !closed || (all && i > 0) {
			fmt.Fprintf(out, "               %s\n", evidenceText(e))
		}
	}
	if s.Hint != "" {
		fmt.Fprintf(out, "               -> %s\n", oneLine(s.Hint))
	}
}

func evidenceText(e racking.Evidence) string {
	text := e.Says
	if e.By != "" {
		text += ", " + e.By
	}
	if !e.At.IsZero() {
		text += " " + timeText(e.At)
	}
	if e.Against {
		text = "BUT " + text
	}
	return oneLine(text)
}

// rackMark is a command that says how a step stands.
func rackMark(w *world, a racking.Action, short, long string, needs bool) *cobra.Command {
	example := fmt.Sprintf("  rackwright rack %s r1 r1-u10 mount", a)
	if needs {
		example += " --reason 'rails are bent'"
	}
	c := &cobra.Command{Use: string(a) + " RACK MACHINE STEP", Short: short, Args: names(3, 3), Example: example,
		Long: long + "\nSteps are receive, mount, cable, power, seen and verified; MACHINE may be a switch or a PDU too.",
		RunE: func(c *cobra.Command, args []string) error {
			if needs && strings.TrimSpace(w.reason) == "" {
				return usage(c, "say why: --reason TEXT")
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			it, err := cl.MarkStep(c.Context(), args[0], args[1], racking.StepName(args[2]), a, w.reason)
			if err != nil {
				return err
			}
			return w.show(it, func(out io.Writer) { printMarked(out, it, racking.StepName(args[2])) })
		}}
	return c
}

// printMarked prints the step that somebody spoke of, and the first that is open then.
func printMarked(out io.Writer, it racking.Item, name racking.StepName) {
	fmt.Fprintf(out, "%s  %s\n", oneLine(it.Owner), it.Slot.Units())
	next := slices.IndexFunc(it.Steps, func(s racking.Task) bool { return s.State != racking.Done && s.State != racking.Waived })
	for i, s := range it.Steps {
		if s.Name == name || i == next {
			printStep(out, s, true)
		}
	}
	if next < 0 {
		fmt.Fprintln(out, "  nothing is open")
	}
}

// rackingCommands are what a technician does at a rack.
func rackingCommands(w *world) []*cobra.Command {
	return []*cobra.Command{rackSlots(w), rackSlot(w), rackTasks(w), rackSignOff(w), rackSignOffs(w),
		rackMark(w, racking.DoDone, "Say that a step of racking is done", "Say that a step is done. Nobody's word completes seen and verified: only evidence does, or a waiver.", false),
		rackMark(w, racking.DoHold, "Stop a step of racking", "Stop a step with a reason; the rack cannot be signed off until it is resumed.", true),
		rackMark(w, racking.DoResume, "End a hold", "End a hold. What was said before it counts again.", false),
		rackMark(w, racking.DoWaive, "Let a step of racking pass as it is", "Let a step pass with a reason. Your name stands in the journal and in the sign-off.", true),
		rackMark(w, racking.DoUndo, "Take back what was said of a step", "Take back what a person said of a step. Evidence stays.", false),
	}
}

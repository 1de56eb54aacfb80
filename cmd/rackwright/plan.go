package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/inventory/plan"
)

func planCommand(w *world) *cobra.Command {
	var file string
	var prune bool
	c := &cobra.Command{Use: "plan -f FILE|DIR|- [--prune]", Short: "Show what applying a rack plan would do", Args: names(0, 0),
		Long:    "Compare a rack plan with the inventory and print the differences. Nothing is changed.\nThe hash names exactly these differences and warnings: give it to apply.\n" + pruneLong,
		Example: "  rackwright plan -f rack.yaml\n  rackwright plan -f plans/ --prune\n  generate-plan | rackwright plan -f -",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := readPlan(w, file)
			if err != nil {
				return err
			}
			p.plan.Prune = prune
			cl, err := w.connect()
			if err != nil {
				return err
			}
			diff, err := cl.DiffPlan(c.Context(), p.plan)
			if err != nil {
				return p.locate(err)
			}
			return w.show(diff, func(out io.Writer) { printDiff(out, diff) })
		}}
	c.Flags().StringVarP(&file, "file", "f", "", "`plan`: a file, a directory of files, or - for standard input")
	c.Flags().BoolVar(&prune, "prune", false, "also remove from the plan's racks what the plan does not name")
	return c
}

const pruneLong = "With --prune, devices and machines that are only planned and that the plan does not name are removed from the\nracks that it names. A machine that was seen is never removed: retire it."

// signs stand before the changes of each kind.
var signs = map[string]string{"create": "+", "change": "~", "remove": "-"}

// printDiff prints changes for people.
func printDiff(out io.Writer, d plan.Diff) {
	if len(d.Changes) == 0 {
		fmt.Fprintln(out, "No changes: the inventory is as the plan says.")
	}
	count := map[string]int{}
	for _, ch := range d.Changes {
		count[ch.Action]++
		fmt.Fprintf(out, "%s %s %s\n", signs[ch.Action], ch.Noun, oneLine(ch.Name))
		for _, f := range ch.Fields {
			fmt.Fprintf(out, "    %s: %s\n", oneLine(f.Field), oneLine(fieldText(f)))
		}
		for _, e := range ch.Effects {
			fmt.Fprintf(out, "    => %s\n", oneLine(e))
		}
		for _, r := range ch.Risks {
			fmt.Fprintf(out, "    !! %s\n", oneLine(r))
		}
	}
	printWarnings(out, d.Warnings)
	if len(d.Unplanned) > 0 {
		fmt.Fprintf(out, "Not in the plan and left alone: %s\n", oneLine(strings.Join(d.Unplanned, ", ")))
	}
	if len(d.Changes) > 0 {
		fmt.Fprintf(out, "%d to create, %d to change, %d to remove. Hash %s\n", count["create"], count["change"], count["remove"], d.Hash)
	}
}

// printWarnings prints what the plan is warned of; a warning stops nothing.
func printWarnings(out io.Writer, list []plan.Warning) {
	for _, w := range list {
		line := fmt.Sprintf("Warning: %s: %s (%s)", w.On, w.Message, w.Rule)
		if w.Waived != "" {
			line = fmt.Sprintf("Waived: %s: %s (%s: %s)", w.On, w.Message, w.Rule, w.Waived)
		}
		fmt.Fprintln(out, oneLine(line))
	}
}

func fieldText(f plan.FieldChange) string {
	switch {
	case f.Old == "":
		return f.New
	case f.New == "":
		return f.Old + " -> (none)"
	}
	return f.Old + " -> " + f.New
}

func applyCommand(w *world) *cobra.Command {
	var file, hash string
	var yes, prune bool
	c := &cobra.Command{Use: "apply -f FILE|DIR|- [--prune] [--hash HASH] [--yes]", Short: "Make the inventory as a rack plan says", Args: names(0, 0),
		Long:    "Apply a rack plan, whole or not at all. What the plan does not name is left alone.\nOn a terminal it shows the differences and asks first; elsewhere give --yes or --hash.\n" + pruneLong,
		Example: "  rackwright apply -f rack.yaml\n  rackwright apply -f rack.yaml --hash 1f0c8a7be21d93c4",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := readPlan(w, file)
			if err != nil {
				return err
			}
			p.plan.Prune = prune
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if !yes && hash == "" {
				if hash, err = w.confirm(c, cl, p, file); err != nil || hash == "" {
					return err
				}
			}
			return w.apply(c.Context(), cl, p, hash)
		}}
	c.Flags().StringVarP(&file, "file", "f", "", "`plan`: a file, a directory of files, or - for standard input")
	c.Flags().BoolVar(&prune, "prune", false, "also remove from the plan's racks what the plan does not name")
	c.Flags().StringVar(&hash, "hash", "", "apply only if plan still prints this `hash`")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (w *world) apply(ctx context.Context, cl *client.Client, p *planFiles, hash string) error {
	diff, err := cl.ApplyPlan(ctx, p.plan, hash)
	if err != nil {
		return p.locate(err)
	}
	return w.show(diff, func(out io.Writer) {
		if len(diff.Changes) == 0 {
			fmt.Fprintln(out, "No changes: the inventory is as the plan says.")
			return
		}
		printWarnings(out, diff.Warnings)
		fmt.Fprintf(out, "Applied %s.\n", count(len(diff.Changes), "change"))
	})
}

// confirm shows the differences and asks. It returns their hash, or "" when there are
// none or the answer is no.
func (w *world) confirm(c *cobra.Command, cl *client.Client, p *planFiles, file string) (string, error) {
	if !w.asks || file == "-" {
		return "", fault.Invalidf("apply changes the inventory, and there is no terminal to ask on").
			WithHint("look at it with 'rackwright plan', then give --hash or --yes")
	}
	diff, err := cl.DiffPlan(c.Context(), p.plan)
	if err != nil {
		return "", p.locate(err)
	}
	printDiff(w.err, diff)
	if len(diff.Changes) == 0 {
		return "", nil
	}
	fmt.Fprint(w.err, "Apply? [y/N] ")
	answer, _ := bufio.NewReader(io.LimitReader(w.in, 1024)).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return "", fault.Conflictf("not applied: you did not say yes")
	}
	return diff.Hash, nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
)

const burnInLong = `Work machines hard for a time and count what goes wrong: all cores on arithmetic whose results
are known, all memory on patterns, every disk read in order and at random, bytes through each
network port that has an address. The machine netboots; ECC, machine check, SMART and link
counters are compared before and after. The tests take turns, so that a short time touches all.

So many machines of a rack work at once as its feeds carry with any one of them lost; the others
wait in the step. A machine that restarts goes on with the rest, and that it restarted is held
against it. Afterwards its figures are compared with those of its model and batch.

With --write disks are written as well, which destroys what they hold: foreign data stops that
unless its disk is named with --overwrite.

` + choosers

func burnInCommand(w *world) *cobra.Command {
	var order wire.BurnIn
	var long time.Duration
	var follow following
	var yes bool
	var t targets
	c := &cobra.Command{Use: "burn-in MACHINE...", Short: "Work machines hard and see what breaks or is slow", Args: names(0, -1), Long: burnInLong,
		Example: "  rackwright burn-in r1-u10 r1-u11 --for 2h --watch\n  rackwright burn-in r1-u10 --for 20m --test cpu,memory\n  rackwright burn-in r1-u10 --write --overwrite S64HNE0R1 --yes\n  rackwright burn-in --rack r1 --for 1h --all-or-none",
		RunE: func(c *cobra.Command, machines []string) error {
			if order.Seconds = int(long.Seconds()); long < deploy.MinBurn || long > deploy.MaxBurn {
				return usage(c, "--for must be between %s and %s", deploy.MinBurn, deploy.MaxBurn)
			}
			if len(order.Overwrite) > 0 && !order.Write {
				return usage(c, "--overwrite is for --write: without it no disk is written")
			}
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if order.DryRun {
					would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanBurnIn(ctx, m, order) }
					return dryRun(c.Context(), w, machines, would, printWould)
				}
				if err := w.sure(yes || !order.Write, "destroys what is on the disks of", machines...); err != nil {
					return err
				}
				return beginMany(c.Context(), w, cl, "burn-in", machines, order, follow, cl.BurnIn)
			})
		}}
	t.add(c)
	c.Flags().DurationVar(&long, "for", 2*time.Hour, "how `long` the tests work, together")
	c.Flags().StringSliceVar(&order.Tests, "test", nil, "`tests`, of cpu, memory, disk and network; none: all")
	c.Flags().BoolVar(&order.Write, "write", false, "write disks as well; destroys what they hold")
	c.Flags().StringSliceVar(&order.Overwrite, "overwrite", nil, "`serial` numbers of disks whose data is given up")
	c.Flags().BoolVar(&order.Active, "active", false, "also a machine that is active: it is restarted")
	c.Flags().BoolVar(&order.DryRun, "dry-run", false, "only show the steps")
	follow.addMany(c)
	yesFlag(c, &yes)
	c.AddCommand(burnInShow(w))
	return c
}

func burnInShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show MACHINE", Short: "Show a machine's last burn-in beside those of its siblings", Args: names(1, 1),
		Long:    "Show what the last burn-in found, and each figure beside the median of the machines of the same model and batch.",
		Example: "  rackwright burn-in show r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			r, err := cl.BurnReport(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(r, func(out io.Writer) { printBurn(out, r) })
		}}
}

func printBurn(out io.Writer, r wire.BurnReport) {
	model := r.Model
	if r.Batch != "" {
		model += ", batch " + r.Batch
	}
	asked := time.Duration(r.Order.Seconds) * time.Second
	pairs(out, "Name", r.Name, "State", string(r.State), "Worked", fmt.Sprintf("%s of %s: %s", time.Duration(r.Seconds)*time.Second, asked, strings.Join(r.Order.Wanted(), ", ")),
		"Model", model, "Siblings", fmt.Sprintf("%d were burned in", r.Siblings), "Began", timeText(r.Began), "Ended", timeText(r.Ended), "Operation", r.Operation)
	for _, list := range []struct {
		title string
		lines []string
	}{{"Went wrong", r.Wrong}, {"Notes", r.Notes}} {
		if len(list.lines) > 0 {
			fmt.Fprintf(out, "\n%s:\n", list.title)
		}
		for _, l := range list.lines {
			fmt.Fprintf(out, "  %s\n", oneLine(l))
		}
	}
	if len(r.Figures) > 0 {
		fmt.Fprintln(out)
		table(out, []string{"TEST", "PART", "FIGURE", "VALUE", "MEDIAN OF OTHERS", "USUAL DEVIATION", "VERDICT"}, burnRows(r.Figures))
	}
}

func burnRows(figures []deploy.BurnCompared) (rows [][]string) {
	for _, f := range figures {
		row := []string{f.Test, f.Part, strings.ReplaceAll(f.Name, "_", " "), f.Text(f.Value), "", "", ""}
		if f.Others > 0 {
			row[4], row[5] = fmt.Sprintf("%s (%d)", f.Text(f.Median), f.Others), f.Text(f.Deviation)
		}
		if f.Worse > 0 {
			row[6] = fmt.Sprintf("%.0f %% worse", f.Worse)
		}
		rows = append(rows, row)
	}
	return rows
}

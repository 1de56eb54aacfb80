package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
)

// following says whether, and for how long, a command watches the work that it began.
type following struct {
	watch   bool
	timeout time.Duration // 0: until all has ended

	together bool   // of several machines all or none
	word     string // said of each that was begun; "" is that
}

func (f *following) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.watch, "wait", false, "wait until all have ended, and show the progress; the exit status tells how")
	c.Flags().BoolVar(&f.watch, "watch", false, "the same")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "with --wait: stop waiting after this `time` (the work goes on)")
}

// dryRun shows what an operation would do to each machine.
func dryRun[T any](ctx context.Context, w *world, machines []string, plan func(context.Context, string) (T, error), print func(io.Writer, string, T)) error {
	all := map[string]T{}
	for _, m := range machines {
		would, err := plan(ctx, m)
		if err != nil {
			return err
		}
		all[m] = would
	}
	return w.show(all, func(out io.Writer) {
		for i, m := range machines {
			if i > 0 {
				fmt.Fprintln(out)
			}
			print(out, m, all[m])
		}
	})
}

func printWould(out io.Writer, machine string, s wire.Steps) {
	fmt.Fprintf(out, "%s would take these steps:\n", oneLine(machine))
	printPlanned(out, s.Steps)
}

// printPlanned prints steps of which none has begun.
func printPlanned(out io.Writer, steps []deploy.Step) {
	var rows [][]string
	for _, s := range steps {
		rows = append(rows, []string{s.Title, s.Limit.String(), fmt.Sprint(s.Budget)})
	}
	table(out, []string{"STEP", "LIMIT", "TRIES"}, rows)
}

// begin starts an operation on each machine, as many as it can, and follows them if
// asked to. The first refusal is the error.
func (w *world) begin(ctx context.Context, cl *client.Client, machines []string, f following,
	start func(context.Context, string) (deploy.Operation, error)) error {
	begun, first := []deploy.Operation{}, error(nil)
	for _, m := range machines {
		o, err := start(ctx, m)
		if err == nil {
			begun = append(begun, o)
			continue
		}
		if errors.Is(err, errAlready) {
			fmt.Fprintf(w.err, "%s: has what it is to have\n", oneLine(m))
			continue
		}
		if first == nil {
			first = err
		} else {
			fmt.Fprintf(w.err, "rackwright: %s\n", oneLine(err.Error()))
		}
	}
	if f.watch {
		if err := w.follow(ctx, cl, begun, f.timeout); first == nil {
			first = err
		}
		return first
	}
	if len(begun) > 0 || first == nil {
		if err := w.show(begun, func(out io.Writer) {
			for _, o := range begun {
				fmt.Fprintf(out, "%s: %s, operation %s\n", oneLine(o.Name), cmp.Or(f.word, string(o.Kind)+" begun"), o.ID)
			}
		}); err != nil {
			return err
		}
	}
	return first
}

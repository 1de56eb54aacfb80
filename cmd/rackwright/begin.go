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

// dryRun shows what an operation would do to each machine. The first refusal is the error.
func dryRun[T any](ctx context.Context, w *world, machines []string, plan func(context.Context, string) (T, error), print func(io.Writer, string, T)) error {
	all, can, refused := map[string]T{}, []string{}, refusals{w: w}
	for _, m := range machines {
		would, err := plan(ctx, m)
		if err != nil {
			refused.add(err)
			continue
		}
		all[m], can = would, append(can, m)
	}
	if len(can) == 0 {
		return refused.first
	}
	if err := w.show(all, func(out io.Writer) {
		for i, m := range can {
			if i > 0 {
				fmt.Fprintln(out)
			}
			print(out, m, all[m])
		}
	}); err != nil {
		return err
	}
	return refused.first
}

// refusals are what speaks against some of many: the first is a command's error, the others
// are said at once.
type refusals struct {
	w     *world
	first error
}

func (r *refusals) add(err error) {
	switch {
	case err == nil:
	case r.first == nil:
		r.first = err
	default:
		fmt.Fprintf(r.w.err, "rackwright: %s\n", oneLine(err.Error()))
	}
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

// start starts an operation on each machine, as many as it can.
func (w *world) start(ctx context.Context, machines []string, start starter) ([]deploy.Operation, refusals) {
	begun, refused := []deploy.Operation{}, refusals{w: w}
	for _, m := range machines {
		o, err := start(ctx, m)
		switch {
		case err == nil:
			begun = append(begun, o)
		case errors.Is(err, errAlready):
			fmt.Fprintf(w.err, "%s: has what it is to have\n", oneLine(m))
		default:
			refused.add(err)
		}
	}
	return begun, refused
}

// begin starts an operation on each machine, as many as it can, and follows them if
// asked to. The first refusal is the error.
func (w *world) begin(ctx context.Context, cl *client.Client, machines []string, f following, start starter) error {
	begun, refused := w.start(ctx, machines, start)
	if f.watch {
		if err := w.follow(ctx, cl, begun, f.timeout); refused.first == nil {
			refused.first = err
		}
		return refused.first
	}
	if len(begun) > 0 || refused.first == nil {
		if err := w.show(begun, func(out io.Writer) {
			for _, o := range begun {
				fmt.Fprintf(out, "%s: %s, operation %s\n", oneLine(o.Name), cmp.Or(f.word, string(o.Kind)+" begun"), o.ID)
			}
		}); err != nil {
			return err
		}
	}
	return refused.first
}

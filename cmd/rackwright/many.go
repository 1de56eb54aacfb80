package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory"
)

// addMany adds the flags of a command that begins work on several machines.
func (f *following) addMany(c *cobra.Command) {
	f.add(c)
	c.Flags().BoolVar(&f.together, "all-or-none", false, "of several machines, begin on all or on none")
}

// starter starts work on a machine; it is called once for each, in their order.
type starter func(ctx context.Context, machine string) (deploy.Operation, error)

// beginMany begins the same work on machines: several by one request, which begins on each
// that it can, or on all or none.
func beginMany[T any](ctx context.Context, w *world, cl *client.Client, verb string, machines []string, order T, f following,
	one func(context.Context, string, T) (deploy.Operation, error)) error {
	start, err := startMany(ctx, cl, verb, machines, order, f.together, one)
	if err != nil {
		return err
	}
	return w.begin(ctx, cl, machines, f, start)
}

// startMany asks for the same work on machines. What it returns tells what became of each.
func startMany[T any](ctx context.Context, cl *client.Client, verb string, machines []string, order T, together bool,
	one func(context.Context, string, T) (deploy.Operation, error)) (starter, error) {
	if len(machines) == 1 {
		return func(ctx context.Context, m string) (deploy.Operation, error) { return one(ctx, m, order) }, nil
	}
	mode := "each"
	if together {
		mode = "all"
	}
	bulk, err := client.Many(ctx, cl, verb, wire.Many[T]{Machines: machines, Mode: mode, Order: order})
	if err != nil {
		return nil, err
	}
	next := 0 // the answer is in the order of the request
	return func(context.Context, string) (deploy.Operation, error) {
		if next >= len(bulk.Items) {
			return deploy.Operation{}, client.Fault(nil)
		}
		item := bulk.Items[next]
		if next++; item.Already {
			return deploy.Operation{}, errAlready
		}
		if item.Operation == nil {
			return deploy.Operation{}, client.Fault(item.Problem)
		}
		return *item.Operation, nil
	}, nil
}

// errAlready is no refusal: a machine has what it is to have.
var errAlready = errors.New("nothing is to be done")

// changing is a change of machines that takes no time.
type changing[T any] struct {
	verb     string
	order    T
	together bool // of several machines all or none
	one      func(ctx context.Context, machine string) (inventory.Machine, error)
	say      func(out io.Writer, m inventory.Machine)
}

// togetherFlag adds the flag of a command that changes several machines.
func togetherFlag(c *cobra.Command, together *bool) {
	c.Flags().BoolVar(together, "all-or-none", false, "of several machines, change all or none")
}

// run changes machines: several by one request. The first refusal is the error.
func (g changing[T]) run(ctx context.Context, w *world, cl *client.Client, machines []string) error {
	if len(machines) == 1 {
		m, err := g.one(ctx, machines[0])
		if err != nil {
			return err
		}
		return w.show(m, func(out io.Writer) { g.say(out, m) })
	}
	mode := "each"
	if g.together {
		mode = "all"
	}
	bulk, err := client.Many(ctx, cl, g.verb, wire.Many[T]{Machines: machines, Mode: mode, Order: g.order})
	if err != nil {
		return err
	}
	done, refused := []inventory.Machine{}, refusals{w: w}
	for _, it := range bulk.Items {
		if it.Result != nil {
			done = append(done, *it.Result)
			continue
		}
		refused.add(client.Fault(it.Problem))
	}
	if len(done) > 0 || refused.first == nil {
		if err := w.show(done, func(out io.Writer) {
			for _, m := range done {
				g.say(out, m)
			}
		}); err != nil {
			return err
		}
	}
	return refused.first
}

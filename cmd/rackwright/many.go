package main

import (
	"context"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
)

// addMany adds the flags of a command that begins work on several machines.
func (f *following) addMany(c *cobra.Command) {
	f.add(c)
	c.Flags().BoolVar(&f.together, "all-or-none", false, "of several machines, begin on all or on none")
}

// beginMany begins the same work on machines: several by one request, which begins on each
// that it can, or on all or none.
func beginMany[T any](ctx context.Context, w *world, cl *client.Client, verb string, machines []string, order T, f following,
	one func(context.Context, string, T) (deploy.Operation, error)) error {
	if len(machines) == 1 {
		return w.begin(ctx, cl, machines, f, func(ctx context.Context, m string) (deploy.Operation, error) { return one(ctx, m, order) })
	}
	mode := "each"
	if f.together {
		mode = "all"
	}
	bulk, err := client.Many(ctx, cl, verb, wire.Many[T]{Machines: machines, Mode: mode, Order: order})
	if err != nil {
		return err
	}
	next := 0 // the answer is in the order of the request
	return w.begin(ctx, cl, machines, f, func(context.Context, string) (deploy.Operation, error) {
		if next >= len(bulk.Items) {
			return deploy.Operation{}, client.Fault(nil)
		}
		item := bulk.Items[next]
		if next++; item.Operation == nil {
			return deploy.Operation{}, client.Fault(item.Problem)
		}
		return *item.Operation, nil
	})
}

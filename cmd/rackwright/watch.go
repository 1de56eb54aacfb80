package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/fault"
)

func watchCommand(w *world) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{Use: "watch [MACHINE...]", Short: "Follow operations until they end", Args: names(0, -1),
		Long: "Follow the newest operation of each machine, or every open one. On a terminal each has a bar;\n" +
			"elsewhere each change is a line. Ends with status 0 when all ended well, else with 1 and the reason.",
		Example: "  rackwright watch\n  rackwright watch r1-u10 r1-u11 --timeout 30m",
		RunE: func(c *cobra.Command, machines []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			ops, err := newest(c.Context(), cl, machines)
			if err != nil {
				return err
			}
			if len(ops) == 0 {
				fmt.Fprintln(w.err, "No operation is open.")
				return nil
			}
			return w.follow(c.Context(), cl, ops, timeout)
		}}
	c.Flags().DurationVar(&timeout, "timeout", 0, "stop watching after this `time` (the work goes on)")
	return c
}

// newest returns each machine's newest operation, or every open one.
func newest(ctx context.Context, cl *client.Client, machines []string) ([]deploy.Operation, error) {
	if len(machines) == 0 {
		return cl.Operations(ctx, client.OperationQuery{Open: true, Limit: 1000})
	}
	var ops []deploy.Operation
	for _, m := range machines {
		list, err := cl.Operations(ctx, client.OperationQuery{Machine: m, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fault.NotFoundf("%s never had an operation", m).WithHint("begin one with 'rackwright deploy' or 'rackwright inspect'")
		}
		ops = append(ops, list[0])
	}
	return ops, nil
}

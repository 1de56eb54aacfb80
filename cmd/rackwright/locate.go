package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/deploy"
)

func machineLocate(w *world) *cobra.Command {
	var off bool
	var long time.Duration
	var follow following
	c := &cobra.Command{Use: "locate MACHINE", Short: "Blink a machine's locator LED", Args: names(1, 1),
		Long:    "Blink the locator LED through the BMC, so that a person finds the machine. It goes out by itself after a while.",
		Example: "  rackwright machine locate r1-u10\n  rackwright machine locate r1-u10 --for 10m\n  rackwright machine locate r1-u10 --off",
		RunE: func(c *cobra.Command, args []string) error {
			if !off && (long < time.Second || long > deploy.MaxBlink) {
				return usage(c, "--for must be between 1s and %s", deploy.MaxBlink)
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if off {
				return w.putOut(c.Context(), cl, args[0])
			}
			return w.begin(c.Context(), cl, args, follow, func(ctx context.Context, machine string) (deploy.Operation, error) {
				return cl.Locate(ctx, machine, true, int(long.Seconds()))
			})
		}}
	c.Flags().BoolVar(&off, "off", false, "put it out")
	c.Flags().DurationVar(&long, "for", time.Minute, "how `long` it blinks, at most 1h")
	follow.add(c)
	return c
}

// putOut ends the blinking.
func (w *world) putOut(ctx context.Context, cl *client.Client, machine string) error {
	o, err := cl.Locate(ctx, machine, false, 0)
	if err != nil {
		return err
	}
	return w.show([]deploy.Operation{o}, func(out io.Writer) {
		fmt.Fprintf(out, "%s: the locator LED is being put out, operation %s\n", oneLine(o.Name), o.ID)
	})
}

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
)

func machineLocate(w *world) *cobra.Command {
	var off, dry bool
	var long time.Duration
	var follow following
	var t targets
	c := &cobra.Command{Use: "locate MACHINE...", Short: "Blink machines' locator LEDs", Args: names(0, -1),
		Long:    "Blink the locator LED through the BMC, so that a person finds the machine. It goes out by itself after a while.",
		Example: "  rackwright machine locate r1-u10\n  rackwright machine locate r1-u10 r1-u11 --for 10m\n  rackwright machine locate --rack r1 --off",
		RunE: func(c *cobra.Command, machines []string) error {
			if !off && (long < time.Second || long > deploy.MaxBlink) {
				return usage(c, "--for must be between 1s and %s", deploy.MaxBlink)
			}
			order := wire.Locate{On: !off}
			if off {
				follow.word = "the locator LED is being put out"
			}
			if order.On {
				order.Seconds = int(long.Seconds())
			}
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if dry {
					would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanLocate(ctx, m, order) }
					return dryRun(c.Context(), w, machines, would, printWould)
				}
				return beginMany(c.Context(), w, cl, "locate", machines, order, follow, func(ctx context.Context, m string, o wire.Locate) (deploy.Operation, error) {
					return cl.Locate(ctx, m, o.On, o.Seconds)
				})
			})
		}}
	c.Flags().BoolVar(&off, "off", false, "put it out")
	c.Flags().DurationVar(&long, "for", time.Minute, "how `long` it blinks, at most 1h")
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the steps")
	follow.addMany(c)
	t.add(c)
	return c
}

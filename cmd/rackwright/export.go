package main

import (
	"io"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"rackwright/fault"
	"rackwright/inventory/plan"
)

func exportCommand(w *world) *cobra.Command {
	var site string
	var racks []string
	c := &cobra.Command{Use: "export [--rack RACK]... [--site SITE]", Short: "Print the plan that makes the inventory as it is", Args: names(0, 0),
		Long: "Print the inventory as a rack plan, YAML unless -o says json. Applied, it changes nothing; exported again, it is the same text.\n" +
			"Passwords of BMCs are not in it: the server gives none out, and a plan without one leaves it as it is.",
		Example: "  rackwright export > rack.yaml\n  rackwright export --rack r1 --rack r2",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			plan, err := cl.ExportPlan(c.Context(), site, racks)
			if err != nil {
				return err
			}
			if w.format == "json" {
				return w.show(plan, nil)
			}
			return writePlan(w.out, plan)
		}}
	c.Flags().StringArrayVar(&racks, "rack", nil, "only this `rack`; may be given several times")
	c.Flags().StringVar(&site, "site", "", "`site`, where there are several")
	return c
}

// writePlan prints a plan with the keys that a plan file has.
func writePlan(out io.Writer, p plan.Plan) error {
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(p); err != nil {
		return fault.Internalf("encode plan: %w", err)
	}
	return enc.Close()
}

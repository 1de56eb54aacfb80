package main

import (
	"os"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/inventory/schema"
)

func schemaCommand(w *world) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "schema", Short: "Print the JSON Schema of a rack plan", Args: names(0, 0),
		Long:    "Print the JSON Schema of a rack plan. Editors complete and check a plan whose first line is\n  # yaml-language-server: $schema=plan.schema.json",
		Example: "  rackwright schema --out plan.schema.json",
		RunE: func(*cobra.Command, []string) error {
			text, err := schema.Plan()
			if err != nil {
				return err
			}
			if file == "" {
				_, err = w.out.Write(text)
			} else {
				err = os.WriteFile(file, text, 0o644)
			}
			if err != nil {
				return fault.Invalidf("write the schema: %w", err)
			}
			return nil
		}}
	c.Flags().StringVar(&file, "out", "", "write to this `file`")
	return c
}

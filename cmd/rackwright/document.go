package main

import (
	"os"

	"github.com/spf13/cobra"

	"rackwright/api"
	"rackwright/fault"
	"rackwright/inventory/schema"
)

func schemaCommand(w *world) *cobra.Command {
	return document(w, &cobra.Command{Use: "schema", Short: "Print the JSON Schema of a rack plan", Args: names(0, 0),
		Long:    "Print the JSON Schema of a rack plan. Editors complete and check a plan whose first line is\n  # yaml-language-server: $schema=plan.schema.json",
		Example: "  rackwright schema --out plan.schema.json"}, schema.Plan)
}

func openapiCommand(w *world) *cobra.Command {
	return document(w, &cobra.Command{Use: "openapi", Short: "Print the OpenAPI description of the interface", Args: names(0, 0),
		Example: "  rackwright openapi > openapi.json"}, api.Document)
}

// document makes c print what the program says of itself.
func document(w *world, c *cobra.Command, text func() ([]byte, error)) *cobra.Command {
	var file string
	c.Flags().StringVar(&file, "out", "", "write to this `file`")
	c.RunE = func(*cobra.Command, []string) error {
		out, err := text()
		if err != nil {
			return err
		}
		if file == "" {
			_, err = w.out.Write(out)
		} else {
			err = os.WriteFile(file, out, 0o644)
		}
		if err != nil {
			return fault.Invalidf("write the %s: %w", c.Name(), err)
		}
		return nil
	}
	return c
}

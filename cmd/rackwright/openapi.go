package main

import (
	"os"

	"github.com/spf13/cobra"

	"rackwright/api"
	"rackwright/fault"
)

func openapiCommand(w *world) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "openapi", Short: "Print the OpenAPI description of the interface", Args: names(0, 0),
		Example: "  rackwright openapi > openapi.json",
		RunE: func(*cobra.Command, []string) error {
			text, err := api.Document()
			if err != nil {
				return err
			}
			if file == "" {
				_, err = w.out.Write(text)
			} else {
				err = os.WriteFile(file, text, 0o644)
			}
			if err != nil {
				return fault.Invalidf("write the description: %w", err)
			}
			return nil
		}}
	c.Flags().StringVar(&file, "out", "", "write to this `file`")
	return c
}

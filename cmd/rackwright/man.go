package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"rackwright/fault"
)

func manCommand(*world) *cobra.Command {
	return &cobra.Command{Use: "man DIR", Short: "Write the manual pages of all commands", Args: names(1, 1),
		Long:    "Writes a manual page for each command into a folder, which is made if it is not there. Asks no server.",
		Example: "  rackwright man /usr/local/share/man/man1\n  rackwright man pages && man -l pages/rackwright-deploy.1",
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fault.Invalidf("the folder of the manual pages: %w", err).WithHint("name a folder that can be written")
			}
			c.Root().DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "rackwright " + version(), Manual: "Rackwright"}
			if err := doc.GenManTree(c.Root(), header, args[0]); err != nil {
				return fault.Invalidf("the manual pages: %w", err).WithHint("name a folder that can be written")
			}
			return nil
		}}
}

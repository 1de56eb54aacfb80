package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rackwright/api/client"
)

// tryable gives a command --dry-run: the server says what there would be, or what speaks
// against it, and changes nothing. Nobody is asked whether they are sure.
func (w *world) tryable(c *cobra.Command) *cobra.Command {
	var dry bool
	c.Flags().BoolVar(&dry, "dry-run", false, "change nothing: only say what there would be, or why it cannot be")
	once := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if w.tries = dry; dry {
			c.SetContext(client.Try(c.Context()))
			fmt.Fprintln(w.err, "A dry run: nothing is changed. It would be:")
		}
		return once(c, args)
	}
	return c
}

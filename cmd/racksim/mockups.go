package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rackwright/racksim/mockup"
)

// mockups tells what bmc.mockup of a rack file can be, and what is in a tree.
func mockups() *cobra.Command {
	return &cobra.Command{
		Use: "mockups [NAME|FOLDER|FILE]", Short: "List the built-in mockups, or look into one", Args: cobra.MaximumNArgs(1),
		Long: "Without an argument lists the vendors' trees that are built in. With one, reads that tree and\n" +
			"says which machine it was recorded of, and which links in it lead nowhere.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return lookInto(cmd, args[0])
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "MOCKUP\tVENDOR\tMODEL")
			for _, name := range mockup.Vendors() {
				tree, err := mockup.Open(name)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", name, tree.Identity().Vendor, tree.Identity().Model)
			}
			return w.Flush()
		},
	}
}

func lookInto(cmd *cobra.Command, name string) error {
	tree, err := mockup.Open(name)
	if err != nil {
		return err
	}
	is, out := tree.Identity(), cmd.OutOrStdout()
	fmt.Fprintf(out, "%s %s, serial %s, UUID %s\n%d resources\n", is.Vendor, is.Model, is.Serial, is.UUID, len(tree.URIs()))
	for _, d := range tree.Dangling() {
		fmt.Fprintf(out, "nothing there: %s\n", d)
	}
	return nil
}

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func rackCommand(w *world) *cobra.Command {
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List racks", Args: names(0, 0), Example: "  rackwright rack list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			racks, err := cl.Racks(c.Context())
			if err != nil {
				return err
			}
			return w.show(racks, func(out io.Writer) {
				var rows [][]string
				for _, r := range racks {
					rows = append(rows, []string{r.Name, r.Site, r.Room, r.Row, fmt.Sprint(r.Units)})
				}
				table(out, []string{"NAME", "SITE", "ROOM", "ROW", "UNITS"}, rows)
			})
		}}
	w.pages(list, mostListed)
	w.watchable(list, byEvents, nil)
	return group("rack", "Look at racks, and rack them", []string{"racks"}, append(rackingCommands(w), list, rackShow(w), rackCabling(w), rackDraw(w), rackLabels(w), rackCode(w))...)
}

package main

import (
	"io"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/inventory"
	"rackwright/journal"
)

// tells is a command that shows what the server says of the thing it names.
func tells[T any](w *world, use, short, example string, call func(*client.Client, *cobra.Command, string) (T, error), print func(io.Writer, T)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: names(1, 1), Example: "  " + example,
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (T, error) { return call(cl, c, args[0]) }, print)
		}}
}

func operationLog(w *world) *cobra.Command {
	return w.pages(tells(w, "log OPERATION", "Show what happened in an operation, oldest first", "rackwright operation log 0197...",
		func(cl *client.Client, c *cobra.Command, id string) ([]journal.Event, error) {
			return cl.OperationLog(c.Context(), id)
		}, printTimeline), mostListed)
}

func machineIdentifiers(w *world) *cobra.Command {
	return tells(w, "identifiers MACHINE", "Show by what a machine was seen: serial numbers, MACs, what switches and relays said", "rackwright machine identifiers r1-u10",
		func(cl *client.Client, c *cobra.Command, machine string) ([]inventory.Identifier, error) {
			return cl.Identifiers(c.Context(), machine)
		}, func(out io.Writer, list []inventory.Identifier) {
			var rows [][]string
			for _, i := range list {
				rows = append(rows, []string{i.Kind, i.Value, i.Source, timeText(i.First), timeText(i.Last)})
			}
			table(out, []string{"KIND", "VALUE", "SEEN BY", "FIRST", "LAST"}, rows)
		})
}

func machineHistory(w *world) *cobra.Command {
	return tells(w, "history MACHINE", "Show a machine and those whose place it took, newest first", "rackwright machine history r1-u10",
		func(cl *client.Client, c *cobra.Command, machine string) ([]inventory.Machine, error) {
			return cl.History(c.Context(), machine)
		}, func(out io.Writer, list []inventory.Machine) {
			var rows [][]string
			for _, m := range list {
				rows = append(rows, []string{m.ID, m.Name, string(m.Phase), m.Serial, m.Replaces})
			}
			table(out, []string{"ID", "NAME", "PHASE", "SERIAL", "REPLACES"}, rows)
		})
}

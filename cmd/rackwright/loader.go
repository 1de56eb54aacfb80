package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
)

func loaderCommand(w *world) *cobra.Command {
	return group("loader", "Which boot loader worked for which model, and signed ones", []string{"loaders"}, loaderList(w), loaderSet(w), loaderReset(w), loaderImport(w))
}

func loaderList(w *world) *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List models whose loader is remembered, or being looked for", Args: names(0, 0), Example: "  rackwright loader list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Ladders(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) { printLadders(out, list) })
		}}
	return w.pages(c, mostListed)
}

func printLadders(out io.Writer, list []wire.Ladder) {
	var rows [][]string
	for _, l := range list {
		rows = append(rows, []string{l.Model, l.Loader, ladderState(l)})
	}
	table(out, []string{"MODEL", "LOADER", "STATE"}, rows)
}

func ladderState(l wire.Ladder) string {
	if l.Worked {
		return "worked"
	}
	return "tried next"
}

func loaderSet(w *world) *cobra.Command {
	var to wire.LadderSet
	c := &cobra.Command{Use: "set MODEL LOADER", Short: "Say which loader the machines of a model are told of", Args: names(2, 2),
		Example: "  rackwright loader set dell-r660 shim\n  rackwright loader set dell-r660 snponly --worked",
		Long: "LOADER is built-in, snponly, ipxe-signed or shim; the server has to have it for machines of the model. It is tried next,\n" +
			"and left for the one after it when it fails twice in a row; with --worked it is taken for one that worked, and left only\n" +
			"after six failures in a row. To have it stay whatever happens, name it in the plan: 'loader' of the model.",
		RunE: func(c *cobra.Command, args []string) error {
			to.Loader = args[1]
			return ask(w, c, func(cl *client.Client) (wire.Ladder, error) { return cl.SetLadder(c.Context(), args[0], to) }, func(out io.Writer, l wire.Ladder) {
				fmt.Fprintf(out, "machines of model %s are told of %s (%s)\n", oneLine(l.Model), l.Loader, ladderState(l))
			})
		}}
	c.Flags().BoolVar(&to.Worked, "worked", false, "it is known to work")
	return w.tryable(c)
}

func loaderReset(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "reset MODEL", Short: "Forget which loader worked for a model", Args: names(1, 1), Example: "  rackwright loader reset dell-r660 --yes",
		Long: "Its machines are told of the built-in loader again, then of the others in turn until one works. To say which loader\n" +
			"they get, name it in the plan: 'loader' of the model.",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "forgets which loader worked for", args[0]); err != nil {
				return err
			}
			if err := cl.ResetLadder(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"reset": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "the loaders of %s are tried anew\n", oneLine(args[0])) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}

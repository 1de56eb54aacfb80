package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/inventory"
)

func networkCommand(w *world) *cobra.Command {
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List networks", Args: names(0, 0), Example: "  rackwright network list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			networks, err := cl.Networks(c.Context())
			if err != nil {
				return err
			}
			return w.show(networks, func(out io.Writer) {
				var rows [][]string
				for _, n := range networks {
					rows = append(rows, []string{n.Name, n.Prefix.String(), n.Purpose, string(n.DHCP), string(n.Strangers), poolText(n.Pool)})
				}
				table(out, []string{"NAME", "CIDR", "PURPOSE", "DHCP", "STRANGERS", "POOL"}, rows)
			})
		}}
	var network, mac string
	leases := &cobra.Command{Use: "leases", Short: "List addresses lent to strangers", Args: names(0, 0), Example: "  rackwright network leases\n  rackwright network leases --network provision",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Leases(c.Context(), network, mac)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, l := range list {
					rows = append(rows, []string{l.Address.String(), l.MAC.String(), l.Network, timeText(l.Until)})
				}
				table(out, []string{"ADDRESS", "MAC", "NETWORK", "UNTIL"}, rows)
			})
		}}
	leases.Flags().StringVar(&network, "network", "", "only those of this `network`")
	leases.Flags().StringVar(&mac, "mac", "", "only what is lent to this `address`")
	w.pages(list, mostListed)
	w.pages(leases, mostListed)
	return group("network", "Look at networks", []string{"networks"}, list, networkShow(w), leases, networkLease(w), networkRelease(w))
}

func networkLease(w *world) *cobra.Command {
	return &cobra.Command{Use: "lease NETWORK ADDRESS", Short: "Show an address lent to a stranger", Args: names(2, 2), Example: "  rackwright network lease provision 10.0.0.200",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (inventory.Lease, error) { return cl.Lease(c.Context(), args[0], args[1]) }, func(out io.Writer, l inventory.Lease) {
				pairs(out, "Address", l.Address.String(), "MAC", l.MAC.String(), "Network", l.Network, "Until", timeText(l.Until))
			})
		}}
}

func networkRelease(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "release NETWORK ADDRESS", Short: "End a lease before its time", Args: names(2, 2), Example: "  rackwright network release provision 10.0.0.200 --yes",
		Long: "The address may be lent to another at once. Who has it uses it until it asks again: switch that off first, or the\n" +
			"look before lending finds it in use. It ends the hour's rest of an address that was declined, too.",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "ends the lease of", args[1]); err != nil {
				return err
			}
			if err := cl.EndLease(c.Context(), args[0], args[1]); err != nil {
				return err
			}
			return w.show(map[string]string{"released": args[1]}, func(out io.Writer) {
				fmt.Fprintf(out, "%s of %s may be lent again\n", oneLine(args[1]), oneLine(args[0]))
			})
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}

package main

import (
	"io"

	"github.com/spf13/cobra"
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
	return group("network", "Look at networks", []string{"networks"}, list, networkShow(w), leases, networkLease(w))
}

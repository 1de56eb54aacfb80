package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
)

func machineTrace(w *world) *cobra.Command {
	var to string
	c := &cobra.Command{Use: "trace MACHINE", Short: "Show the last DHCP packets of a machine, or write them as pcap", Args: names(1, 1),
		Long: "Shows the last 64 DHCP packets of each MAC of a machine that the server has in memory. Each server on one\n" +
			"database has its own, empty after a restart. In the capture file the headers below DHCP are made up.",
		Example: "  rackwright machine trace r1-u10\n  rackwright machine trace r1-u10 --out r1-u10.pcap",
		RunE: func(c *cobra.Command, args []string) error {
			if to != "" {
				return w.picture(to, func(cl *client.Client) ([]byte, error) { return cl.TracePCAP(c.Context(), args[0]) })
			}
			return ask(w, c, func(cl *client.Client) (wire.Trace, error) { return cl.Trace(c.Context(), args[0]) }, printTrace)
		}}
	c.Flags().StringVar(&to, "out", "", "write a capture to this `file`; - prints it")
	return c
}

func dhcpTrace(w *world) *cobra.Command {
	var mac, relay, circuit string
	c := &cobra.Command{Use: "trace", Short: "Show the last DHCP packets of machines in no plan", Args: names(0, 0),
		Long:    "Shows what the server has in memory of MACs in no plan. Each server on one database has its own, empty after a\nrestart; a flood of MACs pushes older strangers out, and no planned machine.",
		Example: "  rackwright dhcp trace --relay 10.20.0.1 --circuit ge-0/0/7\n  rackwright dhcp trace --mac 52:54:00:12:34:56",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(w, c, func(cl *client.Client) (wire.Trace, error) {
				return cl.TraceStrangers(c.Context(), mac, relay, circuit)
			}, printTrace)
		}}
	c.Flags().StringVar(&mac, "mac", "", "only packets of this `address`")
	c.Flags().StringVar(&relay, "relay", "", "only packets that came by the relay at this `address`")
	c.Flags().StringVar(&circuit, "circuit", "", "only packets with this circuit `id` of option 82, or 18 by IPv6")
	return c
}

func printTrace(out io.Writer, t wire.Trace) {
	var rows [][]string
	for _, p := range t.Packets {
		way := "<-"
		if p.Sent {
			way = "->"
		}
		rows = append(rows, []string{p.At.UTC().Format("2006-01-02 15:04:05.000Z"), way, p.MAC, p.Type, p.XID, p.From, p.To, fmt.Sprint(p.Bytes)})
	}
	table(out, []string{"TIME", "WAY", "MAC", "TYPE", "XID", "FROM", "TO", "BYTES"}, rows)
	fmt.Fprintf(out, "From the memory of server %s.\n", oneLine(t.Server))
}

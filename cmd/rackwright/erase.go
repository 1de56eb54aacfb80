package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
)

const eraseLong = `Empty the disks of machines: every disk, or those named with --disk. The machine netboots,
each disk is emptied by the strongest method it has (sanitize, format, secure-erase, discard,
overwrite), samples are read back, and the machine is powered off. Each disk that is proven
empty gets a signed certificate. When all are, the machine's gate 'erased' opens.

There is no way back. On a terminal you type the machine's name, of several how many they are;
elsewhere you give --yes. --dry-run shows the steps.

` + choosers

func eraseCommand(w *world) *cobra.Command {
	var order wire.Erase
	var follow following
	var yes bool
	var t targets
	c := &cobra.Command{Use: "erase MACHINE...", Short: "Empty machines' disks and prove it", Args: names(0, -1), Long: eraseLong,
		Example: "  rackwright erase r1-u10 --yes --watch\n  rackwright erase r1-u10 --disk S64HNE0R1 --method sanitize --method format --yes\n" +
			"  rackwright erase r1-u10 --dry-run\n  rackwright erase --rack r1 --tag returned --all-or-none",
		RunE: func(c *cobra.Command, machines []string) error {
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if len(order.Disks) > 0 && len(machines) > 1 {
					return usage(c, "--disk names disks of one machine")
				}
				if order.DryRun {
					would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanErase(ctx, m, order) }
					return dryRun(c.Context(), w, machines, would, printWould)
				}
				if err := w.sure(yes, "destroys what is on the disks of", machines...); err != nil {
					return err
				}
				return beginMany(c.Context(), w, cl, "erase", machines, order, follow, cl.Erase)
			})
		}}
	t.add(c)
	c.Flags().StringArrayVar(&order.Disks, "disk", nil, "`serial` number or WWN of a disk; may be repeated; none: every disk")
	c.Flags().StringArrayVar(&order.Methods, "method", nil, "`class` of methods that is allowed; may be repeated; none: all")
	yesFlag(c, &yes)
	c.Flags().BoolVar(&order.DryRun, "dry-run", false, "only show the steps")
	follow.addMany(c)
	return c
}

func certificateCommand(w *world) *cobra.Command {
	return group("certificate", "Certificates of erased disks", []string{"cert"}, certificateList(w), certificateShow(w), certificateKey(w))
}

func certificateList(w *world) *cobra.Command {
	var machine, disk string
	var limit int
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List certificates, the newest first", Args: names(0, 0),
		Example: "  rackwright certificate list --machine r1-u10\n  rackwright certificate list --disk S64HNE0R1",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Certificates(c.Context(), machine, disk, limit)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, s := range list {
					is := s.Certificate
					rows = append(rows, []string{is.ID, is.Machine.Name, is.Disk.Label(), bytesText(is.Disk.Bytes), is.Method, is.Pattern, strconv.Itoa(is.Samples), is.Ended.UTC().Format(time.RFC3339)})
				}
				table(out, []string{"ID", "MACHINE", "DISK", "SIZE", "METHOD", "READS AS", "SAMPLES", "ERASED"}, rows)
			})
		}}
	c.Flags().StringVar(&machine, "machine", "", "only of this `machine`")
	c.Flags().StringVar(&disk, "disk", "", "only of the disk with this `serial` number or WWN")
	c.Flags().IntVar(&limit, "limit", 100, "the newest `so many`")
	return c
}

func certificateShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show a certificate; with -o json the signed document", Args: names(1, 1),
		Example: "  rackwright certificate show 3f2c9a41d0e8b7765a90c1de224488aa -o json >disk.json",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			signed, err := cl.Certificate(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(signed, func(out io.Writer) { printCertificate(out, &signed.Certificate) })
		}}
}

func certificateKey(w *world) *cobra.Command {
	return &cobra.Command{Use: "key", Short: "Print the key that certificates are verified with", Args: names(0, 0),
		Long:    "Print the server's public key. Keep it where the certificates are kept: with it they can be\nverified when the server is gone.",
		Example: "  rackwright certificate key >rackwright.pub",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			key, err := cl.CertificateKey(c.Context())
			if err != nil {
				return err
			}
			return w.show(key, func(out io.Writer) { fmt.Fprintln(out, oneLine(key.Key)) })
		}}
}

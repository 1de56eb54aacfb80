package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
)

// How the console is asked for again: while it is being opened, and followed.
const (
	consoleOpens  = 10 * time.Second
	consoleFollow = time.Second
)

func machineConsole(w *world) *cobra.Command {
	var follow, fresh bool
	c := &cobra.Command{Use: "console MACHINE", Short: "Show what a machine says on its serial console", Args: names(1, 1),
		Long: "Shows the end of what a machine said on its serial console, which its BMC passes on over SSH. The\n" +
			"server reads it while a deployed system is waited for, and for a minute after somebody looked.\n" +
			"Nothing can be typed: 'rackwright bmc console' says how to get a console to type at.",
		Example: "  rackwright machine console r1-u10\n  rackwright machine console r1-u10 --follow",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if fresh {
				if err := cl.TrustConsole(c.Context(), args[0]); err != nil {
					return err
				}
			}
			return w.console(c.Context(), cl, args[0], follow)
		}}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until interrupted")
	c.Flags().BoolVar(&fresh, "new-key", false, "trust the next SSH host key of the BMC: it was reset or replaced")
	return c
}

// console shows what is kept, waiting a little for a console that is being opened, and
// follows it when that is asked for.
func (w *world) console(ctx context.Context, cl *client.Client, machine string, follow bool) error {
	text, err := cl.ConsoleText(ctx, machine, 0)
	for began := time.Now(); err == nil && text.Text == "" && !text.Open && text.Reason == "" && time.Since(began) < consoleOpens; {
		if !pause(ctx, consoleFollow) {
			return nil
		}
		text, err = cl.ConsoleText(ctx, machine, 0)
	}
	if err != nil {
		return err
	}
	if !follow || w.format != "table" {
		return w.show(text, func(out io.Writer) { printConsole(out, text) })
	}
	said := ""
	for {
		if text.Reason != "" && text.Reason != said {
			fmt.Fprintf(w.err, "%s\n", oneLine(text.Reason))
		}
		said = text.Reason
		fmt.Fprint(w.out, text.Text)
		if !pause(ctx, consoleFollow) {
			return nil
		}
		if text, err = cl.ConsoleText(ctx, machine, max(text.Next, 1)); err != nil {
			return err
		}
	}
}

func printConsole(out io.Writer, c wire.ConsoleText) {
	if c.Text != "" {
		fmt.Fprintln(out, strings.TrimRight(c.Text, "\n"))
	}
	if c.Reason != "" {
		fmt.Fprintf(out, "not read now: %s\n", oneLine(c.Reason))
		if c.Hint != "" {
			fmt.Fprintf(out, "hint: %s\n", oneLine(c.Hint))
		}
	} else if c.Text == "" {
		fmt.Fprintln(out, "it said nothing yet")
	}
}

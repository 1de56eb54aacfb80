package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/boot/attempt"
)

func machineBoots(w *world) *cobra.Command {
	var limit int
	c := &cobra.Command{Use: "boots MACHINE", Short: "Show a machine's tries to boot, newest first", Args: names(1, 1),
		Long: "Shows how far each boot came, how long each stage took and what was sent. A stranger is named\n" +
			"unknown-MAC, as in 'rackwright machine list'.",
		Example: "  rackwright machine boots r1-u10\n  rackwright machine boots unknown-525400123456 --limit 3",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Boots(c.Context(), args[0], limit)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) { printBoots(out, list) })
		}}
	c.Flags().IntVar(&limit, "limit", 20, "the newest so many `boots`; 0: all")
	return c
}

func printBoots(out io.Writer, list []attempt.Attempt) {
	var rows [][]string
	for _, a := range list {
		var stages []string
		for _, p := range a.Stages {
			stages = append(stages, fmt.Sprintf("%s +%s", p.Stage, time.Duration(p.MS)*time.Millisecond))
		}
		rows = append(rows, []string{timeText(a.Begin), a.Cause, strings.TrimSpace(a.Client + " " + a.Arch), string(a.Stage), string(a.Result), a.End.Sub(a.Begin).Round(100 * time.Millisecond).String(),
			bytesText(a.Bytes), fmt.Sprint(a.Retries), strings.Join(a.Servers, " "), strings.Join(stages, ", ")})
	}
	table(out, []string{"BEGIN", "CAUSE", "CLIENT", "STAGE", "RESULT", "TOOK", "SENT", "RETRIES", "SERVERS", "STAGES"}, rows)
}

// printWhy prints the sentence, and below it what keeps the machine from booting.
func printWhy(out io.Writer, why wire.Why) {
	fmt.Fprintln(out, oneLine(why.Why))
	b := why.Boot
	if b == nil {
		return
	}
	fmt.Fprintf(out, "Its boot (%s): %s; %s.\n", oneLine(b.Code), oneLine(b.Text), oneLine(b.Hint))
	for _, p := range b.Proof {
		what := "packet"
		if p.Event > 0 {
			what = fmt.Sprintf("event %d", p.Event)
		}
		fmt.Fprintf(out, "  %s  %s: %s\n", timeText(p.At), what, oneLine(p.Text))
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/bmc/probe"
)

func bmcProbe(w *world) *cobra.Command {
	var login bmcLogin
	var timeout time.Duration
	var asJSON bool
	c := &cobra.Command{Use: "probe ADDRESS --username USER", Short: "Say what a BMC can do, and which of its answers contradict each other", Args: names(1, 1),
		Long: "Asks a BMC everything that can be asked without changing anything, and prints what it can do, how long it took to say so,\n" +
			"which differences of its vendor are minded, and which of its answers contradict each other.\n\n" + bmcLoginLong +
			"\n\nExit status 0 when a machine can be managed through it, whatever else it cannot do.",
		Example: "  rackwright bmc probe 10.0.0.21 --username root --password-file bmc-password\n" +
			"  rackwright bmc probe https://10.0.0.21/redfish/v1/Systems/node-7 -u root --json",
		RunE: func(c *cobra.Command, args []string) error {
			if asJSON {
				w.format = "json"
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			controller, err := login.dial(ctx, w, c, args[0])
			if err != nil {
				return err
			}
			report, err := probe.Ask(ctx, controller, args[0], w.now)
			if closing := controller.Close(ctx); err == nil {
				err = closing
			}
			if err != nil {
				return err
			}
			if err := w.show(report, func(out io.Writer) { printProbe(out, report) }); err != nil {
				return err
			}
			if !report.Usable() {
				return badly("look at the line power above; give the BMC's user the role Operator, or update the BMC's firmware",
					"no machine can be managed through BMC %s: its power cannot be read", args[0])
			}
			return nil
		}}
	login.flags(c)
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "give up after this long; old BMCs take minutes")
	c.Flags().BoolVar(&asJSON, "json", false, "the same as --output json")
	return c
}

// printProbe prints the report for people.
func printProbe(out io.Writer, r probe.Report) {
	facts := []string{"BMC", strings.TrimSpace(r.Address + " " + r.Manager), "Vendor", r.Vendor, "Model", r.Model, "Serial", r.Serial, "UUID", r.UUID,
		"BMC firmware", r.Firmware, "BIOS", r.BIOS, "Redfish", r.Redfish, "Power", string(r.Power)}
	if r.Certificate != nil {
		facts = append(facts, "Certificate", r.Certificate.SHA256, "  of", r.Certificate.Subject, "  key", strings.TrimSpace(r.Certificate.Key+" "+r.Certificate.TLS))
		if !r.Certificate.NotAfter.IsZero() {
			facts = append(facts, "  until", timeText(r.Certificate.NotAfter))
		}
	}
	if r.ClockOff != nil {
		facts = append(facts, "Clock", r.ClockOff.String()+" ahead of this host")
	}
	pairs(out, append(facts, "Sessions", fmt.Sprint(r.Sessions), "Took", r.Took.Round(time.Millisecond).String())...)
	fmt.Fprintln(out)
	var rows [][]string
	for _, a := range r.Abilities {
		took := ""
		if a.Took > 0 {
			took = a.Took.Round(time.Millisecond).String()
		}
		rows = append(rows, []string{a.Name, a.State, took, a.Says})
	}
	table(out, []string{"WHAT", "CAN", "TOOK", "SAYS"}, rows)
	for _, q := range r.Quirks {
		fmt.Fprintln(out, "quirk "+oneLine(q.Name)+": "+oneLine(q.Source))
	}
	for _, u := range r.Unread {
		fmt.Fprintln(out, "not read: "+oneLine(u))
	}
	fmt.Fprintln(out)
	if len(r.Contradictions) == 0 {
		fmt.Fprintln(out, "Its answers agree with each other.")
		return
	}
	fmt.Fprintln(out, count(len(r.Contradictions), "contradiction")+":")
	for _, c := range r.Contradictions {
		fmt.Fprintln(out, "  "+oneLine(c.Rule)+": "+oneLine(c.Says))
	}
}

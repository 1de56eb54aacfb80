package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/firmware"
)

func firmwareCompliance(w *world) *cobra.Command {
	var model string
	c := &cobra.Command{Use: "compliance [RACK]", Short: "Show how machines' firmware stands beside the baseline of their model", Args: names(0, 1),
		Long: "Compares what was seen of each machine with the firmware of its model. behind: a file leads to\n" +
			"the baseline; no-file: none does; ahead: it has a later version; unknown: nobody saw it.",
		Example: "  rackwright firmware compliance r1\n  rackwright firmware compliance --model dell-r660 -o json",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			rack := strings.Join(args, "")
			list, err := cl.FirmwareCompliance(c.Context(), rack, model)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) { printCompliance(out, list, rack != "") })
		}}
	c.Flags().StringVar(&model, "model", "", "only machines of this `model`")
	return c
}

// printCompliance prints what is not as it should be; of one rack everything.
func printCompliance(out io.Writer, list wire.FirmwareCompliance, all bool) {
	var racks [][]string
	for _, t := range list.Racks {
		row := []string{t.Rack, fmt.Sprint(t.Machines)}
		for _, s := range firmware.Standings() {
			row = append(row, map[bool]string{true: fmt.Sprint(t.Standings[s])}[t.Standings[s] > 0])
		}
		racks = append(racks, row)
	}
	heading := []string{"RACK", "MACHINES"}
	for _, s := range firmware.Standings() {
		heading = append(heading, strings.ToUpper(string(s)))
	}
	table(out, heading, racks)
	var rows [][]string
	for _, m := range list.Machines {
		if !all && slices.Contains([]firmware.Standing{firmware.Compliant, firmware.NoBaseline}, m.Standing) {
			continue
		}
		if len(m.Parts) == 0 {
			rows = append(rows, []string{m.Name, string(m.Standing)})
		}
		for _, p := range m.Parts {
			if all || p.Standing != firmware.Compliant {
				rows = append(rows, []string{m.Name, string(m.Standing), p.Component, p.Have, p.Want, string(p.Standing), strings.Join(p.Files, ", ") + p.Lacks})
			}
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(out)
		table(out, []string{"MACHINE", "STANDS", "COMPONENT", "HAS", "BASELINE", "IS", "FILES OR WHAT LACKS"}, rows)
	}
}

const firmwareUpdateLong = `Bring machines' firmware to the baseline of their model, or one file onto them. The server
chooses the files and their order: the BMC first, intermediate versions and what a file
requires on the way, and one restart of the machine for as many as possible.

A machine whose component is ahead of the baseline is left alone without --downgrade; one
that is active is refused without --active, because it is restarted; and one for which a
file lacks is refused without --partial.`

func firmwareUpdate(w *world) *cobra.Command {
	var u wire.FirmwareUpdate
	var follow following
	var dry bool
	var t targets
	c := &cobra.Command{Use: "update MACHINE...", Short: "Bring machines' firmware to their baseline, or a file onto them", Long: firmwareUpdateLong, Args: names(0, -1),
		Example: "  rackwright firmware update r1-u10 --dry-run\n  rackwright firmware update r1-u10 r1-u11 --watch\n  rackwright firmware update --rack r1 --file x1-bios-2.4.1",
		RunE: func(c *cobra.Command, machines []string) error {
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if dry {
					would := func(ctx context.Context, m string) (wire.FirmwareSteps, error) { return cl.PlanFirmware(ctx, m, u) }
					return dryRun(c.Context(), w, machines, would, printFirmwareSteps)
				}
				return beginMany(c.Context(), w, cl, "firmware", machines, u, follow, func(ctx context.Context, m string, u wire.FirmwareUpdate) (deploy.Operation, error) {
					answer, err := cl.UpdateFirmware(ctx, m, u)
					if err == nil && answer.ID == "" {
						err = errAlready
					}
					return answer.Operation, err
				})
			})
		}}
	t.add(c)
	c.Flags().StringVar(&u.File, "file", "", "`name` of a file, in place of the baseline")
	c.Flags().BoolVar(&u.Downgrade, "downgrade", false, "also where a machine is ahead of its baseline")
	c.Flags().BoolVar(&u.Active, "active", false, "also machines that are active: they are restarted")
	c.Flags().BoolVar(&u.Partial, "partial", false, "do what there are files for, though something lacks")
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the files and the restarts")
	follow.addMany(c)
	return c
}

func printFirmwareSteps(out io.Writer, machine string, s wire.FirmwareSteps) {
	var rows [][]string
	if s.Order.Firmware != nil {
		for _, p := range s.Order.Firmware.Files {
			does := map[firmware.Reset]string{firmware.ResetHost: fmt.Sprintf("restart %d of the machine", p.Stage), firmware.ResetBMC: "the BMC restarts", firmware.ResetNone: "nothing restarts"}[p.Reset]
			rows = append(rows, []string{p.Component, p.From, p.To, p.File, does})
		}
	}
	switch {
	case s.Already:
		fmt.Fprintf(out, "%s has what it is to have.\n", oneLine(machine))
	case len(rows) == 0:
		fmt.Fprintf(out, "%s cannot be brought there.\n", oneLine(machine))
	default:
		fmt.Fprintf(out, "%s would get these, with %s of the machine:\n", oneLine(machine), plural(s.Resets, "restart"))
		table(out, []string{"COMPONENT", "FROM", "TO", "FILE", "THEN"}, rows)
	}
	for _, l := range s.Lacks {
		fmt.Fprintf(out, "%s: %s\n", oneLine(strings.TrimSpace(l.Component+" "+l.To)), oneLine(l.Why))
	}
	for _, a := range s.Ahead {
		fmt.Fprintf(out, "%s has %s, later than %s: left alone\n", oneLine(a.Component), oneLine(a.Have), oneLine(a.Want))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// firmwareFiles names the files of an order.
func firmwareFiles(o *deploy.FirmwareOrder) string {
	if o == nil {
		return ""
	}
	var out []string
	for _, p := range o.Files {
		out = append(out, p.File)
	}
	return strings.Join(out, ", ")
}

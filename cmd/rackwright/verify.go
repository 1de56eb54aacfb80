package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/verify"
)

const machineVerifyLong = `Shows what a machine differs in from its model and its plan: parts, firmware, BIOS
settings, cables, power, and what the others of its batch have. Machines are compared by
the server whenever facts or plan change; this only shows.`

func machineVerify(w *world) *cobra.Command {
	return &cobra.Command{Use: "verify MACHINE", Short: "Show what a machine differs in from its model and plan", Long: machineVerifyLong, Args: names(1, 1),
		Example: "  rackwright machine verify r1-u10\n  rackwright machine verify r1-u10 -o yaml",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			v, err := cl.Verification(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(v, func(out io.Writer) { printVerification(out, v) })
		}}
}

func printVerification(out io.Writer, v wire.Verification) {
	model := "not declared: its parts are not compared"
	if v.Model != nil {
		model = v.Model.Name
	}
	facts := []string{"Name", v.Name, "Phase", string(v.Phase), "Model", model}
	for _, f := range v.Observed {
		facts = append(facts, "Seen by "+f.Source, fmt.Sprintf("%s: %d CPUs, %d DIMMs, %d disks, %d NICs, %d PSUs, %d neighbours", timeText(f.Observed),
			len(f.CPUs), len(f.DIMMs), len(f.Disks), len(f.NICs), len(f.PSUs), len(f.LLDP)))
	}
	pairs(out, append(facts, "Awaits", v.Awaits)...)
	if len(v.Conditions) == 0 {
		if len(v.Observed) == 0 {
			fmt.Fprintf(out, "\nNothing was observed yet, so no difference was found: 'rackwright inspect %s' looks.\n", oneLine(v.Name))
			return
		}
		fmt.Fprintln(out, "\nNo difference was found.")
		return
	}
	var rows [][]string
	for _, d := range v.Conditions {
		hint := d.Hint
		if !d.Waived.At.IsZero() {
			hint = fmt.Sprintf("waived by %s: %s", d.Waived.By, d.Waived.Reason)
		}
		rows = append(rows, []string{d.Type, d.Subject, d.Evidence, hint})
	}
	fmt.Fprintln(out)
	table(out, []string{"DIFFERENCE", "ON", "EVIDENCE", "WHAT TO DO"}, rows)
}

func machineWaive(w *world) *cobra.Command {
	var end, together bool
	c := &cobra.Command{Use: "waive MACHINE DIFFERENCE[/ON]", Short: "Let a difference pass, or end that", Args: names(2, 2),
		Long:    "Lets a difference pass that 'rackwright machine verify' shows, on one part or on all, until it ends.\nIt may be of several machines, with commas between their names.",
		Example: "  rackwright machine waive r1-u10 dimm-missing/A5 --reason 'module ordered, ticket 4711'\n  rackwright machine waive r1-u10,r1-u11 dimm-missing/A5 --end",
		RunE: func(c *cobra.Command, args []string) error {
			rule, on, _ := strings.Cut(args[1], "/")
			if !end && strings.TrimSpace(w.reason) == "" {
				return usage(c, "say why with --reason: the journal keeps it")
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			machines, say := strings.Split(args[0], ","), func(out io.Writer, m inventory.Machine) { printWaived(out, m, rule) }
			if end {
				return changing[wire.WaiverEnd]{"unwaive", wire.WaiverEnd{Rule: rule, On: on}, together,
					func(ctx context.Context, m string) (inventory.Machine, error) { return cl.Unwaive(ctx, m, rule, on) }, say}.run(c.Context(), w, cl, machines)
			}
			order := wire.Waive{Rule: rule, On: on, Reason: w.reason}
			return changing[wire.Waive]{"waive", order, together,
				func(ctx context.Context, m string) (inventory.Machine, error) { return cl.Waive(ctx, m, order) }, say}.run(c.Context(), w, cl, machines)
		}}
	c.Flags().BoolVar(&end, "end", false, "end the waiver")
	togetherFlag(c, &together)
	c.AddCommand(waiveShow(w))
	return w.tryable(c)
}

func waiveShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show MACHINE [DIFFERENCE[/ON]]", Short: "Show what lets differences of a machine pass", Args: names(1, 2),
		Long:    "Show which differences of a machine pass, who let them and why: all, or one.",
		Example: "  rackwright machine waive show r1-u10\n  rackwright machine waive show r1-u10 dimm-missing/A5",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			rule, on := "", ""
			if len(args) > 1 {
				rule, on, _ = strings.Cut(args[1], "/")
			}
			list, err := cl.Waivers(c.Context(), args[0], rule, on)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, v := range list {
					rows = append(rows, []string{v.Rule, v.On, v.By, timeText(v.At), v.Reason})
				}
				table(out, []string{"DIFFERENCE", "ON", "WAIVED BY", "AT", "REASON"}, rows)
			})
		}}
}

func printWaived(out io.Writer, m inventory.Machine, rule string) {
	for _, c := range m.Conditions {
		if c.Type != rule {
			continue
		}
		state := "not waived"
		if !c.Waived.At.IsZero() {
			state = fmt.Sprintf("waived by %s: %s", c.Waived.By, c.Waived.Reason)
		}
		fmt.Fprintf(out, "%s: %s %s\n", m.Name, oneLine(strings.TrimSpace(c.Type+" "+c.Subject)), oneLine(state))
	}
}

func machineParts(w *world) *cobra.Command {
	return &cobra.Command{Use: "parts MACHINE", Short: "Show a machine's components as they came and went", Args: names(1, 1),
		Example: "  rackwright machine parts r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			parts, err := cl.MachineParts(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(parts, func(out io.Writer) { printParts(out, parts) })
		}}
}

func partCommand(w *world) *cobra.Command {
	find := &cobra.Command{Use: "find SERIAL", Short: "Show through which machines a part went", Args: names(1, 1), Example: "  rackwright part find S3F4NX0K",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			parts, err := cl.Parts(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(parts, func(out io.Writer) { printParts(out, parts) })
		}}
	return group("part", "Look for parts", []string{"parts"}, find)
}

func printParts(out io.Writer, parts []inventory.Part) {
	var rows [][]string
	for _, p := range parts {
		rows = append(rows, []string{p.Name, p.Kind, p.Location, p.Serial, p.Model, p.Source, timeText(p.Seen), timeText(p.Gone)})
	}
	table(out, []string{"MACHINE", "KIND", "LOCATION", "SERIAL", "MODEL", "SOURCE", "SEEN", "GONE"}, rows)
}

func rackCabling(w *world) *cobra.Command {
	return &cobra.Command{Use: "cabling RACK", Short: "Show mistakes in a rack's cables and the moves that mend them", Args: names(1, 1),
		Long:    "Compares the cables of the plan with what the switches say of themselves (LLDP), for the whole rack. Do the moves in their order.",
		Example: "  rackwright rack cabling r1",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			v, err := cl.Cabling(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(v, func(out io.Writer) { printCabling(out, v) })
		}}
}

func printCabling(out io.Writer, v verify.Wiring) {
	fmt.Fprintf(out, "%d cables planned, %d heard, %d right.\n", v.Planned, v.Heard, v.Right)
	if len(v.Causes) == 0 {
		if v.Planned > 0 && v.Heard == 0 {
			fmt.Fprintln(out, "No switch was heard yet, so no mistake was found: 'rackwright inspect MACHINE' listens (LLDP).")
			return
		}
		fmt.Fprintln(out, "No mistake was found.")
		return
	}
	for _, cause := range v.Causes {
		fmt.Fprintf(out, "\n%s: %s\n", cause.Reason, oneLine(cause.Text))
		for i, m := range cause.Moves {
			fmt.Fprintf(out, "  %2d. %s\n", i+1, oneLine(m.Text))
		}
	}
	fmt.Fprintln(out, "\nA machine hears its switches while the agent runs: 'rackwright inspect MACHINE' looks again.")
}

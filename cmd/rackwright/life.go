package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/inventory"
)

func machineGates(w *world) *cobra.Command {
	c := &cobra.Command{Use: "gates MACHINE", Short: "Show what opens each phase of a machine and what is lacking", Args: names(1, 1),
		Example: "  rackwright machine gates r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Gates(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) { printGates(out, list) })
		}}
	return w.watchable(c, byEvents, machineQuery)
}

// printGates prints each gate with its checks, in lines that a narrow screen can hold.
func printGates(out io.Writer, list []inventory.Gate) {
	for _, g := range list {
		state := "closed"
		switch {
		case g.Passed:
			state = "passed"
		case g.Open:
			state = "open"
		}
		fmt.Fprintf(out, "%s: %s\n", g.To, state)
		for _, c := range g.Checks {
			mark := "[ ]"
			if c.Met {
				mark = "[x]"
			}
			fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  %s %-15s  %s", mark, c.Name, oneLine(c.Evidence)), " "))
			if c.Hint != "" && !c.Met {
				fmt.Fprintf(out, "      -> %s\n", oneLine(c.Hint))
			}
		}
	}
}

// nextGate is the first gate that a machine has not passed: the phase behind it, and what
// is lacking in a sentence. Both are empty when there is none.
func nextGate(list []inventory.Gate) (phase, lacks string) {
	at := slices.IndexFunc(list, func(g inventory.Gate) bool { return !g.Passed })
	if at < 0 {
		return "", ""
	}
	var names []string
	first := inventory.Check{}
	for _, c := range list[at].Checks {
		if !c.Met {
			if names = append(names, c.Name); len(names) == 1 {
				first = c
			}
		}
	}
	if len(names) == 0 {
		return string(list[at].To), "nothing: it moves there by itself"
	}
	lacks = strings.Join(names, ", ")
	if text := cmp.Or(first.Hint, first.Evidence); text != "" {
		lacks += ": " + text
	}
	return string(list[at].To), lacks
}

func machineHold(w *world) *cobra.Command {
	var long time.Duration
	c := &cobra.Command{Use: "hold MACHINE --reason WHY", Short: "Keep a machine in maintenance for a time", Args: names(1, 1),
		Long: "While it is held nothing is deployed on it or netbooted, and only the holder may power it. The hold ends by itself;\n" +
			"the machine then goes back to where the evidence says.",
		Example: "  rackwright machine hold r1-u10 --reason 'replace fan 3' --for 2h",
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(w.reason) == "" {
				return usage(c, "why? give --reason")
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			m, err := cl.Hold(c.Context(), args[0], w.reason, long)
			if err != nil {
				return err
			}
			return w.show(m, func(out io.Writer) {
				fmt.Fprintf(out, "%s is held by %s until %s.\n", oneLine(m.Name), oneLine(m.Hold.By), timeText(m.Hold.Until))
			})
		}}
	c.Flags().DurationVar(&long, "for", inventory.HoldFor, "how `long`, at most 720h")
	return c
}

func machineRelease(w *world) *cobra.Command {
	return &cobra.Command{Use: "release MACHINE", Short: "End a hold", Args: names(1, 1),
		Long: "The holder may, and an admin.", Example: "  rackwright machine release r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			m, err := cl.ReleaseHold(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(m, func(out io.Writer) { fmt.Fprintf(out, "%s is released and is %s.\n", oneLine(m.Name), m.Phase) })
		}}
}

func machineRetire(w *world) *cobra.Command {
	var r inventory.Retirement
	var yes bool
	c := &cobra.Command{Use: "retire MACHINE --reason WHY", Short: "Take a machine out for good and free all it holds", Args: names(1, 1),
		Long: "Its slot, ports, addresses, cables and BMC are free at once, its credentials are forgotten and its id is never used again.\n" +
			"Its history stays. A machine that ran a deployment needs proof that its disks are empty, or --disks.",
		Example: "  rackwright machine retire r1-u10 --reason 'sold, ticket 4711' --disks destroyed --yes",
		RunE: func(c *cobra.Command, args []string) error {
			if r.Reason = w.reason; strings.TrimSpace(r.Reason) == "" {
				return usage(c, "why? give --reason")
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "takes out for good and forgets the credentials of", args[0]); err != nil {
				return err
			}
			m, err := cl.Retire(c.Context(), args[0], r)
			if err != nil {
				return err
			}
			return w.show(m, func(out io.Writer) {
				fmt.Fprintf(out, "%s is retired; its history is kept under %s.\n", oneLine(m.Name), m.ID)
			})
		}}
	yesFlag(c, &yes)
	c.Flags().StringVar(&r.Disks, "disks", "", "what became of its disks: erased, kept or destroyed")
	return c
}

func machineReplace(w *world) *cobra.Command {
	var r inventory.Replacement
	var yes bool
	var macs []string
	var bmc string
	c := &cobra.Command{Use: "replace MACHINE --part machine|board --reason WHY", Short: "Put new hardware in a machine's place", Args: names(1, 1),
		Long: "The old record retires and keeps its history; a new one takes over name, slot, ports, networks, cables and labels.\n" +
			"With --part board the chassis' serial number and the disks stay. What is not given is learned when the hardware is seen.",
		Example: "  rackwright machine replace r1-u10 --part machine --serial 7XK2041 --reason 'RMA 4711' --yes\n" +
			"  rackwright machine replace r1-u10 --part board --mac nic1=52:54:00:12:34:56 --reason 'no POST' --yes",
		RunE: func(c *cobra.Command, args []string) error {
			if r.Reason = w.reason; r.Part == "" || strings.TrimSpace(r.Reason) == "" {
				return usage(c, "what, and why? give --part machine or --part board, and --reason")
			}
			if err := readMACs(&r, macs, bmc); err != nil {
				return err
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "retires the hardware of", args[0]); err != nil {
				return err
			}
			m, err := cl.Replace(c.Context(), args[0], r)
			if err != nil {
				return err
			}
			return w.show(m, func(out io.Writer) {
				fmt.Fprintf(out, "%s is now machine %s, %s; it took the place of %s.\n", oneLine(m.Name), m.ID, m.Phase, m.Replaces)
			})
		}}
	yesFlag(c, &yes)
	c.Flags().StringVar(&r.Part, "part", "", "`what` is new: machine or board")
	c.Flags().StringVar(&r.Serial, "serial", "", "serial `number` of the new hardware")
	c.Flags().StringVar(&r.UUID, "uuid", "", "system `UUID` of the new hardware")
	c.Flags().StringArrayVar(&macs, "mac", nil, "`PORT=MAC` of a network port; may be repeated")
	c.Flags().StringVar(&bmc, "bmc-mac", "", "`MAC` of the new BMC")
	c.Flags().BoolVar(&r.KeepBMC, "keep-bmc-credentials", false, "the new BMC has the password of the old one")
	return c
}

func readMACs(r *inventory.Replacement, macs []string, bmc string) error {
	if err := r.BMCMAC.UnmarshalText([]byte(bmc)); err != nil {
		return err
	}
	for _, text := range macs {
		port, value, found := strings.Cut(text, "=")
		mac, err := inventory.ParseMAC(value)
		if err != nil || !found {
			return fault.Invalidf("%q is no port and MAC", text).WithHint("write it as nic1=aa:bb:cc:dd:ee:ff")
		}
		if r.MACs == nil {
			r.MACs = map[string]inventory.MAC{}
		}
		r.MACs[port] = mac
	}
	return nil
}

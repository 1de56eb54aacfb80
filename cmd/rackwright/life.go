package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
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
	var together bool
	var t targets
	c := &cobra.Command{Use: "hold MACHINE... --reason WHY", Short: "Keep machines in maintenance for a time", Args: names(0, -1),
		Long: "While it is held nothing is deployed on it or netbooted, and only the holder may power it. The hold ends by itself;\n" +
			"the machine then goes back to where the evidence says.",
		Example: "  rackwright machine hold r1-u10 --reason 'replace fan 3' --for 2h\n  rackwright machine hold --rack r1 --reason 'new PDU' --for 8h --all-or-none",
		RunE: func(c *cobra.Command, machines []string) error {
			if strings.TrimSpace(w.reason) == "" {
				return usage(c, "why? give --reason")
			}
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				return changing[wire.Keep]{"hold", wire.Keep{Reason: w.reason, For: long.String()}, together,
					func(ctx context.Context, m string) (inventory.Machine, error) { return cl.Hold(ctx, m, w.reason, long) },
					func(out io.Writer, m inventory.Machine) {
						fmt.Fprintf(out, "%s is held by %s until %s.\n", oneLine(m.Name), oneLine(m.Hold.By), timeText(m.Hold.Until))
					}}.run(c.Context(), w, cl, machines)
			})
		}}
	c.Flags().DurationVar(&long, "for", inventory.HoldFor, "how `long`, at most 720h")
	togetherFlag(c, &together)
	t.add(c)
	c.AddCommand(holdShow(w))
	return w.tryable(c)
}

func holdShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show MACHINE", Short: "Show who holds a machine", Args: names(1, 1),
		Long: "Show who holds a machine, why and until when.", Example: "  rackwright machine hold show r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			h, err := cl.HoldOf(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(h, func(out io.Writer) {
				pairs(out, "Held by", h.By, "Reason", h.Reason, "Since", timeText(h.Since), "Until", timeText(h.Until))
			})
		}}
}

// onMachines does something with the machines that a command names or chooses.
func (w *world) onMachines(c *cobra.Command, t *targets, machines []string, do func(cl *client.Client, machines []string) error) error {
	if err := t.check(c, machines); err != nil {
		return err
	}
	cl, err := w.connect()
	if err != nil {
		return err
	}
	if machines, err = t.of(c.Context(), cl, machines); err != nil {
		return err
	}
	return do(cl, machines)
}

func machineRelease(w *world) *cobra.Command {
	var together bool
	var t targets
	c := &cobra.Command{Use: "release MACHINE...", Short: "End holds", Args: names(0, -1),
		Long: "The holder may, and an admin.", Example: "  rackwright machine release r1-u10\n  rackwright machine release --rack r1",
		RunE: func(c *cobra.Command, machines []string) error {
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				return changing[struct{}]{"release", struct{}{}, together, cl.ReleaseHold,
					func(out io.Writer, m inventory.Machine) {
						fmt.Fprintf(out, "%s is released and is %s.\n", oneLine(m.Name), m.Phase)
					}}.run(c.Context(), w, cl, machines)
			})
		}}
	togetherFlag(c, &together)
	t.add(c)
	return w.tryable(c)
}

func machineRetire(w *world) *cobra.Command {
	var r inventory.Retirement
	var yes, together bool
	var t targets
	c := &cobra.Command{Use: "retire MACHINE... --reason WHY", Short: "Take machines out for good and free all they hold", Args: names(0, -1),
		Long: "Its slot, ports, addresses, cables and BMC are free at once, its credentials are forgotten and its id is never used again.\n" +
			"Its history stays. A machine that ran a deployment needs proof that its disks are empty, or --disks.",
		Example: "  rackwright machine retire r1-u10 --reason 'sold, ticket 4711' --disks destroyed --yes\n" +
			"  rackwright machine retire --rack r1 --reason 'row 3 is given up' --dry-run",
		RunE: func(c *cobra.Command, machines []string) error {
			if r.Reason = w.reason; strings.TrimSpace(r.Reason) == "" {
				return usage(c, "why? give --reason")
			}
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if err := w.sure(yes, "takes out for good and forgets the credentials of", machines...); err != nil {
					return err
				}
				return changing[inventory.Retirement]{"retire", r, together,
					func(ctx context.Context, m string) (inventory.Machine, error) { return cl.Retire(ctx, m, r) },
					func(out io.Writer, m inventory.Machine) {
						fmt.Fprintf(out, "%s is retired; its history is kept under %s.\n", oneLine(m.Name), m.ID)
					}}.run(c.Context(), w, cl, machines)
			})
		}}
	yesFlag(c, &yes)
	c.Flags().StringVar(&r.Disks, "disks", "", "what became of its disks: erased, kept or destroyed")
	togetherFlag(c, &together)
	t.add(c)
	return w.tryable(c)
}

func machineReplace(w *world) *cobra.Command {
	var r inventory.Replacement
	var yes, together bool
	var macs []string
	var bmc string
	c := &cobra.Command{Use: "replace MACHINE... --part machine|board --reason WHY", Short: "Put new hardware in the places of machines", Args: names(1, -1),
		Long: "The old record retires and keeps its history; a new one takes over name, slot, ports, networks, cables and labels.\n" +
			"With --part board the chassis' serial number and the disks stay. What is not given is learned when the hardware is seen;\n" +
			"of several machines no serial number, UUID or MAC can be given.",
		Example: "  rackwright machine replace r1-u10 --part machine --serial 7XK2041 --reason 'RMA 4711' --yes\n" +
			"  rackwright machine replace r1-u10 --part board --mac nic1=52:54:00:12:34:56 --reason 'no POST' --yes\n" +
			"  rackwright machine replace r1-u10 r1-u11 --part machine --reason 'RMA 4712' --dry-run",
		RunE: func(c *cobra.Command, machines []string) error {
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
			if err := w.sure(yes, "retires the hardware of", machines...); err != nil {
				return err
			}
			return changing[inventory.Replacement]{"replace", r, together,
				func(ctx context.Context, m string) (inventory.Machine, error) { return cl.Replace(ctx, m, r) },
				func(out io.Writer, m inventory.Machine) {
					fmt.Fprintf(out, "%s is now machine %s, %s; it took the place of %s.\n", oneLine(m.Name), m.ID, m.Phase, m.Replaces)
				}}.run(c.Context(), w, cl, machines)
		}}
	yesFlag(c, &yes)
	c.Flags().StringVar(&r.Part, "part", "", "`what` is new: machine or board")
	c.Flags().StringVar(&r.Serial, "serial", "", "serial `number` of the new hardware")
	c.Flags().StringVar(&r.UUID, "uuid", "", "system `UUID` of the new hardware")
	c.Flags().StringArrayVar(&macs, "mac", nil, "`PORT=MAC` of a network port; may be repeated")
	c.Flags().StringVar(&bmc, "bmc-mac", "", "`MAC` of the new BMC")
	c.Flags().BoolVar(&r.KeepBMC, "keep-bmc-credentials", false, "the new BMC has the password of the old one")
	togetherFlag(c, &together)
	return w.tryable(c)
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

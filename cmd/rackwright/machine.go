package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/inventory"
)

func machineCommand(w *world) *cobra.Command {
	return group("machine", "Look at machines", []string{"machines"}, machineList(w), machineShow(w), machineTimeline(w), machineConsole(w), machineWhy(w), machineBoots(w), machineTrace(w), machineLabel(w), machineLocate(w), machineVerify(w), machineWaive(w), machineParts(w),
		machineGates(w), machineIdentifiers(w), machineHistory(w), machineHold(w), machineRelease(w), machineReplace(w), machineRetire(w))
}

func machineList(w *world) *cobra.Command {
	var q client.MachineQuery
	c := &cobra.Command{Use: "list [WORD...]", Aliases: []string{"ls"}, Short: "List machines", Args: names(0, -1),
		Long: "Lists machines. A word is the beginning of a name or a part of one, a serial number or its last\n" +
			"digits, an asset tag, a model, a label, an address or a MAC; of several all must match.",
		Example: "  rackwright machine list --rack r1 --phase active\n  rackwright machine list --label role=db --tag gpu\n  rackwright machine list --phase racked,discovered --sort=-updated_at --limit 20\n  rackwright machine list dell 4711",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			q.Text = strings.Join(args, " ")
			list, err := cl.Machines(c.Context(), q)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, m := range list {
					rows = append(rows, machineRow(m))
				}
				table(out, []string{"NAME", "SLOT", "PHASE", "POWER", "ADDRESS", "FIRMWARE", "IMAGE", "CONDITION"}, rows)
			})
		}}
	c.Flags().StringVar(&q.Rack, "rack", "", "only machines of this `rack`")
	c.Flags().StringSliceVar(&q.Phases, "phase", nil, "only machines in this `phase`; several with commas, for any of them")
	c.Flags().StringVar(&q.MAC, "mac", "", "only the machine with this `address`")
	c.Flags().StringArrayVar(&q.Labels, "label", nil, "only machines with this `KEY or KEY=VALUE`; may be repeated")
	c.Flags().StringVar(&q.Tag, "tag", "", "only machines with this `tag`")
	c.Flags().StringVar(&q.Project, "project", "", "only machines of this `project`")
	c.Flags().StringVar(&q.Model, "model", "", "only machines of this `model`")
	c.Flags().StringVar(&q.Vendor, "vendor", "", "only machines of this `vendor`")
	c.Flags().StringVar(&q.Image, "image", "", "only machines that this `image` was deployed on")
	c.Flags().StringVar(&q.Serial, "serial", "", "only the machine with this serial `number`")
	c.Flags().StringVar(&q.AssetTag, "asset-tag", "", "only the machine with this asset `tag`")
	c.Flags().StringVar(&q.Condition, "condition", "", "only machines with a condition of this `type`")
	c.Flags().BoolVar(&q.Held, "held", false, "only machines that somebody holds")
	c.Flags().StringVar(&q.Sort, "sort", "", "`order`: name, rack, phase, created_at or updated_at; -ORDER turns it round")
	return w.watchable(w.pages(c, mostListed), byMachines, func([]string) client.StreamQuery { return rackQuery(q.Rack) })
}

func machineRow(m inventory.Machine) []string {
	address, condition := "", ""
	if n := m.BootNIC(); n != nil && n.Address.IsValid() {
		address = n.Address.String()
	}
	for _, c := range slices.Backward(m.Conditions) { // the first that nobody waived
		if c.Waived.At.IsZero() {
			condition = c.Type
		}
	}
	return []string{m.Name, slotText(m.Slot), string(m.Phase), string(m.Power), address, string(m.Firmware), m.Image, condition}
}

func slotText(s *inventory.Slot) string {
	if s == nil {
		return ""
	}
	text := fmt.Sprintf("%s/u%d", s.Rack, s.U)
	if s.U == 0 {
		text = s.Rack + " beside"
	}
	if s.Face == "rear" {
		text += " rear"
	}
	if s.Side != "" {
		text += " " + string(s.Side)
	}
	if s.Chassis != "" {
		text += " " + s.Chassis + "/" + s.Bay
	}
	return text
}

func machineShow(w *world) *cobra.Command {
	c := &cobra.Command{Use: "show MACHINE", Short: "Show one machine", Args: names(1, 1), Example: "  rackwright machine show r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			m, err := cl.Machine(c.Context(), args[0])
			if err != nil {
				return err
			}
			var gates []inventory.Gate
			if w.format == "table" && m.Phase != inventory.Retired {
				if gates, err = cl.Gates(c.Context(), m.ID); err != nil {
					return err
				}
			}
			return w.show(m, func(out io.Writer) { printMachine(out, m, gates) })
		}}
	return w.watchable(c, byEvents, machineQuery)
}

func printMachine(out io.Writer, m inventory.Machine, gates []inventory.Gate) {
	next, lacks := nextGate(gates)
	facts := []string{"Name", m.Name, "Id", m.ID, "Slot", slotText(m.Slot), "Phase", string(m.Phase), "Next phase", next, "It lacks", lacks, "Power", string(m.Power),
		"Image", m.Image, "Firmware", string(m.Firmware), "Netboots by", string(m.Netboot), "Architecture", m.Arch, "Hardware", strings.TrimSpace(m.Vendor + " " + m.Model),
		"Serial", m.Serial, "UUID", m.UUID, "Asset tag", m.AssetTag, "Batch", m.Batch, "Project", m.Project,
		"Labels", labelText(m.Labels), "Tags", strings.Join(m.Tags, " "), "Waived", waiverText(m.Waivers), "Replaces", m.Replaces}
	if m.Hold != nil {
		facts = append(facts, "Held", fmt.Sprintf("by %s until %s: %s", m.Hold.By, timeText(m.Hold.Until), m.Hold.Reason))
	}
	for _, n := range m.NICs {
		facts = append(facts, "NIC "+n.Name, nicText(n))
	}
	for _, p := range m.PSUs {
		facts = append(facts, "Power supply "+p.Name, strings.TrimSpace(string(p.Connector)+" "+cableText(p.Cable)))
	}
	if m.BMC != nil {
		claimed := "not claimed"
		if !m.BMC.Claimed.IsZero() {
			claimed = "claimed " + timeText(m.BMC.Claimed)
		}
		facts = append(facts, "BMC", strings.TrimSpace(m.BMC.Address+" "+m.BMC.Username)+", "+claimed)
	}
	if !m.RootDisk.IsZero() {
		facts = append(facts, "Root disk", m.RootDisk.String())
	}
	facts = append(facts, factsText(m.Facts)...)
	for _, c := range m.Conditions {
		facts = append(facts, "Condition", fmt.Sprintf("%s (%s) since %s: %s", strings.TrimSpace(c.Type+" "+c.Subject), c.Reason, timeText(c.Since), c.Evidence))
		if !c.Waived.At.IsZero() {
			facts = append(facts, "  waived", fmt.Sprintf("by %s: %s", c.Waived.By, c.Waived.Reason))
		} else {
			facts = append(facts, "  to do", c.Hint)
		}
	}
	pairs(out, facts...)
}

func nicText(n inventory.NIC) string {
	parts := []string{string(n.Connector), n.Network, cableText(n.Cable)}
	if n.Address.IsValid() {
		parts = append([]string{n.Address.String()}, parts...)
	}
	if !n.MAC.IsZero() {
		parts = append([]string{n.MAC.String()}, parts...)
	}
	if n.Bond != "" {
		parts = append(parts, "bond "+n.Bond)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// factsText lists observed parts.
func factsText(f *inventory.Facts) []string {
	if f == nil {
		return nil
	}
	out := []string{"Observed", timeText(f.Observed) + " by " + f.Source}
	for _, p := range f.CPUs {
		out = append(out, "CPU "+p.Socket, fmt.Sprintf("%s, %d cores", p.Model, p.Cores))
	}
	if f.MemoryMiB > 0 {
		out = append(out, "Memory", bytesText(f.MemoryMiB<<20))
	}
	for _, d := range f.Disks {
		out = append(out, strings.TrimSpace("Disk "+d.Path), strings.TrimSpace(fmt.Sprintf("%s %s %s serial %q", bytesText(d.Bytes), d.Type, d.Model, d.Serial)))
	}
	for _, l := range f.LLDP {
		out = append(out, "LLDP "+l.NIC, strings.TrimSpace(l.System+" "+l.Port))
	}
	return out
}

func machineTimeline(w *world) *cobra.Command {
	var limit int
	c := &cobra.Command{Use: "timeline MACHINE", Short: "Show what happened to a machine, oldest first", Args: names(1, 1),
		Example: "  rackwright machine timeline r1-u10 --limit 50",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			events, err := cl.Timeline(c.Context(), args[0], limit)
			if err != nil {
				return err
			}
			return w.show(events, func(out io.Writer) { printTimeline(out, events) })
		}}
	c.Flags().IntVar(&limit, "limit", 200, "the newest so many `events`; 0: all")
	return c
}

func machineWhy(w *world) *cobra.Command {
	c := &cobra.Command{Use: "why MACHINE", Short: "Say what a machine waits for or what stopped it", Args: names(1, 1),
		Example: "  rackwright machine why r1-u10",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			why, err := cl.Why(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(why, func(out io.Writer) { printWhy(out, why) })
		}}
	return w.watchable(c, byEvents, machineQuery)
}

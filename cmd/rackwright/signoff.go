package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rackwright/inventory/racking"
)

func rackSignOff(w *world) *cobra.Command {
	var note string
	c := &cobra.Command{Use: "signoff RACK", Short: "Record that a rack is done", Args: names(1, 1), Example: "  rackwright rack signoff r1 --note 'handed over to operations'",
		Long: "Record that a rack is done: every machine with its serial number, addresses, firmware and cables, every step with who did what.\nIt is refused while a step is open or held.",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			s, err := cl.SignOffRack(c.Context(), args[0], note)
			if err != nil {
				return err
			}
			return w.show(s, func(out io.Writer) {
				fmt.Fprintf(out, "rack %s signed off by %s: %d machines, %d devices, record %s\n", oneLine(s.Rack), oneLine(s.By), len(s.Machines), len(s.Devices), s.ID)
			})
		}}
	c.Flags().StringVar(&note, "note", "", "a `remark` for the record")
	return c
}

func rackSignOffs(w *world) *cobra.Command {
	return &cobra.Command{Use: "signoffs RACK [ID]", Short: "Show the sign-off records of a rack", Args: names(1, 2),
		Example: "  rackwright rack signoffs r1\n  rackwright rack signoffs r1 0197... -o json",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if len(args) == 2 {
				s, err := cl.SignOff(c.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				return w.show(s, func(out io.Writer) { printSignOff(out, s) })
			}
			list, err := cl.SignOffs(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, s := range list {
					rows = append(rows, []string{s.ID, timeText(s.At), s.By, fmt.Sprint(len(s.Machines)), s.Note})
				}
				table(out, []string{"ID", "AT", "BY", "MACHINES", "NOTE"}, rows)
			})
		}}
}

func printSignOff(out io.Writer, s racking.SignOff) {
	pairs(out, "Rack", s.Rack, "At", timeText(s.At), "By", s.By, "Note", s.Note, "Record", s.ID)
	var rows [][]string
	for _, m := range s.Machines {
		waived := 0
		for _, st := range m.Steps {
			if st.State == racking.Waived {
				waived++
			}
		}
		rows = append(rows, []string{m.Name, m.Slot.Units(), string(m.Phase), m.Model, m.Serial, m.AssetTag, fmt.Sprint(waived + len(m.Waivers))})
	}
	table(out, []string{"MACHINE", "UNIT", "PHASE", "MODEL", "SERIAL", "ASSET TAG", "WAIVED"}, rows)
}

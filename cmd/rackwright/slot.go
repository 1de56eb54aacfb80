package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/inventory"
	"rackwright/inventory/racking"
)

func rackSlots(w *world) *cobra.Command {
	return &cobra.Command{Use: "slots RACK", Short: "List the places of a rack and how each stands", Args: names(1, 1), Example: "  rackwright rack slots r1",
		Long: "List every place of a rack by unit, in a word: empty, reserved, planned, racked, discovered, verified, ready, active,\nor attention when a condition is open or somebody holds it.",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			places, err := cl.Places(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(places, func(out io.Writer) {
				var rows [][]string
				for _, p := range together(places) {
					rows = append(rows, []string{p.Slot.Units(), sideText(p.Slot), string(p.State), p.Name, string(p.Kind), p.Model, cut(oneLine(p.Note), longestNote)})
				}
				table(out, []string{"UNIT", "WHERE", "STATE", "NAME", "KIND", "MODEL", "NOTE"}, rows)
			})
		}}
}

// longestNote is how much of a note the list shows, characters; 'rack slot' has the rest.
const longestNote = 60

// together makes one line of free units that follow each other.
func together(places []racking.Place) (out []racking.Place) {
	for _, p := range places {
		if n := len(out) - 1; n >= 0 && p.State == racking.Empty && out[n].State == racking.Empty && p.Slot.Side == out[n].Slot.Side &&
			p.Slot.Face == out[n].Slot.Face && p.Slot.U == out[n].Slot.U+out[n].Slot.Height {
			out[n].Slot.Height += p.Slot.Height
			continue
		}
		out = append(out, p)
	}
	return out
}

// sideText is which part of its units a slot takes.
func sideText(s inventory.Slot) string {
	if s.Bay != "" {
		return "bay " + s.Bay
	}
	return strings.TrimSpace(string(s.Face) + " " + string(s.Side))
}

func rackSlot(w *world) *cobra.Command {
	var face, side, bay string
	c := &cobra.Command{Use: "slot RACK UNIT", Short: "Say what should be in a slot, what was seen there, what was adopted", Args: names(2, 2),
		Example: "  rackwright rack slot r1 12\n  rackwright rack slot r1 12 --face rear",
		RunE: func(c *cobra.Command, args []string) error {
			u, err := strconv.Atoi(strings.TrimPrefix(strings.ToLower(args[1]), "u"))
			if err != nil {
				return usage(c, "%q is no unit: write its number", args[1])
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			a, err := cl.Slot(c.Context(), args[0], racking.Spot{U: u, Face: inventory.Face(face), Side: inventory.Side(side), Bay: bay})
			if err != nil {
				return err
			}
			return w.show(a, func(out io.Writer) { printSlot(out, a) })
		}}
	c.Flags().StringVar(&face, "face", "", "front or rear, where a unit holds several `things`")
	c.Flags().StringVar(&side, "side", "", "left or right `half`")
	c.Flags().StringVar(&bay, "bay", "", "`bay` of a chassis")
	return c
}

func printSlot(out io.Writer, a racking.Answer) {
	e, o := a.Expected, a.Observed
	facts := []string{"Slot", strings.TrimSpace(a.Slot.Rack + " " + a.Slot.Units() + " " + sideText(a.Slot)), "State", string(a.State),
		"Expected", strings.TrimSpace(e.Kind + " " + e.Name), "Model", strings.TrimSpace(e.Vendor + " " + e.Model), "Serial", e.Serial,
		"Asset tag", e.AssetTag, "UUID", e.UUID, "BMC MAC", e.BMC, "Reserved", e.Reason}
	for _, m := range e.MACs {
		facts = append(facts, "MAC of "+m.Port, m.MAC.String())
	}
	for _, r := range e.Cables {
		facts = append(facts, "Cable of "+r.Port, racking.Run{Port: r.Port, Cable: &inventory.Cable{To: r.To, Type: r.Type, LengthM: r.LengthM, Label: r.Label}}.String())
	}
	for _, s := range o.Identifiers {
		facts = append(facts, "Observed", fmt.Sprintf("%s %s by %s, last %s", s.Kind, s.Value, s.Source, timeText(s.Last)))
	}
	if f := o.Facts; f != nil {
		facts = append(facts, "Parts", fmt.Sprintf("%d CPUs, %d DIMMs, %s, %d disks, %d NICs, by %s %s", f.CPUs, f.DIMMs, bytesText(f.MemoryMiB<<20), f.Disks, f.NICs, f.Source, timeText(f.Observed)))
	}
	for _, p := range o.Ports {
		if p.Hears != "" {
			facts = append(facts, "Port "+p.Name, "hears "+p.Hears)
		}
	}
	if d := a.Adopted; d != nil {
		facts = append(facts, "Adopted", fmt.Sprintf("%s (%s), phase %s", d.Name, d.Machine, d.Phase), "Agreeing", strings.Join(d.Agree, ", "))
		if d.By != "" {
			facts = append(facts, "Mounted by", d.By+" "+timeText(d.At))
		}
	} else {
		facts = append(facts, "Adopted", "nothing")
	}
	for _, c := range a.Conditions {
		facts = append(facts, "Condition", fmt.Sprintf("%s: %s", c.Type, cmp.Or(c.Evidence, c.Reason)), "  to do", c.Hint)
	}
	for _, p := range a.History {
		facts = append(facts, "Before", strings.TrimSpace(fmt.Sprintf("%s (%s) serial %s until %s", p.Name, p.Machine, p.Serial, timeText(p.Until))))
	}
	facts = append(facts, "Also here", strings.Join(a.Also, ", "))
	pairs(out, facts...)
}

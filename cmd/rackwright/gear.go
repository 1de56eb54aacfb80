package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/inventory"
)

func rackShow(w *world) *cobra.Command {
	c := &cobra.Command{Use: "show RACK", Short: "Show one rack", Args: names(1, 1), Example: "  rackwright rack show r1",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			r, err := cl.Rack(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(r, func(out io.Writer) { printRack(out, r) })
		}}
	return w.watchable(c, byEvents, firstRack)
}

func printRack(out io.Writer, r inventory.Rack) {
	facts := []string{"Name", r.Name, "Id", r.ID, "Site", r.Site, "Room", r.Room, "Row", r.Row, "Units", fmt.Sprint(r.Units), "Numbering", string(r.Numbering)}
	if r.DepthMM > 0 {
		facts = append(facts, "Depth", fmt.Sprintf("%d mm", r.DepthMM))
	}
	load := inventory.Load{}
	if r.Load != nil {
		load = *r.Load
	}
	if r.WeightLimitKG > 0 || load.WeightKG > 0 {
		facts = append(facts, "Weight", weightText(load.WeightKG, r.WeightLimitKG))
	}
	for _, f := range r.Feeds {
		facts = append(facts, "Feed "+f.Name, feedText(f, load))
	}
	for _, v := range r.Reserved {
		facts = append(facts, fmt.Sprintf("Reserved u%d", v.U), strings.TrimSpace(fmt.Sprintf("%d units %s: %s %s", max(v.Height, 1), v.Face, v.Reason, v.Project)))
	}
	pairs(out, append(facts, "Labels", labelText(r.Labels), "Tags", strings.Join(r.Tags, " "), "Waived", waiverText(r.Waivers))...)
}

func weightText(kg, limit float64) string {
	if limit == 0 {
		return fmt.Sprintf("%g kg", kg)
	}
	return fmt.Sprintf("%g of %g kg", kg, limit)
}

// feedText says what a feed carries at worst of what it may carry for good.
func feedText(f inventory.Feed, load inventory.Load) string {
	out := fmt.Sprintf("%d V, %g A", f.Volts, f.Amps)
	for _, l := range load.Feeds {
		if l.Feed == f.Name {
			return out + fmt.Sprintf(", at worst %.0f of %.0f W", l.WorstW, l.UsableW)
		}
	}
	return out + fmt.Sprintf(", %.0f W", f.UsableWatts())
}

func deviceCommand(w *world) *cobra.Command {
	var rack string
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List switches, PDUs, chassis and panels", Args: names(0, 0),
		Example: "  rackwright device list --rack r1",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			devices, err := cl.Devices(c.Context(), rack)
			if err != nil {
				return err
			}
			return w.show(devices, func(out io.Writer) {
				var rows [][]string
				for _, d := range devices {
					rows = append(rows, []string{d.Name, string(d.Kind), slotText(d.Slot), d.Model, d.Serial, d.AssetTag, d.Feed, fmt.Sprint(len(d.Ports))})
				}
				table(out, []string{"NAME", "KIND", "SLOT", "MODEL", "SERIAL", "ASSET TAG", "FEED", "PORTS"}, rows)
			})
		}}
	w.pages(list, mostListed)
	list.Flags().StringVar(&rack, "rack", "", "only devices of this `rack`")
	return group("device", "Look at switches, PDUs, chassis and panels", []string{"devices"}, list, deviceShow(w))
}

func modelCommand(w *world) *cobra.Command {
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List models", Args: names(0, 0), Example: "  rackwright model list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			models, err := cl.Models(c.Context())
			if err != nil {
				return err
			}
			return w.show(models, func(out io.Writer) {
				var rows [][]string
				for _, m := range models {
					rows = append(rows, []string{m.Name, string(m.Kind), strings.TrimSpace(m.Vendor + " " + m.Product), fmt.Sprint(max(m.Height, 1)),
						amount(m.WeightKG, "kg"), amount(m.Watts, "W")})
				}
				table(out, []string{"NAME", "KIND", "HARDWARE", "UNITS", "WEIGHT", "POWER"}, rows)
			})
		}}
	w.pages(list, mostListed)
	return group("model", "Look at models", []string{"models"}, list, modelShow(w))
}

func projectCommand(w *world) *cobra.Command {
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List projects", Args: names(0, 0), Example: "  rackwright project list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			projects, err := cl.Projects(c.Context())
			if err != nil {
				return err
			}
			return w.show(projects, func(out io.Writer) {
				var rows [][]string
				for _, p := range projects {
					rows = append(rows, []string{p.Name, labelText(p.Labels)})
				}
				table(out, []string{"NAME", "LABELS"}, rows)
			})
		}}
	w.pages(list, mostListed)
	return group("project", "Look at projects", []string{"projects"}, list, projectShow(w))
}

// amount is empty where nothing is known.
func amount(n float64, unit string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%g %s", n, unit)
}

func labelText(labels map[string]string) string {
	var out []string
	for k, v := range labels {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func waiverText(list []inventory.Waiver) string {
	var out []string
	for _, v := range list {
		out = append(out, strings.TrimSpace(v.Rule+" "+v.On)+" ("+v.Reason+")")
	}
	return strings.Join(out, ", ")
}

// cableText is where a cable leads, with an arrow before it.
func cableText(c *inventory.Cable) string {
	if c == nil {
		return ""
	}
	text := "-> " + c.To.String()
	if c.Label != "" {
		text += " [" + c.Label + "]"
	}
	return text
}

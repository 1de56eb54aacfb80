package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/firmware"
)

func firmwareCampaign(w *world) *cobra.Command {
	return group("campaign", "Update many machines: canaries first, then wave after wave", []string{"campaigns"}, campaignStart(w), campaignList(w), campaignShow(w),
		campaignSteer(w, "pause", "Begin nothing more for now; what runs goes on"), campaignSteer(w, "resume", "Go on; what failed until now counts no more"),
		campaignSteer(w, "cancel", "Begin nothing more, ever; what runs ends by itself"))
}

const campaignStartLong = `Updates every chosen machine that lacks something: first the canaries, then waves. A wave
keeps within one failure domain (a rack label, rack, row or room), and the next begins
when all of it have ended. A canary that fails halts the campaign, and so does it when
more of the machines of the waves so far failed than --halt percent. A halted campaign
waits for 'resume' or 'cancel'.

Machines are chosen by --rack, --model, --label or --machine; they must meet all that are
given. With --dry-run the waves are shown and nothing begins.`

func campaignStart(w *world) *cobra.Command {
	var s wire.CampaignStart
	c := &cobra.Command{Use: "start NAME", Short: "Start a campaign", Args: names(1, 1), Long: campaignStartLong,
		Example: "  rackwright firmware campaign start bios-2026-05 --model x1 --canary 2 --wave 20 --domain row --dry-run\n" +
			"  rackwright firmware campaign start bios-2026-05 --rack r1 --rack r2 --file x1-bios-2.4.1",
		RunE: func(c *cobra.Command, args []string) error {
			s.Name = args[0]
			if err := s.Check(); err != nil {
				return err
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			got, err := cl.StartCampaign(c.Context(), s)
			if err != nil {
				return err
			}
			return w.show(got, func(out io.Writer) {
				if !s.DryRun {
					fmt.Fprintf(out, "campaign %s begun: %s\n", oneLine(got.Name), talliesText(got))
					return
				}
				fmt.Fprintf(out, "%s would update these:\n", oneLine(got.Name))
				printTargets(out, got)
			})
		}}
	flags := c.Flags()
	flags.StringArrayVar(&s.Racks, "rack", nil, "machines of this `rack`; may be repeated")
	flags.StringArrayVar(&s.Models, "model", nil, "machines of this `model`; may be repeated")
	flags.StringArrayVar(&s.Labels, "label", nil, "machines with this `label`, KEY or KEY=VALUE; may be repeated")
	flags.StringArrayVar(&s.Machines, "machine", nil, "this `machine`; may be repeated")
	flags.StringVar(&s.File, "file", "", "`name` of a file, in place of each machine's baseline")
	flags.BoolVar(&s.Downgrade, "downgrade", false, "also machines that are ahead of their baseline")
	flags.BoolVar(&s.Active, "active", false, "also machines that are active: they are restarted")
	flags.IntVar(&s.Canary, "canary", 1, "so `many` machines go first")
	flags.IntVar(&s.Size, "wave", 10, "so `many` machines of a wave, at once")
	flags.StringVar(&s.Domain, "domain", "rack", "a wave keeps within one value of this rack `label`, or of rack, row or room")
	flags.IntVar(&s.Halt, "halt", 10, "halt when more than so many `percent` failed")
	flags.BoolVar(&s.DryRun, "dry-run", false, "only show the waves")
	return c
}

func talliesText(c firmware.Campaign) string {
	var out []string
	for _, s := range []firmware.TargetState{firmware.TargetWaiting, firmware.TargetRunning, firmware.TargetDone, firmware.TargetFailed, firmware.TargetSkipped} {
		if n := c.Tally[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

func campaignList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List campaigns, newest first", Args: names(0, 0), Example: "  rackwright firmware campaign list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Campaigns(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, c := range list {
					rows = append(rows, []string{c.Name, string(c.State), fmt.Sprint(c.Wave), talliesText(c), timeText(c.Created), c.Why})
				}
				table(out, []string{"NAME", "STATE", "WAVE", "MACHINES", "CREATED", "WHY"}, rows)
			})
		}}
}

func campaignShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show CAMPAIGN", Short: "Show a campaign and how its machines stand", Args: names(1, 1), Example: "  rackwright firmware campaign show bios-2026-05",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			got, err := cl.Campaign(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(got, func(out io.Writer) {
				what := "baseline"
				if got.Rollout.File != "" {
					what = got.Rollout.File
				}
				pairs(out, "Name", got.Name, "Id", got.ID, "State", string(got.State), "Why", got.Why, "Brings", what, "Machines", talliesText(got), "Wave", fmt.Sprint(got.Wave),
					"Files", strings.Join(got.Files, ", "), "By", got.Actor, "Created", timeText(got.Created), "Finished", timeText(got.Finished))
				fmt.Fprintln(out)
				printTargets(out, got)
			})
		}}
}

func printTargets(out io.Writer, c firmware.Campaign) {
	var rows [][]string
	for _, t := range c.Targets {
		wave := fmt.Sprint(t.Wave)
		if t.Wave == 0 && c.Rollout.Canary > 0 {
			wave = "canary"
		}
		rows = append(rows, []string{wave, t.Domain, t.Name, t.Model, string(t.State), t.Operation, t.Why})
	}
	table(out, []string{"WAVE", "DOMAIN", "MACHINE", "MODEL", "STATE", "OPERATION", "WHY"}, rows)
}

func campaignSteer(w *world, verb, short string) *cobra.Command {
	return &cobra.Command{Use: verb + " CAMPAIGN", Short: short, Args: names(1, 1), Example: "  rackwright firmware campaign " + verb + " bios-2026-05",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			got, err := cl.SteerCampaign(c.Context(), args[0], verb)
			if err != nil {
				return err
			}
			return w.show(got, func(out io.Writer) {
				fmt.Fprintf(out, "campaign %s is %s: %s\n", oneLine(got.Name), got.State, talliesText(got))
			})
		}}
}

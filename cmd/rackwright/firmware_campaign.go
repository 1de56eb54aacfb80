package main

import (
	"context"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fleet"
)

func firmwareCampaign(w *world) *cobra.Command {
	return group("campaign", "Update many machines: canaries first, then wave after wave", []string{"campaigns"}, append(fleetCommands(w, fleet.Campaign, "bios-2026-05"), campaignStart(w))...)
}

const campaignStartLong = `Updates every chosen machine that lacks something: first the canaries, then waves. A wave
keeps within one failure domain (rack, row, room, site or a rack label), and the next
begins when all of it have ended. It halts when a canary fails, or when more than
--max-failures percent of the machines of the waves so far failed. A halted campaign
waits for 'resume' or 'cancel'.

Machines are chosen by --rack, --model, --label, --machine and --all-ready; they must meet
all that are given. Those that are active are left alone without --active. With --dry-run the waves are shown and nothing begins.`

func campaignStart(w *world) *cobra.Command {
	var s wire.CampaignStart
	var begin fleetStart
	c := &cobra.Command{Use: "start NAME", Short: "Start a campaign", Args: names(1, 1), Long: campaignStartLong,
		Example: "  rackwright firmware campaign start bios-2026-05 --model x1 --canary 2 --wave 20 --domain row --dry-run\n" +
			"  rackwright firmware campaign start bios-2026-05 --rack r1 --rack r2 --file x1-bios-2.4.1\n" +
			"  rackwright firmware campaign start bios-again --model x1 --active --yes",
		RunE: func(c *cobra.Command, args []string) error {
			s.Name, s.DryRun = args[0], begin.dry
			if err := s.Check(fleet.Campaign, s.Name); err != nil {
				return err
			}
			if s.Active && !begin.dry {
				if err := w.sure(begin.yes, "restarts systems that run, on the active machines of campaign", s.Name); err != nil {
					return err
				}
			}
			return begin.run(c.Context(), w, func(ctx context.Context, cl *client.Client) (fleet.Fleet, error) { return cl.StartCampaign(ctx, s) })
		}}
	s.Canary, s.Size = 1, 10
	begin.add(c, &s.Terms, 10)
	yesFlag(c, &begin.yes)
	c.Flags().StringVar(&s.File, "file", "", "`name` of a file, in place of each machine's baseline")
	c.Flags().BoolVar(&s.Downgrade, "downgrade", false, "also machines that are ahead of their baseline")
	return c
}

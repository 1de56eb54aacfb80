package main

import (
	"context"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fleet"
)

func rolloutCommand(w *world) *cobra.Command {
	return group("rollout", "Deploy one image to many machines", []string{"rollouts"}, append(fleetCommands(w, fleet.Rollout, "spring"), rolloutStart(w))...)
}

const rolloutStartLong = `Deploys one image to every chosen machine. First one machine of each failure domain (the
rack, unless --domain says otherwise); when all of those phoned home, the others. How many
are in motion at once follows from what is measured while it goes on: what the server, the
caches and the uplinks of the racks bring, and the power of the racks. There is nothing to
tune.

Machines that are active are left out, unless --active is said: then they come last, one
failure domain after the other.

With --wave the others come in waves of so many, each within one failure domain, after
--canary machines of as many models as possible.

It halts, and says why, when one of the first fails, or when more than --max-failures
percent of all failed or surely will (with --wave: of the waves so far failed). 'resume'
or 'cancel' is then a person's to say.

Machines are chosen by --rack, --model, --label, --machine and --all-ready; they must meet all that
are given. One that cannot be deployed is skipped with the reason. With --dry-run the waves
are shown and nothing begins.`

func rolloutStart(w *world) *cobra.Command {
	var f deployFlags
	var s wire.RolloutStart
	var begin fleetStart
	c := &cobra.Command{Use: "start NAME --image IMAGE", Short: "Start a rollout", Args: names(1, 1), Long: rolloutStartLong,
		Example: "  rackwright rollout start spring --image debian-12 --all-ready --ssh-key ~/.ssh/id_ed25519.pub --dry-run\n" +
			"  rackwright rollout start hall-2 --image debian-12 --rack r1 --rack r2 --max-failures 2 --watch\n" +
			"  rackwright rollout start web-again --image debian-13 --label role=web --active --domain feed --yes",
		RunE: func(c *cobra.Command, args []string) error {
			s.Name = args[0]
			if err := s.Check(fleet.Rollout, s.Name); err != nil {
				return err
			}
			order, err := f.order(c)
			if err != nil {
				return err
			}
			s.Deploy, s.Deploy.DryRun = order, begin.dry
			if s.Active && !begin.dry {
				if err := w.sure(begin.yes, "overwrites systems that run, on the active machines of rollout", s.Name); err != nil {
					return err
				}
			}
			return begin.run(c.Context(), w, func(ctx context.Context, cl *client.Client) (fleet.Fleet, error) { return cl.StartRollout(ctx, s) })
		}}
	f.add(c)
	begin.add(c, &s.Terms, 5)
	yesFlag(c, &begin.yes)
	return c
}

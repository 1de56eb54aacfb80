package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy/rollout"
	"rackwright/fault"
)

func rolloutCommand(w *world) *cobra.Command {
	return group("rollout", "Deploy one image to many machines", []string{"rollouts"}, rolloutStart(w), rolloutList(w), rolloutShow(w), rolloutWatch(w),
		rolloutSteer(w, "pause", "Begin nothing more for now; what runs goes on"), rolloutSteer(w, "resume", "Go on; what failed until now counts no more"),
		rolloutSteer(w, "abort", "Begin nothing more, ever; what runs ends by itself"))
}

const rolloutStartLong = `Deploys one image to every chosen machine. First one machine of each failure domain (the
rack, unless --domain says otherwise); when all of those phoned home, the others. How many
are in motion at once follows from what is measured while it goes on: what the server, the
caches and the uplinks of the racks bring, and the power of the racks. There is nothing to
tune.

Machines that are active are left out, unless --active is said: then they come last, one
failure domain after the other.

It halts, and says why, when one of the first fails, or when more than --max-failures of
all failed or surely will. 'resume' or 'abort' is then a person's to say.

Machines are chosen by --rack, --label, --machine and --all-ready; they must meet all that
are given. One that cannot be deployed is skipped with the reason. With --dry-run the waves
are shown and nothing begins.`

func rolloutStart(w *world) *cobra.Command {
	var f deployFlags
	var t rollout.Terms
	var watch, dry bool
	c := &cobra.Command{Use: "start NAME --image IMAGE", Short: "Start a rollout", Args: names(1, 1), Long: rolloutStartLong,
		Example: "  rackwright rollout start spring --image debian-12 --all-ready --ssh-key ~/.ssh/id_ed25519.pub --dry-run\n" +
			"  rackwright rollout start hall-2 --image debian-12 --rack r1 --rack r2 --max-failures 2 --watch\n" +
			"  rackwright rollout start web-again --image debian-13 --label role=web --active --domain feed",
		RunE: func(c *cobra.Command, args []string) error {
			if err := t.Check(args[0]); err != nil {
				return err
			}
			order, err := f.order(c)
			if err != nil {
				return err
			}
			order.DryRun = dry
			cl, err := w.connect()
			if err != nil {
				return err
			}
			got, err := cl.StartRollout(c.Context(), wire.RolloutStart{Name: args[0], Deploy: order, Terms: t})
			if err != nil {
				return err
			}
			if watch && !dry {
				return w.watchRollout(c.Context(), cl, got.Name)
			}
			return w.show(got, func(out io.Writer) {
				if !dry {
					fmt.Fprintf(out, "rollout %s begun: %s\n", oneLine(got.Name), fleetText(got))
					return
				}
				fmt.Fprintf(out, "%s would deploy %s to these:\n", oneLine(got.Name), oneLine(got.Image))
				printMembers(out, got)
			})
		}}
	f.add(c)
	flags := c.Flags()
	flags.StringArrayVar(&t.Racks, "rack", nil, "machines of this `rack`; may be repeated")
	flags.StringArrayVar(&t.Labels, "label", nil, "machines with this `label`, KEY or KEY=VALUE; may be repeated")
	flags.StringArrayVar(&t.Machines, "machine", nil, "this `machine`; may be repeated")
	flags.BoolVar(&t.AllReady, "all-ready", false, "every machine in phase ready")
	flags.BoolVar(&t.Active, "active", false, "also machines that are active: their system is overwritten")
	flags.IntVar(&t.MaxFailures, "max-failures", 5, "halt when more than so many `percent` fail")
	flags.StringVar(&t.Domain, "domain", "rack", "what fails together: rack, row, room, site, or a rack `label`")
	flags.BoolVar(&watch, "watch", false, "follow it until it ends")
	flags.BoolVar(&dry, "dry-run", false, "only show the waves")
	return c
}

func fleetText(f rollout.Fleet) string {
	var out []string
	for _, s := range []rollout.MemberState{rollout.Waiting, rollout.Deploying, rollout.Deployed, rollout.Failed, rollout.Skipped} {
		if n := f.Tally[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

func rolloutList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List rollouts, newest first", Args: names(0, 0), Example: "  rackwright rollout list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Rollouts(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, f := range list {
					rows = append(rows, []string{f.Name, f.Image, string(f.State), fleetText(f), etaText(f), f.Why})
				}
				table(out, []string{"NAME", "IMAGE", "STATE", "MACHINES", "LIKELY DONE", "WHY"}, rows)
			})
		}}
}

func etaText(f rollout.Fleet) string {
	if f.State != rollout.Running {
		return timeText(f.Finished)
	}
	return timeText(f.Pace.ETA)
}

func rolloutShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show ROLLOUT", Short: "Show a rollout, its machines and what it measures", Args: names(1, 1), Example: "  rackwright rollout show spring",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			got, err := cl.Rollout(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(got, func(out io.Writer) {
				pairs(out, "Name", got.Name, "Id", got.ID, "State", string(got.State), "Why", got.Why, "Image", got.Image+" ("+got.Digest+")", "Machines", fleetText(got),
					"Wave", fmt.Sprint(got.Wave), "Pace", paceText(got), "Likely done", etaText(got), "By", got.Actor, "Created", timeText(got.Created), "Finished", timeText(got.Finished))
				fmt.Fprintln(out)
				printPipes(out, got)
				printMembers(out, got)
			})
		}}
}

func paceText(f rollout.Fleet) string {
	p := f.Pace
	if p.Boot+p.Write+p.Finish == 0 {
		return ""
	}
	round := func(d time.Duration) time.Duration { return d.Round(time.Second) }
	return fmt.Sprintf("%s to boot, %s to write, %s to phone home; %s/s now", round(p.Boot), round(p.Write), round(p.Finish), bytesText(int64(p.Rate)))
}

func printPipes(out io.Writer, f rollout.Fleet) {
	if len(f.Pipes) == 0 {
		return
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(f.Pipes)) {
		p := f.Pipes[name]
		what := map[rollout.Mode]string{rollout.Up: "more are tried", rollout.Rest: "more brought nothing", rollout.Down: "fewer are tried"}[p.Window.Mode]
		rows = append(rows, []string{name, fmt.Sprint(p.Window.Size), fmt.Sprintf("%.0f", p.Using), bytesText(int64(p.Rate)) + "/s", what})
	}
	table(out, []string{"THROUGH", "AT ONCE", "NOW", "RATE", "FOUND"}, rows)
	fmt.Fprintln(out)
}

func printMembers(out io.Writer, f rollout.Fleet) {
	var rows [][]string
	for _, m := range f.Members {
		wave := fmt.Sprint(m.Wave)
		if m.Canary {
			wave += " first"
		}
		state := string(m.State)
		if m.State == rollout.Deploying {
			state += ": " + string(m.Stage)
			if m.Stage == rollout.Write {
				state += fmt.Sprintf(" %.0f %%", 100*m.Share)
			}
		}
		rows = append(rows, []string{wave, m.Domain, m.Name, state, m.Operation, m.Why})
	}
	table(out, []string{"WAVE", "DOMAIN", "MACHINE", "STATE", "OPERATION", "WHY"}, rows)
}

func rolloutSteer(w *world, verb, short string) *cobra.Command {
	return &cobra.Command{Use: verb + " ROLLOUT", Short: short, Args: names(1, 1), Example: "  rackwright rollout " + verb + " spring",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			got, err := cl.SteerRollout(c.Context(), args[0], verb)
			if err != nil {
				return err
			}
			return w.show(got, func(out io.Writer) {
				fmt.Fprintf(out, "rollout %s is %s: %s\n", oneLine(got.Name), got.State, fleetText(got))
			})
		}}
}

func rolloutWatch(w *world) *cobra.Command {
	return &cobra.Command{Use: "watch ROLLOUT", Short: "Follow a rollout until it ends or halts", Args: names(1, 1), Example: "  rackwright rollout watch spring",
		Long: "Prints a line with each change. Ends with status 0 when every machine was deployed, else with 1 and the reason.",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			return w.watchRollout(c.Context(), cl, args[0])
		}}
}

// watchRollout says each change, until nothing changes by itself any more.
func (w *world) watchRollout(ctx context.Context, cl *client.Client, name string) error {
	last := ""
	for failures := 0; ; {
		f, err := cl.Rollout(ctx, name)
		if failures++; fault.Is(err, fault.Unreachable) && failures < 60 && pause(ctx, 2*time.Second) {
			continue
		}
		if err != nil {
			return err
		}
		failures = 0
		line := fmt.Sprintf("%s: %s, %s", oneLine(f.Name), f.State, fleetText(f))
		if eta := etaText(f); eta != "" && f.State == rollout.Running {
			line += fmt.Sprintf("; %s/s, likely done %s", bytesText(int64(f.Pace.Rate)), eta)
		}
		if line != last {
			fmt.Fprintln(w.err, line)
			last = line
		}
		if f.State != rollout.Running {
			return rolloutVerdict(f)
		}
		if !pause(ctx, 2*time.Second) {
			return badly("the rollout goes on; 'rackwright rollout watch "+name+"' follows it again", "interrupted")
		}
	}
}

func rolloutVerdict(f rollout.Fleet) error {
	bad := f.Tally[rollout.Failed] + f.Tally[rollout.Skipped]
	switch {
	case f.State == rollout.Done && bad == 0:
		return nil
	case f.State == rollout.Done:
		return badly("'rackwright rollout show "+f.Name+"' says why", "%d machines were not deployed: %s", bad, f.Why)
	case f.State == rollout.Halted:
		return badly("mend it, then 'rackwright rollout resume "+f.Name+"', or abort it", "rollout %s halted: %s", f.Name, f.Why)
	}
	return badly("'rackwright rollout show "+f.Name+"' shows it", "rollout %s is %s", f.Name, f.State)
}

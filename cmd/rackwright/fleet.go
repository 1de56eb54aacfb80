package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/fleet"
)

// fleetCommands are what rollouts and campaigns can both; example is a name of one.
func fleetCommands(w *world, kind fleet.Kind, example string) []*cobra.Command {
	of := fleetVerb{w: w, kind: kind, use: strings.ToUpper(string(kind)), example: example}
	return []*cobra.Command{fleetList(w, kind), of.show(), of.watch(),
		of.steer("pause", "Begin nothing more for now; what runs goes on"), of.steer("resume", "Go on; what failed until now counts no more"),
		of.steer("cancel", "Begin nothing more, ever; what runs ends by itself")}
}

// fleetStart is what the starts of both kinds share.
type fleetStart struct{ watch, dry, yes bool }

// add adds the flags of terms, whose wave and canaries are the defaults.
func (f *fleetStart) add(c *cobra.Command, t *fleet.Terms, percent int) {
	flags := c.Flags()
	flags.StringArrayVar(&t.Racks, "rack", nil, "machines of this `rack`; may be repeated")
	flags.StringArrayVar(&t.Models, "model", nil, "machines of this `model`; may be repeated")
	flags.StringArrayVar(&t.Labels, "label", nil, "machines with this `label`, KEY or KEY=VALUE; may be repeated")
	flags.StringArrayVar(&t.Machines, "machine", nil, "this `machine`; may be repeated")
	flags.BoolVar(&t.AllReady, "all-ready", false, "every machine in phase ready")
	flags.BoolVar(&t.Active, "active", false, "also machines that are active: their system is overwritten or restarted")
	flags.IntVar(&t.MaxFailures, "max-failures", percent, "halt when more than so many `percent` fail")
	flags.StringVar(&t.Domain, "domain", "rack", "what fails together: rack, row, room, site, or a rack `label`")
	flags.IntVar(&t.Canary, "canary", t.Canary, "with waves: so `many` machines go first")
	wave := "so `many` machines of a wave, at once"
	if t.Size == 0 { // a campaign has waves always
		wave += "; 0: as many as is measured to be good"
	}
	flags.IntVar(&t.Size, "wave", t.Size, wave)
	flags.BoolVar(&f.watch, "wait", false, "follow it until it ends; the exit status tells how")
	flags.BoolVar(&f.watch, "watch", false, "the same")
	flags.BoolVar(&f.dry, "dry-run", false, "only show the waves")
}

// run starts a fleet and says what came of it.
func (f *fleetStart) run(ctx context.Context, w *world, start func(context.Context, *client.Client) (fleet.Fleet, error)) error {
	cl, err := w.connect()
	if err != nil {
		return err
	}
	got, err := start(ctx, cl)
	if err != nil {
		return err
	}
	if f.watch && !f.dry {
		return w.watchFleet(ctx, cl, got.Kind, got.Name)
	}
	return w.show(got, func(out io.Writer) {
		if !f.dry {
			fmt.Fprintf(out, "%s %s begun: %s\n", got.Kind, oneLine(got.Name), fleetText(got))
			return
		}
		fmt.Fprintf(out, "%s would bring %s to these:\n", oneLine(got.Name), oneLine(brings(got)))
		printMembers(out, got)
	})
}

func fleetList(w *world, kind fleet.Kind) *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List " + string(kind) + "s, newest first", Args: names(0, 0), Example: "  " + kind.Command() + " list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Fleets(c.Context(), kind)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, f := range list {
					rows = append(rows, []string{f.Name, string(f.State), fmt.Sprint(f.Wave), fleetText(f), brings(f), etaText(f), timeText(f.Created), f.Why})
				}
				table(out, []string{"NAME", "STATE", "WAVE", "MACHINES", "BRINGS", "LIKELY DONE", "CREATED", "WHY"}, rows)
			})
		}}
	return w.watchable(c, byOperations, nil)
}

// fleetVerb makes the commands about one fleet.
type fleetVerb struct {
	w            *world
	kind         fleet.Kind
	use, example string
}

func (v fleetVerb) command(verb, short, long string, run func(ctx context.Context, cl *client.Client, name string) error) *cobra.Command {
	return &cobra.Command{Use: verb + " " + v.use, Short: short, Long: long, Args: names(1, 1), Example: "  " + v.kind.Command() + " " + verb + " " + v.example,
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := v.w.connect()
			if err != nil {
				return err
			}
			return run(c.Context(), cl, args[0])
		}}
}

func (v fleetVerb) show() *cobra.Command {
	c := v.command("show", "Show a "+string(v.kind)+", its machines and what it measures", "", func(ctx context.Context, cl *client.Client, name string) error {
		got, err := cl.Fleet(ctx, v.kind, name)
		if err != nil {
			return err
		}
		v.w.over = got.State != fleet.Running
		return v.w.show(got, func(out io.Writer) { printFleet(out, got) })
	})
	return v.w.watchable(c, byOperations, nil)
}

func (v fleetVerb) steer(verb, short string) *cobra.Command {
	return v.command(verb, short, "", func(ctx context.Context, cl *client.Client, name string) error {
		got, err := cl.SteerFleet(ctx, v.kind, name, verb)
		if err != nil {
			return err
		}
		return v.w.show(got, func(out io.Writer) {
			fmt.Fprintf(out, "%s %s is %s: %s\n", got.Kind, oneLine(got.Name), got.State, fleetText(got))
		})
	})
}

func (v fleetVerb) watch() *cobra.Command {
	return v.command("watch", "Follow a "+string(v.kind)+" until it ends or halts",
		"Prints a line with each change. Ends with status 0 when all was done on every machine, else with 1 and the reason.",
		func(ctx context.Context, cl *client.Client, name string) error {
			return v.w.watchFleet(ctx, cl, v.kind, name)
		})
}

// watchFleet says each change, until nothing changes by itself any more.
func (w *world) watchFleet(ctx context.Context, cl *client.Client, kind fleet.Kind, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wake, anyway := wakes(ctx, cl, byOperations, client.StreamQuery{}), lookAnyway
	last := ""
	for failures := 0; ; {
		f, err := cl.Fleet(ctx, kind, name)
		if failures++; fault.Is(err, fault.Unreachable) && failures < 60 && pause(ctx, lookPolled) {
			continue
		}
		if err != nil {
			return err
		}
		failures = 0
		if line := fleetLine(f); line != last {
			fmt.Fprintln(w.err, line)
			last = line
		}
		if f.State != fleet.Running {
			return fleetVerdict(f)
		}
		goes := pause(ctx, lookRest)
		if goes {
			select {
			case good := <-wake:
				if !good { // there is no stream: look by the clock
					anyway, wake = lookPolled, nil
				}
			case <-time.After(anyway):
			case <-ctx.Done():
				goes = false
			}
		}
		if !goes {
			return badly("the "+string(kind)+" goes on; '"+kind.Command()+" watch "+name+"' follows it again", "interrupted")
		}
	}
}

func fleetVerdict(f fleet.Fleet) error {
	command, bad := f.Kind.Command(), f.Tally[fleet.Failed]+f.Tally[fleet.Skipped]
	switch {
	case f.State == fleet.Done && bad == 0:
		return nil
	case f.State == fleet.Done:
		return badly("'"+command+" show "+f.Name+"' says why", "on %d machines it was not done: %s", bad, f.Why)
	case f.State == fleet.Halted:
		return badly("mend it, then '"+command+" resume "+f.Name+"', or cancel it", "%s %s halted: %s", f.Kind, f.Name, f.Why)
	}
	return badly("'"+command+" show "+f.Name+"' shows it", "%s %s is %s", f.Kind, f.Name, f.State)
}

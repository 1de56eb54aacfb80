package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/deploy"
)

func operationCommand(w *world) *cobra.Command {
	return group("operation", "Look at and steer operations", []string{"operations", "op"}, operationList(w), operationShow(w), operationLog(w),
		operationTurn(w, "cancel", "End an operation at its next safe point", (*client.Client).CancelOperation),
		operationTurn(w, "retry", "Let a parked operation go on", (*client.Client).RetryOperation))
}

func operationList(w *world) *cobra.Command {
	var q client.OperationQuery
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List operations, newest first", Args: names(0, 0),
		Example: "  rackwright operation list --open\n  rackwright operation list --machine r1-u10\n  rackwright operation list --rack r1 --kind deploy,inspect --state parked,failed",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.AllOperations(c.Context(), q)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, o := range list {
					rows = append(rows, []string{o.ID, o.Name, string(o.Kind), string(o.State), stage(o), timeText(o.Created), o.Reason})
				}
				table(out, []string{"ID", "MACHINE", "KIND", "STATE", "STAGE", "CREATED", "REASON"}, rows)
			})
		}}
	c.Flags().StringVar(&q.Machine, "machine", "", "only operations on this `machine`")
	c.Flags().StringVar(&q.Rack, "rack", "", "only operations on machines in this `rack`")
	c.Flags().StringSliceVar(&q.Kinds, "kind", nil, "only operations of this `kind`: deploy, inspect, erase, burn-in, rescue, power, locate, bmc, claim or firmware; several with commas")
	c.Flags().BoolVar(&q.Open, "open", false, "only those that have not ended")
	c.Flags().StringSliceVar(&q.States, "state", nil, "only operations in this `state`: queued, running, parked, succeeded, failed or cancelled; several with commas")
	return w.watchable(w.pages(c, 50), byOperations, func([]string) client.StreamQuery {
		return client.StreamQuery{Machine: q.Machine, Racks: rackQuery(q.Rack).Racks}
	})
}

func operationShow(w *world) *cobra.Command {
	c := &cobra.Command{Use: "show OPERATION", Short: "Show one operation and its steps", Args: names(1, 1), Example: "  rackwright operation show 0197...",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			o, err := cl.Operation(c.Context(), args[0])
			if err != nil {
				return err
			}
			w.over = settled(o)
			return w.show(o, func(out io.Writer) { printOperation(out, o) })
		}}
	return w.watchable(c, byOperations, func(args []string) client.StreamQuery { return client.StreamQuery{Operation: args[0]} })
}

func printOperation(out io.Writer, o deploy.Operation) {
	pairs(out, "Id", o.ID, "Machine", o.Name, "Kind", string(o.Kind), "State", string(o.State), "Image", o.Order.Image, "Power", o.Order.Power, "Firmware", firmwareFiles(o.Order.Firmware),
		"Disk", o.Disk, "By", o.Actor, "Created", timeText(o.Created), "Finished", timeText(o.Finished), "Reason", o.Reason,
		"Message", o.Message, "Hint", o.Hint)
	printSteps(out, o.Steps)
	if d := doorOf(o); d != nil {
		printDoor(out, *d)
	}
}

func printSteps(out io.Writer, steps []deploy.Step) {
	var rows [][]string
	for _, s := range steps {
		took := ""
		if !s.Started.IsZero() && !s.Ended.IsZero() {
			took = s.Ended.Sub(s.Started).Round(100 * time.Millisecond).String()
		}
		progress := ""
		if s.Total > 0 {
			progress = fmt.Sprintf("%d %%", s.Done*100/s.Total)
		}
		rows = append(rows, []string{s.Title, string(s.State), took, progress, s.Limit.String(), fmt.Sprint(s.Budget), s.Note})
	}
	table(out, []string{"STEP", "STATE", "TOOK", "PROGRESS", "LIMIT", "TRIES", "NOTE"}, rows)
}

func operationTurn(w *world, verb, short string, turn func(*client.Client, context.Context, string) (deploy.Operation, error)) *cobra.Command {
	var f following
	c := &cobra.Command{Use: verb + " OPERATION", Short: short, Args: names(1, 1),
		Example: "  rackwright operation " + verb + " 0197...\n  rackwright operation " + verb + " 0197... --wait\n  rackwright operation " + verb + " 0197... --dry-run",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			o, err := turn(cl, c.Context(), args[0])
			if err != nil {
				return err
			}
			if f.watch && !w.tries {
				return w.turned(c.Context(), cl, o, verb == "cancel", f)
			}
			return w.show(o, func(out io.Writer) { printTurned(out, o) })
		}}
	f.add(c)
	return w.tryable(c)
}

func printTurned(out io.Writer, o deploy.Operation) {
	text := string(o.State)
	if o.Cancel && !o.State.Ended() {
		text += ", ends at its next safe point"
	}
	fmt.Fprintf(out, "%s of %s is %s.\n", o.Kind, oneLine(o.Name), text)
}

// turned follows an operation that was steered to its end. One that was to be cancelled has
// ended well when it is.
func (w *world) turned(ctx context.Context, cl *client.Client, o deploy.Operation, cancelled bool, f following) error {
	ops := []deploy.Operation{o}
	if !cancelled {
		return w.follow(ctx, cl, ops, f.timeout)
	}
	if err := w.await(ctx, cl, ops, f.timeout); err != nil {
		return err
	}
	if o = ops[0]; o.State != deploy.Cancelled {
		return badly("'rackwright operation show "+o.ID+"' shows it", "%s of %s was not cancelled: it %s", o.Kind, o.Name, ended(o))
	}
	return w.show(o, func(out io.Writer) { printTurned(out, o) })
}

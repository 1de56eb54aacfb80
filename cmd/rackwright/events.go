package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/journal"
)

func eventsCommand(w *world) *cobra.Command {
	var follow bool
	var limit int
	var q client.StreamQuery
	c := &cobra.Command{Use: "events", Short: "Show what happened", Args: names(0, 0),
		Long: "Show the newest events, oldest first; with --follow also those to come, until interrupted.\n" +
			"A connection that breaks is taken up again where it was. Of a flag that is repeated one value has to fit;\n" +
			"of several flags all. With -o json or jsonl each event of --follow is one line.",
		Example: "  rackwright events --limit 20\n  rackwright events --follow --machine r1-u10\n  rackwright events --follow --rack r1 --kind op.state --kind machine --severity warning",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			events, err := cl.NewestEvents(c.Context(), q, limit)
			if err != nil {
				return err
			}
			if !follow {
				return w.show(events, func(out io.Writer) {
					for _, e := range events {
						printEvent(out, e)
					}
				})
			}
			for _, e := range events {
				q.After = e.ID
				if err := w.event(e); err != nil {
					return err
				}
			}
			return cl.Watch(c.Context(), q, w.event)
		}}
	c.Flags().BoolVar(&follow, "follow", false, "go on with what happens from now on")
	pickEvents(c, &q)
	c.Flags().IntVar(&limit, "limit", 50, "the newest so many `events`; 0: all")
	return c
}

// pickEvents gives a command the flags that pick events.
func pickEvents(c *cobra.Command, q *client.StreamQuery) {
	f := c.Flags()
	f.StringVar(&q.Machine, "machine", "", "only of this `machine`")
	f.StringArrayVar(&q.Racks, "rack", nil, "only of machines in this `rack`; may be repeated")
	f.StringArrayVar(&q.Sites, "site", nil, "only of machines at this `site`; may be repeated")
	f.StringArrayVar(&q.Projects, "project", nil, "only of machines of this `project`; may be repeated")
	f.StringArrayVar(&q.Kinds, "kind", nil, "only of this `kind`, or what stands before its dot: op.state, dhcp; may be repeated")
	f.StringVar(&q.Operation, "operation", "", "only of this operation, by its `id`")
	f.StringVar(&q.Severity, "severity", "", "only of this `severity` or worse: info, warning, error")
}

// event prints one event of a stream.
func (w *world) event(e journal.Event) error {
	switch w.format {
	case "json", "jsonl":
		w.format = "jsonl"
	case "yaml":
		fmt.Fprintln(w.out, "---")
	}
	return w.show(e, func(out io.Writer) { printEvent(out, e) })
}

func printEvent(out io.Writer, e journal.Event) {
	who := e.Name
	if who == "" && !e.MAC.IsZero() {
		who = e.MAC.String()
	}
	if who == "" {
		who = "-"
	}
	fmt.Fprintf(out, "%s  %-12s  %-17s  %s\n", timeText(e.At), oneLine(who), e.Kind, oneLine(e.Summary))
}

// printTimeline prints events with the time since the one before, which is where a slow
// stage shows.
func printTimeline(out io.Writer, events []journal.Event) {
	for i, e := range events {
		since := ""
		if i > 0 {
			since = "+" + e.At.Sub(events[i-1].At).Round(time.Millisecond).String()
		}
		by := ""
		if e.Actor != "" {
			by = " (" + e.Actor + ")"
		}
		fmt.Fprintf(out, "%s  %10s  %-17s  %s\n", e.At.UTC().Format("2006-01-02 15:04:05.000Z"), since, e.Kind, oneLine(e.Summary+by))
	}
}

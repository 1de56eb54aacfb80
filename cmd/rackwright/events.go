package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/journal"
)

func eventsCommand(w *world) *cobra.Command {
	var follow bool
	var q client.EventQuery
	c := &cobra.Command{Use: "events", Short: "Show what happened", Args: names(0, 0),
		Long:    "Show the newest events, oldest first; with --follow also those to come, until interrupted.\nWith -o json each event of --follow is one line.",
		Example: "  rackwright events --limit 20\n  rackwright events --follow --machine r1-u10",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			q.Newest = true
			events, err := cl.Events(c.Context(), q)
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
			last := int64(0)
			for _, e := range events {
				last = e.ID
				if err := w.event(e); err != nil {
					return err
				}
			}
			return cl.Watch(c.Context(), last, q.Machine, w.event)
		}}
	c.Flags().BoolVar(&follow, "follow", false, "go on with what happens from now on")
	c.Flags().StringVar(&q.Machine, "machine", "", "only events of this `machine`")
	c.Flags().IntVar(&q.Limit, "limit", 50, "so many `events`, at most 1000")
	return c
}

// event prints one event of a stream.
func (w *world) event(e journal.Event) error {
	switch w.format {
	case "json":
		return json.NewEncoder(w.out).Encode(e)
	case "yaml":
		fmt.Fprintln(w.out, "---")
		return writeYAML(w.out, e)
	}
	printEvent(w.out, e)
	return nil
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

package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/webhook"
)

func webhookTest(w *world) *cobra.Command {
	return &cobra.Command{Use: "test NAME", Short: "Send a test, now", Args: names(1, 1), Example: "  rackwright webhook test chat",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (webhook.Delivery, error) { return cl.TestWebhook(c.Context(), args[0]) }, func(out io.Writer, d webhook.Delivery) {
				fmt.Fprintf(out, "delivery %s is on its way; 'rackwright webhook deliveries %s' shows what became of it\n", d.ID, oneLine(args[0]))
			})
		}}
}

func webhookDeliveries(w *world) *cobra.Command {
	var state string
	var limit int
	c := &cobra.Command{Use: "deliveries NAME", Short: "List a webhook's deliveries, newest first", Args: names(1, 1),
		Example: "  rackwright webhook deliveries chat\n  rackwright webhook deliveries chat --state dead",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) ([]webhook.Delivery, error) {
				return cl.Deliveries(c.Context(), args[0], state, limit)
			}, printDeliveries)
		}}
	c.Flags().StringVar(&state, "state", "", "only those in this `state`: pending, delivered, dead")
	c.Flags().IntVar(&limit, "limit", 50, "the newest so many `deliveries`; 0: all")
	return c
}

func printDeliveries(out io.Writer, list []webhook.Delivery) {
	var rows [][]string
	for _, d := range list {
		event := "test"
		if d.Event > 0 {
			event = strconv.FormatInt(d.Event, 10)
		}
		rows = append(rows, []string{d.ID, event, string(d.State), strconv.Itoa(d.Attempts), cmp.Or(timeText(d.Finished), timeText(d.Due)), d.Error})
	}
	table(out, []string{"DELIVERY", "EVENT", "STATE", "ATTEMPTS", "ENDED OR DUE", "ERROR"}, rows)
}

func webhookReplay(w *world) *cobra.Command {
	var r wire.WebhookReplay
	var since, until string
	c := &cobra.Command{Use: "replay NAME", Short: "Make deliveries once more", Args: names(1, 1),
		Long:    "Makes one delivery once more (--delivery), all that were given up (--dead), or those of the events of a time (--since, --until).",
		Example: "  rackwright webhook replay chat --dead\n  rackwright webhook replay chat --since 2026-11-21T08:00:00Z --until 2026-11-21T09:00:00Z",
		RunE: func(c *cobra.Command, args []string) (err error) {
			for flag, to := range map[string]struct {
				text string
				at   *time.Time
			}{"since": {since, &r.From}, "until": {until, &r.To}} {
				if to.text == "" {
					continue
				}
				if *to.at, err = time.Parse(time.RFC3339, to.text); err != nil {
					return usage(c, "--%s must be a time like 2026-11-21T08:00:00Z", flag)
				}
			}
			return ask(w, c, func(cl *client.Client) (wire.WebhookReplayed, error) {
				return cl.ReplayWebhook(c.Context(), args[0], r)
			}, func(out io.Writer, n wire.WebhookReplayed) {
				fmt.Fprintf(out, "%d deliveries are made once more\n", n.Deliveries)
			})
		}}
	c.Flags().StringVar(&r.Delivery, "delivery", "", "one, by its `id`")
	c.Flags().BoolVar(&r.Dead, "dead", false, "all that were given up")
	c.Flags().StringVar(&since, "since", "", "events of this `time` and later (RFC 3339)")
	c.Flags().StringVar(&until, "until", "", "events before this `time`; without it, until now")
	return c
}

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/journal"
	"rackwright/webhook"
)

func webhookCommand(w *world) *cobra.Command {
	return group("webhook", "Tell other programs what happens", []string{"webhooks"}, webhookAdd(w), webhookList(w), webhookShow(w), webhookState(w, "pause", webhook.Paused),
		webhookState(w, "resume", webhook.Active), webhookRotate(w), webhookTest(w), webhookDeliveries(w), webhookReplay(w), webhookRemove(w), webhookVerify(w))
}

// asked is the filter that flags ask for.
func asked(q client.StreamQuery) journal.Filter {
	f := journal.Filter{Kinds: q.Kinds, Racks: q.Racks, Sites: q.Sites, Projects: q.Projects, Operation: q.Operation, Severity: journal.Severity(q.Severity)}
	if q.Machine != "" {
		f.Machines = []string{q.Machine}
	}
	return f
}

func webhookAdd(w *world) *cobra.Command {
	var q client.StreamQuery
	c := &cobra.Command{Use: "add NAME URL", Short: "Have an address told what happens from now on", Args: names(2, 2),
		Long: "Sends a POST for every event that the flags pick, signed after Standard Webhooks. The secret is\n" +
			"printed this once; the receiver checks the signature with it.",
		Example: "  rackwright webhook add chat https://chat.example.net/hook --kind op.state --severity warning\n  rackwright webhook add cmdb http://10.0.0.7:9000/events --kind machine",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (wire.WebhookMade, error) {
				return cl.AddWebhook(c.Context(), wire.WebhookNew{Name: args[0], URL: args[1], Filter: asked(q)})
			}, printSecret)
		}}
	pickEvents(c, &q)
	return c
}

// ask asks the server and shows what it answered.
func ask[T any](w *world, c *cobra.Command, call func(*client.Client) (T, error), print func(io.Writer, T)) error {
	cl, err := w.connect()
	if err != nil {
		return err
	}
	v, err := call(cl)
	if err != nil {
		return err
	}
	return w.show(v, func(out io.Writer) { print(out, v) })
}

func printSecret(out io.Writer, m wire.WebhookMade) {
	pairs(out, "webhook", m.Name, "leads to", m.URL, "secret", m.Secret)
	fmt.Fprintln(out, "The secret is shown this once.")
	if !m.Overlap.IsZero() {
		fmt.Fprintf(out, "The former one signs as well until %s.\n", timeText(m.Overlap))
	}
}

func webhookList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List webhooks and how they stand", Args: names(0, 0), Example: "  rackwright webhook list",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(w, c, func(cl *client.Client) ([]webhook.Webhook, error) { return cl.Webhooks(c.Context()) }, func(out io.Writer, list []webhook.Webhook) {
				var rows [][]string
				for _, h := range list {
					rows = append(rows, []string{h.Name, h.Host(), string(h.State), strconv.Itoa(h.Waiting), strconv.Itoa(h.Dead), strconv.Itoa(h.Failures), timeText(h.Last)})
				}
				table(out, []string{"NAME", "LEADS TO", "STATE", "WAITING", "DEAD", "FAILED IN A ROW", "LAST TAKEN"}, rows)
			})
		}}
}

func webhookShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "Show a webhook", Args: names(1, 1), Example: "  rackwright webhook show chat",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (webhook.Webhook, error) { return cl.Webhook(c.Context(), args[0]) }, printWebhook)
		}}
}

func printWebhook(out io.Writer, h webhook.Webhook) {
	f := h.Filter
	pairs(out, "name", h.Name, "id", h.ID, "leads to", h.URL, "state", string(h.State), "because", h.Why,
		"kinds", strings.Join(f.Kinds, ", "), "machines", strings.Join(f.Machines, ", "), "racks", strings.Join(f.Racks, ", "), "sites", strings.Join(f.Sites, ", "),
		"projects", strings.Join(f.Projects, ", "), "operation", f.Operation, "severity", string(f.Severity),
		"waiting", strconv.Itoa(h.Waiting), "dead", strconv.Itoa(h.Dead), "failed in a row", strconv.Itoa(h.Failures), "last taken", timeText(h.Last),
		"former secret until", timeText(h.Overlap), "made by", h.Actor, "made", timeText(h.Created))
}

func webhookState(w *world, verb string, state webhook.State) *cobra.Command {
	short := map[string]string{"pause": "Tell a webhook nothing for now; what happens waits", "resume": "Let a webhook go on, with what waited"}[verb]
	return &cobra.Command{Use: verb + " NAME", Short: short, Args: names(1, 1), Example: "  rackwright webhook " + verb + " chat",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (webhook.Webhook, error) {
				return cl.ChangeWebhook(c.Context(), args[0], wire.WebhookPatch{State: state})
			}, func(out io.Writer, h webhook.Webhook) {
				fmt.Fprintf(out, "webhook %s is %s\n", oneLine(h.Name), h.State)
			})
		}}
}

func webhookRotate(w *world) *cobra.Command {
	var overlap time.Duration
	c := &cobra.Command{Use: "rotate NAME", Short: "Give a webhook another secret", Args: names(1, 1),
		Long:    "Prints the new secret. For a while both sign, so that the receiver can be given the new one without a gap.",
		Example: "  rackwright webhook rotate chat\n  rackwright webhook rotate chat --overlap 1h",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(w, c, func(cl *client.Client) (wire.WebhookMade, error) {
				return cl.RotateWebhook(c.Context(), args[0], wire.WebhookRotation{Overlap: int(overlap.Seconds())})
			}, printSecret)
		}}
	c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "for so long the former secret signs as well (`time`)")
	return c
}

func webhookRemove(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove NAME", Aliases: []string{"rm"}, Short: "Remove a webhook with its deliveries", Args: names(1, 1), Example: "  rackwright webhook remove chat --yes",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "removes with all its deliveries the webhook", args[0]); err != nil {
				return err
			}
			if err := cl.RemoveWebhook(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "webhook %s removed\n", oneLine(args[0])) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}

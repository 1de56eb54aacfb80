package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
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
	c.Flags().IntVar(&limit, "limit", 50, "so many `deliveries`, at most 1000")
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

// mostPayload bounds a body that is verified, bytes.
const mostPayload = 4 << 20

func webhookVerify(w *world) *cobra.Command {
	var id, at, signature, file, secretFile string
	c := &cobra.Command{Use: "verify --id ID --timestamp N --signature S", Short: "Check a delivery's signature, for who writes a receiver", Args: names(0, 0),
		Long: "Reads the body as it came from standard input or --body, and the secret from --secret-file or\n" +
			"RACKWRIGHT_WEBHOOK_SECRET. Asks no server. Status 5: the signature does not fit, or is old.",
		Example: "  rackwright webhook verify --id $ID --timestamp $TIMESTAMP --signature \"$SIGNATURE\" --secret-file secret < body.json",
		RunE: func(c *cobra.Command, _ []string) error {
			secret := w.getenv("RACKWRIGHT_WEBHOOK_SECRET")
			if secretFile != "" {
				text, err := os.ReadFile(secretFile)
				if err != nil {
					return fault.Invalidf("read the secret: %w", err)
				}
				secret = string(text)
			}
			in := w.in
			if file != "" {
				f, err := os.Open(file)
				if err != nil {
					return fault.Invalidf("read the body: %w", err)
				}
				defer f.Close()
				in = f
			}
			body, err := io.ReadAll(io.LimitReader(in, mostPayload+1))
			if err != nil || len(body) > mostPayload {
				return fault.Invalidf("the body cannot be read, or has more than %d bytes", mostPayload)
			}
			h := http.Header{}
			h.Set(webhook.HeaderID, id)
			h.Set(webhook.HeaderTimestamp, at)
			h.Set(webhook.HeaderSignature, signature)
			if err := webhook.Verify(secret, h, body, w.now()); err != nil {
				return err
			}
			return w.show(map[string]bool{"valid": true}, func(out io.Writer) { fmt.Fprintln(out, "the signature fits") })
		}}
	f := c.Flags()
	f.StringVar(&id, "id", "", "the `value` of webhook-id")
	f.StringVar(&at, "timestamp", "", "the `value` of webhook-timestamp")
	f.StringVar(&signature, "signature", "", "the `value` of webhook-signature")
	f.StringVar(&file, "body", "", "`file` with the body")
	f.StringVar(&secretFile, "secret-file", "", "`file` with the secret")
	return c
}

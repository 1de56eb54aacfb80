package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/store"
	"rackwright/webhook"
)

type webhookStore interface {
	Webhooks(ctx context.Context) ([]webhook.Webhook, error)
	Webhook(ctx context.Context, idOrName string) (*webhook.Webhook, error)
	// CreateWebhook is Conflict when there is one of that name.
	CreateWebhook(ctx context.Context, w *webhook.Webhook, secret, actor string) error
	ChangeWebhook(ctx context.Context, idOrName, actor string, change func(*webhook.Webhook) error) (*webhook.Webhook, error)
	RotateWebhook(ctx context.Context, idOrName, secret string, until time.Time, actor string) (*webhook.Webhook, error)
	RemoveWebhook(ctx context.Context, idOrName, actor string) error
	// TestWebhook is Conflict for one that is not active.
	TestWebhook(ctx context.Context, idOrName string) (*webhook.Delivery, error)
	// Deliveries are newest first.
	Deliveries(ctx context.Context, idOrName string, f store.DeliveryFilter) ([]webhook.Delivery, error)
	ReplayDelivery(ctx context.Context, idOrName, delivery string) (int64, error)
	ReplayDead(ctx context.Context, idOrName string) (int64, error)
	ReplayEvents(ctx context.Context, id string, events []int64) error
	// EventsSince is the id behind which events of a time and later stand.
	EventsSince(ctx context.Context, t time.Time) (int64, error)
}

// mostReplayed bounds the deliveries of a time that are made once more.
const mostReplayed = 10_000

// WebhookIn names a webhook.
type WebhookIn struct {
	Webhook string `path:"webhook" minLength:"1" maxLength:"63" doc:"Webhook id or name"`
}

type webhookOut struct {
	ETag string `header:"ETag"`
	Body webhook.Webhook
}

type webhookMadeOut struct {
	Location string `header:"Location"`
	Body     wire.WebhookMade
}

type deliveriesIn struct {
	WebhookIn
	State  string `query:"state" enum:"pending,delivered,dead" doc:"Only those in this state"`
	Before string `query:"before" format:"uuid" maxLength:"64" doc:"Id of the last one seen, for those behind it; page_token does the same"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"At most so many"`
	BehindIn
}

func showWebhook(w *webhook.Webhook, err error) (*webhookOut, error) {
	if err != nil {
		return nil, err
	}
	return &webhookOut{ETag: versionTag(w.Version), Body: *w}, nil
}

// webhooks registers who is told of events.
func (s *server) webhooks() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"webhooks"}; return o }
	route(s, tag(op("GET", "/webhooks", "list-webhooks", "Webhooks, by name")), func(ctx context.Context, in *PageIn) (*body[wire.List[webhook.Webhook]], error) {
		list, err := s.Store.Webhooks(ctx)
		return pageOf(ctx, *in, append(byName(func(w *webhook.Webhook) string { return w.Name }),
			byTime("created", func(w *webhook.Webhook) (time.Time, string) { return w.Created, w.ID })...), list, err)
	})
	route(s, tag(op("GET", "/webhooks/{webhook}", "get-webhook", "One webhook")), func(ctx context.Context, in *WebhookIn) (*webhookOut, error) {
		return showWebhook(s.Store.Webhook(ctx, in.Webhook))
	})
	add := tag(op("POST", "/webhooks", "add-webhook", "Tell an address what happens from now on"))
	add.DefaultStatus = http.StatusCreated
	route(s, add, s.addWebhook)
	route(s, tag(op("PATCH", "/webhooks/{webhook}", "change-webhook", "Change, pause or resume a webhook")), s.changeWebhook)
	route(s, removal[webhook.Webhook](s, op("DELETE", "/webhooks/{webhook}", "remove-webhook", "Remove a webhook with its deliveries"), "webhooks"), func(ctx context.Context, in *struct {
		WebhookIn
		TryIn
	}) (*removed, error) {
		w, err := s.Store.Webhook(ctx, in.Webhook)
		if err == nil {
			_, err = tried(ctx, s, in.DryRun, func(ctx context.Context) (any, error) { return nil, s.Store.RemoveWebhook(ctx, in.Webhook, actor(ctx)) })
		}
		return removedOf(in.DryRun, w, err)
	})
	route(s, tag(op("POST", "/webhooks/{webhook}/rotate", "rotate-webhook", "Give a webhook another secret; for a while both sign")), s.rotateWebhook)
	test := tag(op("POST", "/webhooks/{webhook}/test", "test-webhook", "Send a test, now"))
	test.DefaultStatus = http.StatusAccepted
	route(s, test, func(ctx context.Context, in *WebhookIn) (*body[webhook.Delivery], error) {
		d, err := s.Store.TestWebhook(ctx, in.Webhook)
		if err != nil {
			return nil, err
		}
		return &body[webhook.Delivery]{*d}, nil
	})
	route(s, tag(op("GET", "/webhooks/{webhook}/deliveries", "list-deliveries", "Deliveries of a webhook, newest first")),
		func(ctx context.Context, in *deliveriesIn) (*body[wire.List[webhook.Delivery]], error) {
			made := []order[webhook.Delivery]{{"-created", func(d *webhook.Delivery) []string { return []string{d.ID} }}}
			return keyset(ctx, in.BehindIn, in.Limit, made, func(p store.Page) ([]webhook.Delivery, error) {
				if p.After == nil && in.Before != "" {
					p.After = []string{strings.ToLower(in.Before)}
				}
				return s.Store.Deliveries(ctx, in.Webhook, store.DeliveryFilter{State: in.State, Page: p})
			})
		})
	replay := tag(op("POST", "/webhooks/{webhook}/replay", "replay-webhook", "Make deliveries once more: one, those that were given up, or those of a time"))
	replay.DefaultStatus = http.StatusAccepted
	route(s, replay, s.replayWebhook)
}

func (s *server) addWebhook(ctx context.Context, in *struct{ Body wire.WebhookNew }) (*webhookMadeOut, error) {
	w, secret := webhook.Webhook{Name: in.Body.Name, URL: in.Body.URL, Filter: in.Body.Filter}, webhook.NewSecret()
	if err := knownKinds(ctx, w.Filter.Kinds); err != nil {
		return nil, err
	}
	if err := s.leads(&w); err != nil {
		return nil, err
	}
	if err := s.Store.CreateWebhook(ctx, &w, secret, actor(ctx)); err != nil {
		return nil, err
	}
	s.concerns(ctx, "webhook", w.Name, w.ID)
	return &webhookMadeOut{Location: wire.Prefix + "/webhooks/" + w.ID, Body: wire.WebhookMade{Webhook: w, Secret: secret}}, nil
}

// leads is nil for a webhook that can work and leads to where something may be sent.
func (s *server) leads(w *webhook.Webhook) error {
	if err := w.Check(); err != nil || s.Receivers == nil {
		return err
	}
	return s.Receivers.Leads(w.URL)
}

func (s *server) changeWebhook(ctx context.Context, in *struct {
	WebhookIn
	Body wire.WebhookPatch
}) (*webhookOut, error) {
	p := in.Body
	if p.Filter != nil {
		if err := knownKinds(ctx, p.Filter.Kinds); err != nil {
			return nil, err
		}
	}
	return showWebhook(s.Store.ChangeWebhook(ctx, in.Webhook, actor(ctx), func(w *webhook.Webhook) error {
		if p.URL != nil {
			w.URL = *p.URL
		}
		if p.Filter != nil {
			w.Filter = *p.Filter
		}
		if p.State != "" {
			w.State = p.State
		}
		if p.URL == nil { // it is as it was
			return w.Check()
		}
		return s.leads(w)
	}))
}

func (s *server) rotateWebhook(ctx context.Context, in *struct {
	WebhookIn
	Body wire.WebhookRotation
}) (*webhookMadeOut, error) {
	secret := webhook.NewSecret()
	w, err := s.Store.RotateWebhook(ctx, in.Webhook, secret, s.Now().Add(time.Duration(in.Body.Overlap)*time.Second), actor(ctx))
	if err != nil {
		return nil, err
	}
	return &webhookMadeOut{Location: wire.Prefix + "/webhooks/" + w.ID, Body: wire.WebhookMade{Webhook: *w, Secret: secret}}, nil
}

func (s *server) replayWebhook(ctx context.Context, in *struct {
	WebhookIn
	Body wire.WebhookReplay
}) (*body[wire.WebhookReplayed], error) {
	r := in.Body
	var n int64
	var err error
	switch {
	case r.Delivery != "" && !r.Dead && r.From.IsZero():
		n, err = s.Store.ReplayDelivery(ctx, in.Webhook, r.Delivery)
	case r.Delivery == "" && r.Dead && r.From.IsZero():
		n, err = s.Store.ReplayDead(ctx, in.Webhook)
	case r.Delivery == "" && !r.Dead && !r.From.IsZero():
		n, err = s.replayTime(ctx, in.Webhook, r.From, r.To)
	default:
		err = fault.Invalidf("say which: delivery, dead or from").WithHint("one of the three; to goes with from")
	}
	if err != nil {
		return nil, err
	}
	return &body[wire.WebhookReplayed]{wire.WebhookReplayed{Deliveries: n}}, nil
}

// replayTime delivers the events of a time that the webhook picks now.
func (s *server) replayTime(ctx context.Context, idOrName string, from, to time.Time) (int64, error) {
	w, err := s.Store.Webhook(ctx, idOrName)
	if err != nil {
		return 0, err
	}
	if to.IsZero() {
		to = s.Now()
	}
	if !from.Before(to) {
		return 0, fault.Invalidf("from is not before to")
	}
	at, err := s.Store.EventsSince(ctx, from)
	if err != nil {
		return 0, err
	}
	var picked []int64
	for looked := 0; looked < 100*mostReplayed; looked += streamWindow {
		page, err := s.Store.PlacedEvents(ctx, store.EventFilter{After: at, Limit: streamWindow})
		if err != nil {
			return 0, err
		}
		for i := range page {
			at = page[i].ID
			if page[i].At.Before(to) && w.Filter.Match(&page[i]) {
				picked = append(picked, at)
			}
		}
		if len(picked) > mostReplayed {
			return 0, fault.Invalidf("more than %d events are meant", mostReplayed).WithHint("replay a shorter time, one after the other")
		}
		if len(page) < streamWindow || page[len(page)-1].At.After(to.Add(time.Minute)) {
			return int64(len(picked)), s.Store.ReplayEvents(ctx, w.ID, picked)
		}
	}
	return 0, fault.Invalidf("that is too long a time").WithHint("replay a shorter time, one after the other")
}

package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/webhook"
)

func webhookPath(name string) string { return "/webhooks/" + url.PathEscape(name) }

// Webhooks returns the webhooks.
func (c *Client) Webhooks(ctx context.Context) ([]webhook.Webhook, error) {
	return all[webhook.Webhook](ctx, c, "/webhooks", nil)
}

// Webhook returns one, by id or name.
func (c *Client) Webhook(ctx context.Context, name string) (webhook.Webhook, error) {
	return call[webhook.Webhook](ctx, c, http.MethodGet, webhookPath(name), nil, nil)
}

// AddWebhook makes a webhook; its secret is in no other answer.
func (c *Client) AddWebhook(ctx context.Context, w wire.WebhookNew) (wire.WebhookMade, error) {
	return call[wire.WebhookMade](ctx, c, http.MethodPost, "/webhooks", nil, w)
}

// ChangeWebhook changes, pauses or resumes a webhook.
func (c *Client) ChangeWebhook(ctx context.Context, name string, p wire.WebhookPatch) (webhook.Webhook, error) {
	return call[webhook.Webhook](ctx, c, http.MethodPatch, webhookPath(name), nil, p)
}

// RotateWebhook gives a webhook another secret.
func (c *Client) RotateWebhook(ctx context.Context, name string, r wire.WebhookRotation) (wire.WebhookMade, error) {
	return call[wire.WebhookMade](ctx, c, http.MethodPost, webhookPath(name)+"/rotate", nil, r)
}

// RemoveWebhook removes a webhook.
func (c *Client) RemoveWebhook(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, webhookPath(name), nil, nil)
	return err
}

// TestWebhook sends a test.
func (c *Client) TestWebhook(ctx context.Context, name string) (webhook.Delivery, error) {
	return call[webhook.Delivery](ctx, c, http.MethodPost, webhookPath(name)+"/test", nil, nil)
}

// Deliveries returns a webhook's deliveries, the newest so many first, 0: all; state "" is any.
func (c *Client) Deliveries(ctx context.Context, name, state string, limit int) ([]webhook.Delivery, error) {
	return most[webhook.Delivery](ctx, c, limit, webhookPath(name)+"/deliveries", query("state", state))
}

// ReplayWebhook makes deliveries once more.
func (c *Client) ReplayWebhook(ctx context.Context, name string, r wire.WebhookReplay) (wire.WebhookReplayed, error) {
	return call[wire.WebhookReplayed](ctx, c, http.MethodPost, webhookPath(name)+"/replay", nil, r)
}

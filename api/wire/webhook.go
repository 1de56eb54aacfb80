package wire

import (
	"time"

	"rackwright/journal"
	"rackwright/webhook"
)

// WebhookNew asks for a webhook.
type WebhookNew struct {
	Name   string         `json:"name" minLength:"1" maxLength:"63" doc:"Unique name"`
	URL    string         `json:"url" minLength:"1" maxLength:"2048" doc:"http:// or https://"`
	Filter journal.Filter `json:"filter,omitzero" doc:"Which events; none: all"`
}

// WebhookMade is a webhook with a secret that is shown this once.
type WebhookMade struct {
	webhook.Webhook
	Secret string `json:"secret" doc:"What deliveries are signed with; it is shown this once"`
}

// WebhookPatch changes what it names.
type WebhookPatch struct {
	URL    *string         `json:"url,omitempty" minLength:"1" maxLength:"2048"`
	Filter *journal.Filter `json:"filter,omitempty" doc:"Replaces the whole filter"`
	State  webhook.State   `json:"state,omitempty" enum:"active,paused" doc:"What happens while it is paused waits"`
}

// WebhookRotation asks for another secret.
type WebhookRotation struct {
	Overlap int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" default:"86400" doc:"For so long both secrets sign"`
}

// WebhookReplay asks for deliveries once more: one, those that were given up, or those of a
// time.
type WebhookReplay struct {
	Delivery string    `json:"delivery,omitempty" maxLength:"64" doc:"Id of one"`
	Dead     bool      `json:"dead,omitempty" doc:"All that were given up"`
	From     time.Time `json:"from,omitzero" doc:"Events of this time and later"`
	To       time.Time `json:"to,omitzero" doc:"Events before this time; missing: until now"`
}

// WebhookReplayed is how many deliveries are made once more.
type WebhookReplayed struct {
	Deliveries int64 `json:"deliveries"`
}

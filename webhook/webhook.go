// Package webhook is who is to be told of which events: what is sent, how it is signed, and
// when it is tried again. It opens no connection and stores nothing.
package webhook

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/journal"
)

// Webhook is an address that is told of events.
type Webhook struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	URL    string         `json:"url"`
	Filter journal.Filter `json:"filter" doc:"Which events; an empty one: all"`
	State  State          `json:"state" enum:"active,paused,disabled"`
	Why    string         `json:"why,omitempty" doc:"Why it is disabled"`

	Failures int       `json:"failures" doc:"Attempts that failed since the last that did not"`
	Waiting  int       `json:"waiting" doc:"Deliveries that are still to be made"`
	Dead     int       `json:"dead" doc:"Deliveries that were given up"`
	Last     time.Time `json:"last_success_at,omitzero"`
	Overlap  time.Time `json:"former_secret_until,omitzero" doc:"Until then both secrets sign"`

	Actor   string    `json:"actor"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
	Version int64     `json:"version"`
}

// State of a webhook. What happens while it is not active waits for it in the journal.
type State string

// The states.
const (
	Active   State = "active"
	Paused   State = "paused"   // by a person
	Disabled State = "disabled" // the receiver answered 410: it wants no more
)

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states of a delivery.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	Dead      DeliveryState = "dead" // given up; can be replayed
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID       string        `json:"id" doc:"The header webhook-id: the same at every attempt"`
	Webhook  string        `json:"webhook"`
	Event    int64         `json:"event,omitempty" doc:"Id of the event; none of a test"`
	State    DeliveryState `json:"state" enum:"pending,delivered,dead"`
	Attempts int           `json:"attempts"`
	Due      time.Time     `json:"due,omitzero" doc:"Of the next attempt"`
	Status   int           `json:"status,omitempty" doc:"What the receiver answered last"`
	Error    string        `json:"error,omitempty" doc:"Why the last attempt failed"`
	Created  time.Time     `json:"created_at"`
	Finished time.Time     `json:"finished_at,omitzero"`
}

var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

// Check returns Invalid for what cannot be told of anything.
func (w *Webhook) Check() error {
	var bad []fault.Field
	need := func(ok bool, path, message string) {
		if !ok {
			bad = append(bad, fault.Field{Path: path, Message: message})
		}
	}
	need(names.MatchString(w.Name), "name", "must be 1 to 63 of a-z, 0-9, '-' and '.'")
	u, err := url.Parse(w.URL)
	need(err == nil && len(w.URL) <= 2048 && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "", "url", "must be http:// or https://, with a host")
	need(err != nil || u.User == nil, "url", "must hold no user and no password: they would be shown")
	need(err != nil || u.Fragment == "", "url", "must have no #fragment")
	for _, k := range w.Filter.Kinds {
		need(k != "" && len(k) <= 64 && !strings.ContainsAny(k, "*% \t\r\n"), "filter.kinds", "must be kinds of event like op.state, or what stands before their dot")
	}
	if len(bad) > 0 {
		return &fault.Error{Kind: fault.Invalid, Message: "the webhook cannot work as written: " + bad[0].Path + " " + bad[0].Message, Fields: bad}
	}
	return nil
}

// Host is where it leads, without the path, in which receivers often keep a secret.
func (w *Webhook) Host() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

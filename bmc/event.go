package bmc

import "context"

// Subscription is a place the BMC sends its events to.
type Subscription struct {
	ID          string `json:"id"`
	Destination string `json:"destination"`
	Context     string `json:"context,omitempty" doc:"What we said when we subscribed; it comes with each event"`
}

// Announcer tells what happens at the BMC.
type Announcer interface {
	// Subscribe has events pushed to an https URL, and returns the subscription's id. The
	// same destination again is the same subscription. Invalid when the BMC does not push.
	Subscribe(ctx context.Context, destination, mark string) (string, error)
	// Subscriptions lists them.
	Subscriptions(ctx context.Context) ([]Subscription, error)
	// Unsubscribe ends one; gone already is no error.
	Unsubscribe(ctx context.Context, id string) error
	// Stream calls see for each event that the BMC sends on a connection of ours (Redfish's
	// server-sent events) until ctx ends or the connection breaks. Invalid when it has none.
	Stream(ctx context.Context, see func(Entry)) error
}

package redfish

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxSubscriptions is how many subscriptions of one BMC we look at; real ones have room
// for 8 to 50.
const maxSubscriptions = 100

// eventService is what we use of the EventService schema.
type eventService struct {
	resource
	ServiceEnabled     *bool // nil: not told
	Subscriptions      link
	EventTypes         []string `json:"EventTypesForSubscription"` // until EventService 1.3
	ServerSentEventURI string   `json:"ServerSentEventUri"`
}

// subscription is what we use of the EventDestination schema.
type subscription struct {
	resource
	Destination, Context string
}

func (c *Controller) eventService(ctx context.Context) (*eventService, error) {
	if c.root.Events.URI == "" {
		return nil, c.noEvents("has no event service")
	}
	s, err := get[eventService](c.under(ctx), c.root.Events.URI)
	if absent(err) {
		return nil, c.noEvents("links to an event service that is not there")
	}
	if err != nil {
		return nil, err
	}
	if s.ServiceEnabled != nil && !*s.ServiceEnabled {
		return nil, c.noEvents("has its event service switched off")
	}
	return s, nil
}

func (c *Controller) noEvents(says string) error {
	return fault.Invalidf("BMC %s %s", c.access.Address, says).
		WithHint("its event log is read from time to time instead")
}

// subscriptions reads the list. A subscription that cannot be read is left out.
func (c *Controller) subscriptions(ctx context.Context) (*eventService, []subscription, error) {
	service, err := c.eventService(ctx)
	if err != nil {
		return nil, nil, err
	}
	if service.Subscriptions.URI == "" {
		return nil, nil, c.noEvents("pushes no events")
	}
	list, err := get[collection](c.under(ctx), service.Subscriptions.URI)
	if absent(err) {
		return nil, nil, c.noEvents("links to a list of subscriptions that is not there")
	}
	if err != nil {
		return nil, nil, err
	}
	out, err := resolve[subscription](c.under(ctx), list, maxSubscriptions)
	return service, out, c.forgive(ctx, "subscriptions", err)
}

// Subscriptions lists where events are sent. Destinations are told whole: a path in them
// may be a secret.
func (c *Controller) Subscriptions(ctx context.Context) ([]bmc.Subscription, error) {
	_, all, err := c.subscriptions(ctx)
	if err != nil {
		return nil, c.explain("list the subscriptions", err)
	}
	out := make([]bmc.Subscription, 0, len(all))
	for _, s := range all {
		out = append(out, bmc.Subscription{ID: lastOf(s.ODataID), Destination: strings.TrimSpace(s.Destination), Context: tidy(s.Context)})
	}
	return out, nil
}

// Subscribe has events sent to destination, an https URL, with mark as their context. The
// subscription is read back, also to find out what became of a request that got no answer;
// it is not made twice. One with another mark is replaced.
func (c *Controller) Subscribe(ctx context.Context, destination, mark string) (string, error) {
	if u, err := url.Parse(destination); err != nil || u.Scheme != "https" || u.Host == "" {
		return "", fault.Invalidf("events go to an https address only").WithHint("give the https address at which events are received")
	}
	done, err := c.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	service, all, err := c.subscriptions(ctx)
	if err != nil {
		return "", c.explain("list the subscriptions", err)
	}
	for _, s := range all {
		if s.Destination != destination {
			continue
		}
		if s.Context == mark {
			return lastOf(s.ODataID), nil
		}
		if err := c.remove(ctx, s.ODataID); err != nil {
			return "", err
		}
	}
	wrote := c.subscribe(ctx, service, destination, mark)
	if wrote != nil && neverDone(wrote) {
		return "", c.fullOr(c.explain("send events", wrote), wrote)
	}
	id := ""
	err = c.verify(ctx, change{doing: "send events", wrote: wrote, once: true,
		look: func(ctx context.Context) (bool, error) {
			_, all, err := c.subscriptions(ctx)
			at := slices.IndexFunc(all, func(s subscription) bool { return s.Destination == destination })
			if err != nil || at < 0 {
				return false, err
			}
			id = lastOf(all[at].ODataID)
			return true, nil
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s took a subscription and does not list it", c.access.Address).
				WithHint("its event log is read from time to time instead")
		}})
	return id, err
}

// fullOr says so when the BMC has no room for another subscription.
func (c *Controller) fullOr(told, err error) error {
	for _, id := range []string{"CreateLimitReachedForResource", "EventSubscriptionLimitExceeded", "SubscriptionLimit"} {
		if strings.Contains(err.Error(), id) {
			return fault.Conflictf("BMC %s has no room for another subscription", c.access.Address).
				WithHint("end one that nobody needs; they are listed with the BMC's subscriptions")
		}
	}
	return told
}

// subscribe posts the subscription. What a BMC wants in it differs by its age: a definite
// refusal of the request's form goes one rung down.
func (c *Controller) subscribe(ctx context.Context, service *eventService, destination, mark string) error {
	forms := c.subscriptionForms(service)
	for _, form := range forms {
		form["Destination"], form["Protocol"], form["Context"] = destination, "Redfish", mark
	}
	_, err := c.postForms(ctx, service.Subscriptions.URI, forms)
	return err
}

// subscriptionForms are the optional properties: those of today (EventDestination 1.3 and
// 1.4), the event types of before, and none.
func (c *Controller) subscriptionForms(service *eventService) []map[string]any {
	types := []string{"Alert"}
	if len(service.EventTypes) > 0 && !slices.Contains(service.EventTypes, "Alert") {
		types = service.EventTypes
	}
	today := map[string]any{"EventFormatType": "Event", "SubscriptionType": "RedfishEvent"}
	before := map[string]any{"EventTypes": types}
	if c.traits.eventTypesFirst {
		both := map[string]any{"EventFormatType": "Event", "SubscriptionType": "RedfishEvent", "EventTypes": types}
		return []map[string]any{both, before, today}
	}
	return []map[string]any{today, before, {}}
}

// Unsubscribe ends a subscription. One that is not there is no error.
func (c *Controller) Unsubscribe(ctx context.Context, id string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, all, err := c.subscriptions(ctx)
	if err != nil {
		return c.explain("list the subscriptions", err)
	}
	for _, s := range all {
		if lastOf(s.ODataID) == id {
			if err := c.remove(ctx, s.ODataID); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes a subscription and reads back that it is gone.
func (c *Controller) remove(ctx context.Context, uri string) error {
	return c.delete(ctx, uri, "subscription", "end it in the BMC's own pages, or restart the BMC")
}

// delete deletes a member of a collection and reads back that it is gone.
func (c *Controller) delete(ctx context.Context, uri, what, hint string) error {
	_, wrote := answerOf(c.under(ctx).Delete(uri))
	if gone(wrote) {
		return nil
	}
	return c.verify(ctx, change{doing: "remove a " + what, wrote: wrote, once: true,
		look: func(ctx context.Context) (bool, error) {
			_, err := get[resource](c.under(ctx), uri)
			if gone(err) {
				return true, nil
			}
			return false, err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s keeps a %s that it was told to remove", c.access.Address, what).WithHint("%s", hint)
		}})
}

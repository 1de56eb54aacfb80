package mockup

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of events.
const (
	maxSubscriptions = 20
	maxPushes        = 256 // waiting; more are lost, as in a BMC
	pushTimeout      = 10 * time.Second
)

// push is an event on its way to a subscriber.
type push struct {
	to   string
	body body
}

func (b *BMC) subscribe(c *call) reply {
	to := textAt(c.body, "Destination")
	u, err := url.Parse(to)
	switch {
	case to == "":
		return refuse(http.StatusBadRequest, "PropertyMissing", "The property 'Destination' is a required property and must be included in the request.").reply()
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return refuse(http.StatusBadRequest, "PropertyValueFormatError", "The value for the property Destination is of a different format than the property can accept.").reply()
	case textAt(c.body, "Protocol") != "" && textAt(c.body, "Protocol") != "Redfish":
		return notInList("Protocol", c.body["Protocol"]).reply()
	case len(members(b.get(b.services.subscriptions), "Members")) >= maxSubscriptions:
		return refuse(http.StatusServiceUnavailable, "EventSubscriptionLimitExceeded", "The event subscription failed due to the number of simultaneous subscriptions exceeding the limit of the implementation.").reply()
	}
	made := body{"@odata.type": "#EventDestination.v1_14_0.EventDestination", "Name": "Event Subscription", "Protocol": "Redfish",
		"SubscriptionType": "RedfishEvent", "Context": nil, "EventFormatType": "Event", "Status": body{"State": "Enabled", "Health": "OK"}}
	merge(made, c.body)
	delete(made, "HttpHeaders") // they may hold a secret, and read empty
	uri := b.add(b.services.subscriptions, b.next(b.services.subscriptions), made)
	out := reply{status: http.StatusCreated, body: made}
	out.set("Location", uri)
	return out
}

// announce sends an event to whoever subscribed.
func (b *BMC) announce(event body) {
	b.events++
	event["EventId"], event["MemberId"] = strconv.Itoa(b.events), "0"
	envelope := func(mark any) body {
		return body{"@odata.type": "#Event.v1_10_0.Event", "Id": strconv.Itoa(b.events), "Name": "Event Array", "Context": mark, "Events": []any{event}}
	}
	for _, uri := range members(b.get(b.services.subscriptions), "Members") {
		if !b.posting && b.over.Err() == nil {
			b.posting = true
			b.work.Go(b.deliver)
		}
		s := b.get(uri)
		select {
		case b.pushes <- push{textAt(s, "Destination"), envelope(s["Context"])}:
		default:
		}
	}
	for s := range b.streams {
		select {
		case s <- envelope(nil):
		default:
		}
	}
}

// deliver posts events, one after the other, until the BMC ends. A subscriber that does not
// answer loses the event.
func (b *BMC) deliver() {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // VerifyCertificate is false
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: pushTimeout}
	for {
		select {
		case <-b.over.Done():
			return
		case p := <-b.pushes:
			if err := post(b.over, client, p); err != nil {
				b.cfg.Logger.Debug("event lost", "bmc", b.cfg.Name, "err", err)
			}
		}
	}
}

func post(ctx context.Context, client *http.Client, p push) error {
	text, err := json.Marshal(p.body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.to, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// streamed serves server-sent events where the tree says so (DSP0266 13.5.2).
func (b *BMC) streamed(w http.ResponseWriter, c *call) bool {
	b.mu.Lock()
	at := strings.TrimSuffix(textAt(b.get(b.services.event), "ServerSentEventUri"), "/")
	if c.r.Method != http.MethodGet || at == "" || c.uri != at {
		b.mu.Unlock()
		return false
	}
	p := b.admit(c)
	if p == nil && len(b.streams) >= maxListeners {
		p = refuse(http.StatusServiceUnavailable, "EventSubscriptionLimitExceeded", "Too many listeners.")
	}
	events := make(chan body, maxPushes)
	if p == nil {
		b.streams[events] = true
	}
	b.mu.Unlock()
	if p != nil {
		p.reply().write(w)
		return true
	}
	defer func() { b.mu.Lock(); delete(b.streams, events); b.mu.Unlock() }()
	b.stream(w, c.r, events)
	return true
}

func (b *BMC) stream(w http.ResponseWriter, r *http.Request, events <-chan body) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	for {
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-b.over.Done():
			return
		case e, ok := <-events:
			text, err := json.Marshal(e)
			if !ok || err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %s\ndata: %s\n\n", e["Id"], text); err != nil {
				return
			}
		}
	}
}

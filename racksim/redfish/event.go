package redfish

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	eventsPath        = "/redfish/v1/EventService"
	subscriptionsPath = eventsPath + "/Subscriptions"
	streamPath        = eventsPath + "/SSE"
	testEventPath     = eventsPath + "/Actions/EventService.SubmitTestEvent"
	eventType         = "Alert" // of all events here
)

// Limits of events.
const (
	maxSubscriptions = 8
	maxStreams       = 4
	maxQueue         = 64 // events that wait for one listener; later ones are lost to it
	maxDestination   = 2000
	maxHeaders       = 8
)

// Policies of a subscription whose listener does not answer (EventDestination.DeliveryRetryPolicy).
const (
	policyEnd     = "TerminateAfterRetries"
	policySuspend = "SuspendRetries"
	policyForever = "RetryForever"
)

// subscription is a place events are pushed to.
type subscription struct {
	id, destination, context string
	types, prefixes          []string // empty: all
	headers                  map[string]string
	verify                   bool
	policy                   string
	suspended                bool
	queue                    chan body
	cancel                   context.CancelFunc
}

// wants tells whether the subscription is for such events. All come from ownRegistry.
func (n *subscription) wants() bool {
	return (len(n.types) == 0 || slices.Contains(n.types, eventType)) && (len(n.prefixes) == 0 || slices.Contains(n.prefixes, "Racksim"))
}

// events hands out what happens. Safe for concurrent use.
type events struct {
	mu       sync.Mutex
	attempts int
	interval time.Duration
	sent     int // number of the last event
	next     int
	subs     []*subscription
	streams  map[chan body]bool
}

func newEvents() *events {
	return &events{attempts: 3, interval: 5 * time.Second, streams: map[chan body]bool{}}
}

// tell queues an event for everybody who listens. Who does not keep up misses it.
func (e *events) tell(h happening, entry string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent++
	record := h.message()
	id := strconv.Itoa(e.sent)
	record["EventId"], record["MemberId"], record["EventType"] = id, "0", eventType
	record["EventTimestamp"], record["OriginOfCondition"] = h.at.UTC().Format(time.RFC3339), link(h.origin)
	if entry != "" {
		record["LogEntry"] = link(entry)
	}
	for _, n := range e.subs {
		if n.wants() && !n.suspended {
			offer(n.queue, event(id, n.context, record))
		}
	}
	for c := range e.streams {
		offer(c, event(id, "", record))
	}
}

func offer(to chan body, b body) {
	select {
	case to <- b:
	default:
	}
}

// event wraps one record (DSP0268 Event).
func event(id, context string, record body) body {
	b := body{"@odata.type": "#Event.v1_7_0.Event", "Id": id, "Name": "Event", "Events": []body{record}}
	if context != "" {
		b["Context"] = context
	}
	return b
}

func (e *events) list() []subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []subscription
	for _, n := range e.subs {
		all = append(all, *n)
	}
	return all
}

// remove ends a subscription; false when there is none.
func (e *events) remove(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.subs, func(n *subscription) bool { return n.id == id })
	if i < 0 {
		return false
	}
	e.subs[i].cancel()
	e.subs = slices.Delete(e.subs, i, i+1)
	return true
}

// forget is what a restart of the BMC does: whoever listened subscribes anew.
func (e *events) forget() {
	for _, n := range e.list() {
		e.remove(n.id)
	}
}

func (s *Service) routeEvents() {
	s.get(eventsPath, s.eventService)
	s.patch(eventsPath, configureManager, s.eventService, s.changeEventService)
	s.collection(subscriptionsPath, "EventDestinationCollection", "Subscriptions", func() []body {
		var all []body
		for _, n := range s.events.list() {
			all = append(all, subscriptionBody(n))
		}
		return all
	})
	s.mux.HandleFunc("POST "+subscriptionsPath, s.subscribe)
	s.mux.HandleFunc("POST "+subscriptionsPath+"/Members", s.subscribe)
	s.mux.HandleFunc("DELETE "+subscriptionsPath+"/{id}", s.unsubscribe)
	s.mux.HandleFunc("GET "+streamPath, s.stream)
	s.action(testEventPath, configureManager, s.testEvent)
}

func (s *Service) eventService() body {
	b := resource(eventsPath, "EventService.v1_10_1.EventService", "Event Service")
	b["ServiceEnabled"], b["Status"] = true, status(true)
	b["Subscriptions"], b["ServerSentEventUri"] = link(subscriptionsPath), streamPath
	b["EventFormatTypes"], b["RegistryPrefixes"], b["EventTypesForSubscription"] = []string{"Event"}, []string{"Racksim"}, []string{eventType}
	b["Actions"] = body{"#EventService.SubmitTestEvent": body{"target": testEventPath}}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	b["DeliveryRetryAttempts"], b["DeliveryRetryIntervalSeconds"] = s.events.attempts, int(s.events.interval/time.Second)
	return b
}

func (s *Service) changeEventService(c *changes) *problem {
	attempts, hasAttempts := c.number("DeliveryRetryAttempts")
	seconds, hasSeconds := c.number("DeliveryRetryIntervalSeconds")
	if p := c.done(); p != nil {
		return p
	}
	if hasAttempts && (attempts < 0 || attempts > 20) {
		return refuse(http.StatusBadRequest, msgNotInList, strconv.Itoa(attempts), "DeliveryRetryAttempts")
	}
	if hasSeconds && (seconds < 0 || seconds > 3600) {
		return refuse(http.StatusBadRequest, msgNotInList, strconv.Itoa(seconds), "DeliveryRetryIntervalSeconds")
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	if hasAttempts {
		s.events.attempts = attempts
	}
	if hasSeconds {
		s.events.interval = time.Duration(seconds) * time.Second
	}
	return nil
}

func subscriptionBody(n subscription) body {
	b := resource(subscriptionsPath+"/"+n.id, "EventDestination.v1_14_1.EventDestination", "Subscription")
	b["Destination"], b["Context"], b["Protocol"], b["EventFormatType"] = n.destination, n.context, "Redfish", "Event"
	b["SubscriptionType"], b["DeliveryRetryPolicy"], b["VerifyCertificate"] = "RedfishEvent", n.policy, n.verify
	b["EventTypes"], b["RegistryPrefixes"], b["HttpHeaders"] = append([]string{}, n.types...), append([]string{}, n.prefixes...), nil
	b["Status"] = status(!n.suspended)
	return b
}

func (s *Service) subscribe(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureManager)
	var n subscription
	if p == nil {
		n, p = readSubscription(r)
	}
	if p == nil {
		p = s.addSubscription(&n)
	}
	if p != nil {
		p.write(w)
		return
	}
	w.Header().Set("Location", subscriptionsPath+"/"+n.id)
	writeJSON(w, http.StatusCreated, subscriptionBody(n))
}

func readSubscription(r *http.Request) (n subscription, p *problem) {
	sent, p := readObject(r)
	if p != nil {
		return n, p
	}
	headers, p := takeHeaders(sent)
	if p != nil {
		return n, p
	}
	c := &changes{sent: sent}
	n = subscription{headers: headers, policy: policyEnd}
	destination, given := c.text("Destination")
	n.destination = destination
	n.context, _ = c.text("Context")
	n.types, _ = c.list("EventTypes")
	n.prefixes, _ = c.list("RegistryPrefixes")
	n.verify, _ = c.flag("VerifyCertificate")
	_, _ = c.list("ResourceTypes")
	protocol, hasProtocol := c.text("Protocol")
	format, hasFormat := c.text("EventFormatType")
	kind, hasKind := c.text("SubscriptionType")
	if policy, ok := c.text("DeliveryRetryPolicy"); ok {
		n.policy = policy
	}
	if p := c.done(); p != nil {
		return n, p
	}
	u, err := url.Parse(destination)
	switch {
	case !given:
		return n, refuse(http.StatusBadRequest, msgPropertyMissing, "Destination")
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || len(destination) > maxDestination:
		return n, refuse(http.StatusBadRequest, msgFormat, "(URL)", "Destination")
	case hasProtocol && protocol != "Redfish":
		return n, refuse(http.StatusBadRequest, msgNotInList, protocol, "Protocol")
	case hasFormat && format != "Event":
		return n, refuse(http.StatusBadRequest, msgNotInList, format, "EventFormatType")
	case hasKind && kind != "RedfishEvent":
		return n, refuse(http.StatusBadRequest, msgNotInList, kind, "SubscriptionType")
	case !slices.Contains([]string{policyEnd, policySuspend, policyForever}, n.policy):
		return n, refuse(http.StatusBadRequest, msgNotInList, n.policy, "DeliveryRetryPolicy")
	case len(n.context) > 512 || len(n.types) > 16 || len(n.prefixes) > 16:
		return n, refuse(http.StatusBadRequest, msgLimit)
	}
	return n, nil
}

// takeHeaders takes HttpHeaders: a list of objects of names and values.
func takeHeaders(sent body) (map[string]string, *problem) {
	wrong := refuse(http.StatusBadRequest, msgWrongType, "(headers)", "HttpHeaders")
	value, ok := sent["HttpHeaders"]
	delete(sent, "HttpHeaders")
	if !ok || value == nil {
		return nil, nil
	}
	list, isList := value.([]any)
	if one, isObject := value.(body); isObject { // as gofish sends them
		list, isList = []any{one}, true
	}
	if !isList {
		return nil, wrong
	}
	headers := map[string]string{}
	for _, item := range list {
		one, isObject := item.(body)
		if !isObject {
			return nil, wrong
		}
		for name, value := range one {
			text, isText := value.(string)
			if !isText || len(headers) >= maxHeaders || !plainHeader(name, text) {
				return nil, wrong
			}
			headers[name] = text
		}
	}
	return headers, nil
}

func (s *Service) addSubscription(n *subscription) *problem {
	e := s.events
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.subs) >= maxSubscriptions {
		return refuse(http.StatusBadRequest, msgLimit)
	}
	e.next++
	n.id, n.queue = strconv.Itoa(e.next), make(chan body, maxQueue)
	added := *n
	e.subs = append(e.subs, &added)
	s.background(func(ctx context.Context) { s.deliver(ctx, &added) }, &added.cancel)
	return nil
}

func (s *Service) unsubscribe(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureManager)
	if p == nil && !s.events.remove(r.PathValue("id")) {
		p = refuse(http.StatusNotFound, msgURINotFound, r.URL.Path)
	}
	if p != nil {
		p.write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// testEvent takes the parameters of older and newer clients and needs none of them.
func (s *Service) testEvent(c *changes) *problem {
	text, given := c.text("Message")
	for _, name := range []string{"EventId", "EventTimestamp", "EventType", "MessageId", "OriginOfCondition", "Severity", "MessageSeverity"} {
		_, _ = c.text(name)
	}
	_, _ = c.list("MessageArgs")
	_, _ = c.number("EventGroupId")
	if p := c.done(); p != nil {
		return p
	}
	if !given {
		text = "no message"
	}
	s.events.tell(happening{n: hapTest, args: []any{text}, origin: eventsPath, at: s.now()}, "")
	return nil
}

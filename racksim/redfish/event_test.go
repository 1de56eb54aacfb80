package redfish

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/racksim"
)

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// listener takes events and refuses the first ones.
type listener struct {
	mu     sync.Mutex
	refuse int
	tries  int
	seen   []string // message ids
	marks  map[string]bool
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries++
	if l.tries <= l.refuse {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var e struct {
		Context string
		Events  []struct{ MessageId, Message string }
	}
	text, _ := io.ReadAll(r.Body)
	if json.Unmarshal(text, &e) == nil && r.Header.Get("X-Mark") == "m" {
		l.marks[e.Context] = true
		for _, one := range e.Events {
			l.seen = append(l.seen, strings.TrimPrefix(one.MessageId, ownRegistry+"."))
		}
	}
}

func (l *listener) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seen := range l.seen {
		if seen == id {
			return true
		}
	}
	return false
}

func TestEventsArePushedAndTriedAgain(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	l := &listener{refuse: 2, marks: map[string]bool{}}
	server := httptest.NewTLSServer(l)
	defer server.Close()
	service, err := b.gofish(t, true).Service.EventService()
	if err != nil {
		t.Fatal(err)
	}
	if got := b.call(t, "PATCH", eventsPath, `{"DeliveryRetryIntervalSeconds": 0}`); got.status != 200 {
		t.Fatal(got.text)
	}
	uri, err := service.CreateEventSubscriptionInstance(server.URL+"/secret", nil, nil, map[string]string{"X-Mark": "m"}, schemas.RedfishEventDestinationProtocol, "rack 7", schemas.SuspendRetriesDeliveryRetryPolicy, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.SubmitTestEvent(&schemas.EventServiceSubmitTestEventParameters{MessageID: "ResourceEvent.1.3.TestMessage"}); err != nil {
		t.Fatal(err)
	}
	await(t, "the test event, at the third try", func() bool { return l.has("TestEvent") })
	reset(t, onlySystem(t, b.gofish(t, true)), schemas.OnResetType)
	await(t, "the power's event", func() bool { return l.has("PowerChanged") })
	b.call(t, "POST", sessionsPath, `{"UserName": "admin", "Password": "guess"}`, "", "")
	await(t, "the failed log-in", func() bool { return l.has("LogInFailed") })
	if !l.marks["rack 7"] {
		t.Error("the context does not come with the events")
	}
	if err := service.DeleteEventSubscription(uri); err != nil {
		t.Error(err)
	}
	if got := b.object(t, subscriptionsPath)["Members@odata.count"]; got != 0.0 {
		t.Errorf("%v subscriptions are left", got)
	}
}

func TestASubscriptionNobodyAnswersForEnds(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	b.call(t, "PATCH", eventsPath, `{"DeliveryRetryIntervalSeconds": 0, "DeliveryRetryAttempts": 1}`)
	for policy, want := range map[string]string{policyEnd: "gone", policySuspend: "Disabled"} {
		made := b.call(t, "POST", subscriptionsPath, `{"Destination": "https://127.0.0.1:1/", "Protocol": "Redfish", "DeliveryRetryPolicy": "`+policy+`"}`)
		if made.status != 201 {
			t.Fatal(made.text)
		}
		b.call(t, "POST", testEventPath, "")
		await(t, policy, func() bool {
			got := b.call(t, "GET", made.header.Get("Location"), "")
			return got.status == 404 && want == "gone" || strings.Contains(got.text, `"State":"`+want+`"`)
		})
	}
}

func TestEventsAreStreamedUntilTheBMCRestarts(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	r, err := http.NewRequestWithContext(context.Background(), "GET", b.url+streamPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", testPassword)
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, kind)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // the comment at the start
	b.call(t, "POST", testEventPath, `{"Message": "over the stream"}`)
	seen := false
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.Contains(data, "over the stream") {
			seen = true
			break
		}
	}
	if !seen {
		t.Error("the event did not come")
	}
	b.call(t, "POST", resetManagerPath, `{"ResetType": "ForceRestart"}`)
	for lines.Scan() {
	}
	await(t, "the BMC", func() bool {
		r, _ := http.NewRequest("GET", b.url+"/redfish/v1", nil)
		resp, err := b.client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	if got := b.call(t, "GET", bmcLogPath+"/Entries", ""); strings.Count(got.text, "BMCStarted") < 2 {
		t.Errorf("the log does not tell of the restart: %s", got.text)
	}
}

func TestTheLogIsPagedAndCleared(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	for range entriesPage + 20 {
		b.service.note(b.service.sel, systemPath, hapReset, "On")
	}
	path, n := selPath+"/Entries", 0
	for path != "" {
		page := b.object(t, path)
		n += len(page["Members"].([]any))
		path, _ = page["Members@odata.nextLink"].(string)
	}
	if n != entriesPage+20 {
		t.Errorf("%d entries on all pages", n)
	}
	if got := b.object(t, selPath+"/Entries?$skip=68&$top=1"); len(got["Members"].([]any)) != 1 {
		t.Errorf("one entry: %v", got)
	}
	if got := b.call(t, "GET", selPath+"/Entries?$top=x", ""); got.status != 400 {
		t.Errorf("wrong page: %d", got.status)
	}
	systems, err := b.gofish(t, true).Service.Systems()
	if err != nil {
		t.Fatal(err)
	}
	services, err := systems[0].LogServices()
	if err != nil || len(services) != 1 {
		t.Fatal(services, err)
	}
	if entries, err := services[0].Entries(); err != nil || len(entries) < entriesPage || entries[0].Message == "" {
		t.Errorf("gofish reads %d entries: %v", len(entries), err)
	}
	if _, err := services[0].ClearLog(""); err != nil {
		t.Fatal(err)
	}
	if got := b.object(t, selPath+"/Entries")["Members@odata.count"]; got != 1.0 { // that it was cleared
		t.Errorf("%v entries after ClearLog", got)
	}
}

func TestTheLogIsBounded(t *testing.T) {
	l := &logbook{path: selPath}
	for range maxEntries + 5 {
		l.add(happening{n: hapCleared})
	}
	if all := l.list(); len(all) != maxEntries || all[0].id != 6 {
		t.Errorf("%d entries, the first is %d", len(all), all[0].id)
	}
}

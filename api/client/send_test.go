package client_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

func TestARequestWhoseAnswerWasLostIsSentAgainAndDoneOnce(t *testing.T) {
	s := apitest.Rack(t)
	behind, err := url.Parse(apitest.Serve(t, api.Options{Store: s}))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	var mu sync.Mutex
	keys := map[string]int{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		mu.Lock()
		keys[key]++
		lost := keys[key] == 1
		mu.Unlock()
		if lost { // the server does it, and nobody hears
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	o, err := dial(t, front.URL, apitest.AdminSecret).Inspect(t.Context(), "m1")
	if err != nil || o.Name != "m1" {
		t.Fatalf("%+v %v", o, err)
	}
	all, err := s.Operations(t.Context(), store.OperationFilter{})
	if err != nil || len(all) != 1 || len(keys) != 1 {
		t.Errorf("%d operations, keys %v, %v", len(all), keys, err)
	}
}

func TestARemovalLooksForTheTagAndOneThatSawAnotherStateIsRefused(t *testing.T) {
	s := apitest.Rack(t)
	c := dial(t, apitest.Serve(t, api.Options{Store: s}), apitest.AdminSecret)
	tag, err := c.Tag(t.Context(), "/images/debian")
	if err != nil || tag == "" {
		t.Fatal(tag, err)
	}
	if err := c.RemoveImage(client.Seen(t.Context(), `"0"`), "debian"); !fault.Is(err, fault.Conflict) {
		t.Errorf("of another state: %v", err)
	}
	if err := c.RemoveImage(t.Context(), "debian"); err != nil {
		t.Error(err)
	}
	seen, err := c.MachineTag(t.Context(), "m1")
	if err != nil {
		t.Fatal(err)
	}
	s.Change("m1", func(m *inventory.Machine) { m.Phase = inventory.Racked })
	if _, err := c.Inspect(client.Seen(t.Context(), seen), "m1"); !fault.Is(err, fault.Conflict) {
		t.Errorf("an action on what was changed: %v", err)
	}
}

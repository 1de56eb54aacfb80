package api_test

import (
	"net/http/httptest"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/ticket"
)

// tickets are a key and whom the last ticket was for.
type tickets struct{ holder string }

func (t *tickets) Key() []byte { return []byte("a key") }
func (t *tickets) Issue(k ticket.Ticket) string {
	t.holder = k.Holder
	return "a ticket"
}

func TestACacheSaysHowItStandsAndIsTold(t *testing.T) {
	store, issued := apitest.New(), &tickets{}
	server := httptest.NewServer(api.New(api.Options{Store: store, Tickets: issued}))
	defer server.Close()
	c, err := client.New(server.URL, apitest.OperatorSecret)
	if err != nil {
		t.Fatal(err)
	}
	beat := wire.CacheBeat{URL: "http://10.0.0.1:8088", Rack: "r1", Report: images.CacheReport{Version: "v1", Max: 1 << 30, Warming: []images.Warm{{Digest: "sha256:a", Done: 1, Total: 2}}, Upstream: "http://10.0.0.2:8080"}}
	o, err := c.BeatCache(t.Context(), "near", beat)
	if err != nil || string(o.Key) != "a key" || o.Ticket != "a ticket" || o.Want == nil || issued.holder != "cache near" {
		t.Errorf("%+v, %v", o, err)
	}
	if list, err := c.Caches(t.Context()); err != nil || len(list) != 1 || list[0].Report.Max != 1<<30 || !list[0].Alive {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.WarmCaches(t.Context(), wire.CacheWarm{Image: "nothing"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an image that there is not: %v", err)
	}
	if err := c.ForgetCache(t.Context(), "near"); err != nil {
		t.Error(err)
	}
	viewer, _ := client.New(server.URL, apitest.ViewerSecret)
	if _, err := viewer.BeatCache(t.Context(), "near", beat); !fault.Is(err, fault.Denied) {
		t.Errorf("by a viewer: %v", err)
	}
	encrypted := httptest.NewServer(api.New(api.Options{Store: store}))
	defer encrypted.Close()
	c, _ = client.New(encrypted.URL, apitest.OperatorSecret)
	if _, err := c.BeatCache(t.Context(), "near", beat); !fault.Is(err, fault.Conflict) {
		t.Errorf("where images are sent encrypted only: %v", err)
	}
}

package images

import (
	"fmt"
	"testing"
	"time"

	"rackwright/fault"
)

func TestTheNearestLivingCacheComesFirst(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	all := []Cache{
		{Name: "far", Rack: "r9", Site: "other", Seen: now},
		{Name: "site", Rack: "r2", Site: "lab", Seen: now},
		{Name: "busy", Rack: "r1", Site: "lab", Seen: now, Report: CacheReport{Sending: 9}},
		{Name: "here", Rack: "r1", Site: "lab", Seen: now},
		{Name: "dead", Rack: "r1", Site: "lab", Seen: now.Add(-CacheLife - time.Second)},
		{Name: "nowhere", Seen: now},
	}
	for _, c := range []struct{ rack, site, want string }{
		{"r1", "lab", "[here busy site]"}, {"r7", "lab", "[here site busy]"}, {"r7", "third", "[]"}, {"", "", "[]"},
	} {
		got := []string{}
		for _, cache := range Nearest(all, c.rack, c.site, now) {
			got = append(got, cache.Name)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s in %s: %v, want %s", c.rack, c.site, got, c.want)
		}
	}
}

func TestACacheThatNobodyCouldFetchFromIsRefused(t *testing.T) {
	for _, c := range []Cache{{Name: "", URL: "http://a:1"}, {Name: "A", URL: "http://a:1"}, {Name: "a", URL: "https://a:1"}, {Name: "a", URL: "http://u:p@a:1"},
		{Name: "a", URL: "http://a:1/x"}, {Name: "a", URL: "a:1"}, {Name: "a", URL: ""}} {
		if err := c.Check(); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := (&Cache{Name: "r1-cache", URL: "http://10.0.0.1:8088"}).Check(); err != nil {
		t.Error(err)
	}
}

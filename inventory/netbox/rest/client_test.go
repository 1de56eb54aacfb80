package rest_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory/netbox"
	"rackwright/inventory/netbox/netboxtest"
	"rackwright/inventory/netbox/rest"
)

func fetch(t *testing.T, o rest.Options, site string) (*netbox.Source, *rest.Client, error) {
	t.Helper()
	if o.Token == "" {
		o.Token = netboxtest.Token
	}
	if o.Pause == nil {
		o.Pause = func(context.Context, time.Duration) error { return nil }
	}
	c, err := rest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	src, err := c.Fetch(context.Background(), site)
	if err != nil && strings.Contains(err.Error()+fault.HintOf(err), o.Token) {
		t.Errorf("the token is in the error: %v", err)
	}
	return src, c, err
}

func TestEveryPageOfEveryListIsRead(t *testing.T) {
	for _, generation := range netboxtest.Generations {
		src, c, err := fetch(t, rest.Options{URL: netboxtest.Serve(t, generation) + "/"}, "dc1")
		if err != nil {
			t.Fatal(err)
		}
		if c.Version() != generation {
			t.Errorf("version %q", c.Version())
		}
		all := &netbox.Source{}
		for _, l := range all.Lists() {
			objects, err := netboxtest.Objects(generation, l.Path)
			if err != nil {
				t.Fatal(err)
			}
			page, _ := json.Marshal(map[string]any{"results": objects})
			if _, err := l.Add(page); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := json.Marshal(src)
		want, _ := json.Marshal(all)
		if string(got) != string(want) {
			t.Errorf("%s: read something else than what is there", generation)
		}
	}
}

// answers serves one list of sites page by page as next says, and nothing else.
func answers(t *testing.T, next func(r *http.Request) string, seen func(r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen(r)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"next": next(r), "results": []any{map[string]any{"id": 1, "slug": "dc1", "name": "DC 1"}}})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheTokenGoesToNoOtherServer(t *testing.T) {
	var asked atomic.Int32
	other := answers(t, func(*http.Request) string { return "" }, func(*http.Request) { asked.Add(1) })
	url := answers(t, func(*http.Request) string {
		return strings.Replace(other, "127.0.0.1", "localhost", 1) + "/api/dcim/sites/?offset=1"
	}, nil)
	if _, _, err := fetch(t, rest.Options{URL: url}, "dc1"); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("got %v", err)
	}
	away := httptest.NewServer(http.RedirectHandler(other+"/api/dcim/sites/", http.StatusFound))
	defer away.Close()
	if _, _, err := fetch(t, rest.Options{URL: away.URL}, "dc1"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a redirection: got %v", err)
	}
	if asked.Load() != 0 {
		t.Error("the other server was asked")
	}
}

func TestPagesThatDoNotEndAreLeft(t *testing.T) {
	url := answers(t, func(r *http.Request) string { return "http://" + r.Host + r.URL.Path + "?offset=1" }, nil)
	if _, _, err := fetch(t, rest.Options{URL: url}, "dc1"); !fault.Is(err, fault.Unreachable) || !strings.Contains(err.Error(), "do not end") {
		t.Errorf("got %v", err)
	}
}

func TestABusyServerIsAskedAgain(t *testing.T) {
	var n atomic.Int32
	good := netboxtest.Handler("4.2")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%3 == 0 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		good.ServeHTTP(w, r)
	}))
	defer server.Close()
	var waited []time.Duration
	_, _, err := fetch(t, rest.Options{URL: server.URL, Pause: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil }}, "dc1")
	if err != nil || len(waited) == 0 || waited[0] != 7*time.Second {
		t.Errorf("%v, waited %v", err, waited)
	}
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer down.Close()
	if _, _, err := fetch(t, rest.Options{URL: down.URL}, "dc1"); !fault.Is(err, fault.Unreachable) {
		t.Errorf("got %v", err)
	}
}

func TestRefusalsAreSaidWithTheWayOut(t *testing.T) {
	if _, _, err := fetch(t, rest.Options{URL: netboxtest.Serve(t, "4.2"), Token: "wrong"}, "dc1"); !fault.Is(err, fault.Denied) || fault.HintOf(err) == "" {
		t.Errorf("a wrong token: got %v", err)
	}
	if _, _, err := fetch(t, rest.Options{URL: netboxtest.Serve(t, "4.2") + "/elsewhere"}, "dc1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a wrong path: got %v", err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer page.Close()
	if _, _, err := fetch(t, rest.Options{URL: page.URL}, "dc1"); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" {
		t.Errorf("a web page: got %v", err)
	}
	if _, _, err := fetch(t, rest.Options{URL: netboxtest.Serve(t, "4.2")}, ""); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.HintOf(err), "dc1, dc2") {
		t.Errorf("no site: got %v", err)
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	server := httptest.NewTLSServer(netboxtest.Handler("4.2"))
	defer server.Close()
	if _, _, err := fetch(t, rest.Options{URL: server.URL}, "dc1"); !fault.Is(err, fault.Unreachable) || !strings.Contains(fault.HintOf(err), "--ca-file") {
		t.Errorf("an unknown authority: got %v, hint %q", err, fault.HintOf(err))
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if _, _, err := fetch(t, rest.Options{URL: server.URL, CA: ca}, "dc1"); err != nil {
		t.Errorf("a known authority: %v", err)
	}
}

func TestATokenIsNotSentInTheClear(t *testing.T) {
	for _, url := range []string{"http://netbox.example.com", "http://10.0.0.1", "netbox", "ftp://x", "https://user:secret@x", "https://x?token=1"} {
		if _, err := rest.New(rest.Options{URL: url}); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: got %v", url, err)
		}
	}
	if _, err := rest.New(rest.Options{URL: "https://x", CA: []byte("none")}); !fault.Is(err, fault.Invalid) {
		t.Error("a file without a certificate passed")
	}
}

// Tokens of version 2 are bearer tokens (NetBox 4.5).
func TestNewTokensAreSentAsBearer(t *testing.T) {
	var got string
	url := answers(t, func(*http.Request) string { return "" }, func(r *http.Request) { got = r.Header.Get("Authorization") })
	if _, _, err := fetch(t, rest.Options{URL: url, Token: "nbt_abc.def"}, "dc1"); err != nil || got != "Bearer nbt_abc.def" {
		t.Errorf("%v, sent %q", err, got)
	}
}

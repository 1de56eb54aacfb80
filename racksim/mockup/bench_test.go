package mockup

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/racksim/faults"
)

const (
	user     = "keeper"
	password = "of-the-trees-9"
)

// watch is a clock that moves when it is told to.
type watch struct {
	mu  sync.Mutex
	now time.Time
}

func (w *watch) Now() time.Time          { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
func (w *watch) forward(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

// client asks a BMC as its first account.
type client struct {
	t       *testing.T
	bmc     *BMC
	clock   *watch
	handler http.Handler
}

// bench is a BMC of a vendor that takes a second for each thing.
func bench(t *testing.T, vendor string, change ...func(*Config)) *client {
	t.Helper()
	tree, err := Open(vendor)
	if err != nil {
		t.Fatal(err)
	}
	clock := &watch{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg := Config{Name: vendor, Tree: tree, Username: user, Password: password, Turn: time.Second, Work: time.Second, Restart: time.Minute,
		Now: clock.Now, Faults: &faults.Set{}}
	for _, f := range change {
		f(&cfg)
	}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &client{t, b, clock, b.Handler()}
}

// answer is what came back; status 0 is a connection that broke.
type answer struct {
	status int
	header http.Header
	body   body
	text   string
}

func (c *client) send(r *http.Request) (a answer) {
	c.t.Helper()
	if r.Header.Get("X-Auth-Token") == "" && r.Header.Get("Authorization") == "" && r.Header.Get("Anonymous") == "" {
		r.SetBasicAuth(user, password)
	}
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	c.handler.ServeHTTP(w, r)
	a = answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if w.Body.Len() > 0 {
		b, err := parse(w.Body.Bytes())
		if err != nil && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			c.t.Fatalf("%s %s answers %q: %v", r.Method, r.URL, a.text, err)
		}
		a.body = b
	}
	return a
}

func (c *client) do(method, uri, text string, header ...string) answer {
	c.t.Helper()
	r := httptest.NewRequest(method, "/", strings.NewReader(text))
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(uri, "?")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.send(r)
}

func (c *client) get(uri string) answer { c.t.Helper(); return c.do("GET", uri, "") }

// must sends and wants a status.
func (c *client) must(status int, method, uri, text string, header ...string) answer {
	c.t.Helper()
	a := c.do(method, uri, text, header...)
	if a.status != status {
		c.t.Fatalf("%s %s %s: %d %s, want %d", method, uri, text, a.status, a.text, status)
	}
	return a
}

// tagged is a write with the resource's own tag, as AMI wants it.
func (c *client) patch(status int, uri, text string) answer {
	c.t.Helper()
	return c.must(status, "PATCH", uri, text, "If-Match", c.get(uri).header.Get("ETag"))
}

func (c *client) reset(status int, kind string) {
	c.t.Helper()
	c.must(status, "POST", textAt(c.bmc.get(c.bmc.host), "Actions", "#ComputerSystem.Reset", "target"), `{"ResetType":"`+kind+`"}`)
}

// host is a property of the host's system.
func (c *client) host(keys ...string) any { c.t.Helper(); return at(c.get(c.bmc.host).body, keys...) }

func (c *client) want(what string, got, want any) {
	c.t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		c.t.Errorf("%s is %s, want %s", what, a, b)
	}
}

// vendors runs a test on each vendor's BMC.
func vendors(t *testing.T, f func(*testing.T, *client)) {
	t.Helper()
	for _, name := range Vendors() {
		t.Run(name, func(t *testing.T) { f(t, bench(t, name)) })
	}
}

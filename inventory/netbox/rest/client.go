// Package rest fetches what a NetBox holds through its REST API. It reads only, keeps to
// the one server it was given, and makes nothing of what it fetches.
package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/inventory/netbox"
)

// Bounds of one import.
const (
	pageSize = 500      // objects asked for at once
	maxPage  = 64 << 20 // bytes of one answer
	maxBytes = 1 << 30  // bytes of all answers
	maxPages = 20_000   // of all lists
	tries    = 4        // of one page
	perPage  = 2 * time.Minute
)

// Options say which NetBox, and who asks.
type Options struct {
	URL   string // https://host[:port][/path]; http only on this host
	Token string
	CA    []byte // certificates in PEM that may sign the server's; nil: those of the system
	// Pause waits before another try; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration) error
	// Progress is told which page of a list was read; may be nil.
	Progress func(list string, page int)
}

// Client asks one NetBox.
type Client struct {
	o       Options
	base    *url.URL // ends with /api/
	http    *http.Client
	bytes   int64
	pages   int
	version string
}

// New returns the client of a NetBox.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fault.Invalidf("%q is not the address of a NetBox", o.URL).WithHint("write https://host")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fault.Invalidf("the token would be sent to %s in the clear", u.Host).WithHint("write https://; name the server's certificate authority with --ca-file")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, fault.Invalidf("the file of the certificate authority holds no certificate").WithHint("it is PEM, and begins with BEGIN CERTIFICATE")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Progress == nil {
		o.Progress = func(string, int) {}
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api"), "/") + "/api/"
	return &Client{o: o, base: u, http: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Version is what the server says of its API, e.g. 4.2; "" before Fetch.
func (c *Client) Version() string { return c.version }

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Fetch reads all lists of a site, by slug or name; "" is the only one there is.
func (c *Client) Fetch(ctx context.Context, site string) (*netbox.Source, error) {
	src, slug := &netbox.Source{}, ""
	for i, list := range src.Lists() {
		if err := c.list(ctx, list, slug); err != nil {
			return nil, err
		}
		if i > 0 {
			continue
		}
		found, err := src.Site(site) // sites are the first list
		if err != nil {
			return nil, err
		}
		slug = found.Slug
	}
	return src, nil
}

// list reads one list, page after page.
func (c *Client) list(ctx context.Context, l netbox.List, site string) error {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if l.BySite {
		q.Set("site", site)
	}
	if name, value, ok := strings.Cut(l.Query, "="); ok {
		q.Set(name, value)
	}
	at := *c.base
	at.Path, at.RawQuery = c.base.Path+l.Path, q.Encode()
	for seen := map[string]bool{}; ; {
		if c.pages++; c.pages > maxPages || seen[at.String()] {
			return fault.Unreachablef("the pages of %s do not end", l.Path).WithHint("is a NetBox at that address?")
		}
		seen[at.String()] = true
		page, err := c.page(ctx, l.Path, &at)
		if err != nil {
			return err
		}
		next, err := l.Add(page)
		if err != nil {
			return err
		}
		c.o.Progress(l.Path, len(seen))
		if next == "" {
			return nil
		}
		if err := c.follow(&at, l, next); err != nil {
			return err
		}
	}
}

// follow goes to the next page, which must be of the same list of the same server: the
// token goes nowhere else.
func (c *Client) follow(at *url.URL, l netbox.List, next string) error {
	u, err := url.Parse(next)
	if err != nil || !sameHost(u, c.base) || u.Path != c.base.Path+l.Path {
		return fault.Invalidf("the next page of %s is said to be elsewhere", l.Path).WithHint("name NetBox with --url as it names itself, or correct the Host header that its proxy sends")
	}
	at.RawQuery = u.RawQuery
	return nil
}

// sameHost compares hosts. A proxy in front of NetBox often makes it believe in http; the
// scheme asked is kept all the same.
func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Hostname(), b.Hostname()) && (a.Port() == b.Port() || a.Port() == "" || b.Port() == "")
}

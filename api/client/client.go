// Package client speaks the REST interface for programs: typed calls, faults for
// problems, streams that come back after a broken connection. It keeps no state but
// its connections.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rackwright/api/wire"
	"rackwright/fault"
)

// Limits of one call.
const (
	callLimit = 2 * time.Minute
	maxAnswer = 64 << 20 // bytes of a JSON answer
)

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base   string // scheme and host, no slash at the end
	server string // as the caller named it, for messages
	token  string
	reason string // of changes, for the audit
	http   *http.Client
	pause  func(ctx context.Context, attempt int) error // before reconnecting a stream
}

// New returns a client of a server: http://host[:port], https://host[:port] or
// unix:///path/to/socket. The token may be empty for calls that need none.
func New(server, token string) (*Client, error) {
	bad := fault.Invalidf("%q is not the address of a server", server).WithHint("write http://host:port, https://host:port or unix:///path/to/socket")
	u, err := url.Parse(server)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, bad
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = 5 * time.Second
	c := &Client{server: server, token: token, pause: backOff,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	switch {
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.Trim(u.Path, "/") == "":
		c.base = u.Scheme + "://" + u.Host
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		c.base = "http://unix"
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", u.Path)
		}
	default:
		return nil, bad
	}
	return c, nil
}

// Trust has the server's certificate signed by the authorities in a PEM bundle, and nobody else.
func (c *Client) Trust(bundle []byte) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bundle) {
		return fault.Invalidf("the authorities of %s cannot be read", c.server).WithHint("log in again: 'rackwright login %s'", c.server)
	}
	c.tls().RootCAs = pool
	return nil
}

// Show has the client show a certificate to a server that asks for one. It is read for each
// connection: it may be renewed meanwhile.
func (c *Client) Show(read func() (*tls.Certificate, error)) {
	c.tls().GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert, err := read()
		if err != nil {
			return nil, err
		}
		if err := asked.SupportsCertificate(cert); err != nil {
			return nil, fault.Deniedf("%s takes no such client certificate: %w", c.server, err).WithHint("it is to be by an authority in api.client_ca of the server's configuration")
		}
		return cert, nil
	}
}

// tls is how the client's connections are secured.
func (c *Client) tls() *tls.Config {
	t := c.http.Transport.(*http.Transport)
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{}
	}
	t.TLSClientConfig.MinVersion = tls.VersionTLS12
	return t.TLSClientConfig
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request makes a request below the interface's prefix.
func (c *Client) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	target := c.base + wire.Prefix + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fault.Internalf("make request: %w", err)
	}
	r.Header.Set("User-Agent", "rackwright")
	r.Header.Set("Accept", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.reason != "" && method != http.MethodGet {
		r.Header.Set(wire.ReasonHeader, c.reason)
	}
	return r, nil
}

// do sends a request; an answer that is no success is returned as its fault.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(r.Context(), err)
	}
	if answer.StatusCode/100 != 2 {
		defer answer.Body.Close()
		return nil, problem(answer)
	}
	return answer, nil
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Unreachable, "interrupted: %w", ctx.Err())
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f // from the body being sent, or the client certificate
	}
	var cause error = err
	if u, ok := errors.AsType[*url.Error](err); ok {
		cause = u.Err
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.Deniedf("the certificate of %s is not trusted: %w", c.server, bad.Err).
			WithHint("'rackwright login %s' shows its fingerprint; somebody may stand between when it is another than an admin tells", c.server)
	}
	return fault.New(fault.Unreachable, "no answer from %s: %w", c.server, cause).
		WithHint("is 'rackwright serve' running there? name the server with --server or RACKWRIGHT_SERVER")
}

// call sends in as JSON, unless it is nil, and decodes the answer into a T.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (T, error) {
	return callWithin[T](ctx, c, callLimit, method, path, query, in)
}

func callWithin[T any](ctx context.Context, c *Client, limit time.Duration, method, path string, query url.Values, in any) (out T, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	text, err := encoded(in)
	if err != nil {
		return out, err
	}
	if tries(ctx) {
		query = maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		query.Set("dry_run", "true")
	}
	answer, err := c.send(ctx, letter{method: method, path: path, query: query, body: text})
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	if err := kept(answer); err != nil {
		return out, err
	}
	return decode[T](c, answer)
}

func decode[T any](c *Client, answer *http.Response) (out T, err error) {
	if answer.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fault.New(fault.Unreachable, "the answer of %s cannot be read: %w", c.server, err).
			WithHint("is a rackwright server at that address?")
	}
	return out, nil
}

// problem turns an error answer into the fault it tells of.
func problem(answer *http.Response) error {
	var p wire.Problem
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err := json.Unmarshal(text, &p); err != nil || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
		return fault.New(kindOf(answer.StatusCode), "the server answered %s", answer.Status).WithHint("is a rackwright server at that address?")
	}
	p.Status = answer.StatusCode
	return Fault(&p)
}

// Fault is what a problem tells of, such as one of a machine in an answer about many.
func Fault(p *wire.Problem) error {
	if p == nil {
		return fault.Internalf("the server says neither what was begun nor what is wrong")
	}
	f := fault.New(kindOf(p.Status), "%s", p.Detail)
	f.Hint = p.Hint
	for _, e := range p.Errors {
		f.Fields = append(f.Fields, fault.Field{Path: strings.TrimPrefix(e.Location, "body."), Message: e.Message})
	}
	if len(f.Fields) > 0 && strings.Contains(f.Message, f.Fields[0].Message) {
		f.Message = p.Title // the detail repeats the fields
	}
	if f.Kind == fault.Internal && p.RequestID != "" {
		f.Message += " (request " + p.RequestID + ")"
	}
	return f
}

// kindOf is the server's table read backwards.
func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Denied
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return fault.Conflict
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fault.Unreachable
	}
	if status/100 == 4 {
		return fault.Invalid
	}
	return fault.Internal
}

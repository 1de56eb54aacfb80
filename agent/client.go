package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
)

// errSession means that the server no longer knows this session: only a fresh netboot,
// with a fresh nonce, gets a new one.
var errSession = errors.New("the server does not know this session any more")

// client speaks to the one server whose certificate has the pinned fingerprint.
type client struct {
	base    string
	http    *http.Client
	backoff func(ctx context.Context, failures int) error
	session string
}

// Timeouts: of a connection, of an ordinary answer, and of a body that has stopped coming.
const (
	dialTime   = 10 * time.Second
	answerTime = wire.LongPoll + 20*time.Second
	stallTime  = 30 * time.Second
)

func newClient(p Params, backoff func(context.Context, int) error) *client {
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: pinned(p.Pin), TLSHandshakeTimeout: 2 * dialTime,
		ResponseHeaderTimeout: answerTime, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize: 64 << 10, DisableCompression: true}
	return &client{base: p.Server.Scheme + "://" + p.Server.Host, backoff: backoff, http: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// pinned accepts the certificate with the fingerprint and no other. Names, dates and
// issuers say nothing here: the ramdisk has no clock to trust and no list of issuers.
func pinned(pin [32]byte) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return fault.Deniedf("the server showed no certificate")
		}
		if sum := sha256.Sum256(s.PeerCertificates[0].Raw); subtle.ConstantTimeCompare(sum[:], pin[:]) != 1 {
			return fault.Deniedf("the server's certificate is not the one pinned for this boot").
				WithHint("somebody stands between, or the server's certificate changed: netboot the machine again")
		}
		return nil
	}}
}

// call sends in (nil: nothing) and decodes the answer into out (nil: ignored) until the
// server answers or patience is spent. It returns false if the answer was 204.
func (c *client) call(ctx context.Context, method, path string, in, out any) (bool, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return false, fault.Internalf("encode %s: %w", path, err)
		}
	}
	for failures := 1; ; failures++ {
		some, err := c.try(ctx, method, path, body, out)
		if err == nil || !fault.Is(err, fault.Unreachable) {
			return some, err
		}
		if waitErr := c.backoff(ctx, failures); waitErr != nil {
			return false, errors.Join(ctx.Err(), err)
		}
	}
}

func (c *client) try(ctx context.Context, method, path string, in []byte, out any) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime+dialTime)
	defer cancel()
	response, err := c.do(ctx, method, path, in)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	most := longest(out)
	b, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return false, fault.Unreachablef("the answer to %s was cut short: %w", path, err)
	}
	if int64(len(b)) > most {
		return false, fault.Invalidf("the answer to %s has more than %d bytes", path, most)
	}
	if out == nil || response.StatusCode == http.StatusNoContent {
		return false, nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return true, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return false, fault.Invalidf("the answer to %s is not what version %d has: %w", path, wire.Version, err)
	}
	return true, nil
}

// longest is how many bytes an answer may have, by what is made of it. Where nothing is,
// it has none to speak of.
func longest(out any) int64 {
	switch out.(type) {
	case *wire.Order:
		return wire.MaxOrder
	case *[]byte:
		return wire.MaxList
	}
	return wire.MaxWelcome
}

// do sends one request; a status that is no success becomes a fault.
func (c *client) do(ctx context.Context, method, path string, in []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(in))
	if err != nil {
		return nil, fault.Internalf("request %s: %w", path, err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.session != "" {
		request.Header.Set("Authorization", "Bearer "+c.session)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if fault.KindOf(err) == fault.Denied {
			return nil, err
		}
		return nil, fault.Unreachablef("%w", err)
	}
	if err := status(response, path); err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	return response, nil
}

// status turns an answer that is no success into what can be done about it.
func status(r *http.Response, path string) error {
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fault.New(fault.Denied, "%w", errSession)
	case code == http.StatusNotFound || code == http.StatusGone:
		return fault.NotFoundf("the server has no %s", path)
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code == http.StatusTooEarly:
		return fault.Unreachablef("the server answers %s to %s", r.Status, path)
	case code == http.StatusConflict:
		return fault.Conflictf("the server does not speak version %d of the agent's protocol", wire.Version).
			WithHint("build the ramdisk again from the server's release")
	}
	return fault.Invalidf("the server answers %s to %s", r.Status, path)
}

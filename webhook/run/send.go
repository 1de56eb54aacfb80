package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"rackwright/fault"
	"rackwright/line"
	"rackwright/webhook"
)

// Limits of an attempt.
const (
	attemptLimit = 10 * time.Second
	dialLimit    = 5 * time.Second
	mostAnswer   = 64 << 10 // bytes that are read of an answer, so that its connection can be used again
	mostHeader   = 16 << 10
)

// sender makes attempts. It asks no proxy, follows no redirect and keeps no cookie.
type sender struct {
	http *http.Client
	now  func() time.Time
}

// newSender makes a sender that connects only to what allow lets it.
func newSender(allow webhook.Allow, now func() time.Time) *sender {
	d := &net.Dialer{Timeout: dialLimit, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if why := allow.Refuse(to.Addr()); why != "" {
			return fault.Deniedf("nothing is sent to %s: it is %s", to.Addr(), why)
		}
		return nil
	}}
	return &sender{now: now, http: &http.Client{Timeout: attemptLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialLimit, MaxIdleConnsPerHost: 1, MaxIdleConns: 100,
			IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: mostHeader, DisableCompression: true}}}
}

// close ends idle connections.
func (s *sender) close() { s.http.CloseIdleConnections() }

// send makes one attempt.
func (s *sender) send(ctx context.Context, to string, id string, body []byte, secrets []string) webhook.Outcome {
	at := s.now()
	signature, err := webhook.Sign(id, at, body, secrets...)
	if err != nil {
		return failed(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return failed(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "User-Agent": "rackwright", webhook.HeaderID: id,
		webhook.HeaderTimestamp: strconv.FormatInt(at.Unix(), 10), webhook.HeaderSignature: signature} {
		r.Header.Set(name, value)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return failed(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswer) // what it says is nothing to us
	return webhook.Judge(answer.StatusCode, answer.Header.Get("Retry-After"))
}

// failed says why there was no answer, without the URL: receivers keep secrets in it.
func failed(err error) webhook.Outcome {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return webhook.Outcome{Error: "no answer within " + attemptLimit.String()}
		}
		err = u.Err
	}
	return webhook.Outcome{Error: line.Of(err.Error(), 200)}
}

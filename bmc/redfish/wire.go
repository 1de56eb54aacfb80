package redfish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

const (
	maxBody      = 16 << 20 // one resource; the largest real ones (BIOS registries) are 3 MiB
	maxWrite     = 1 << 20  // a JSON request; firmware goes by push
	maxRedirects = 3
	linger       = time.Second // a connection waits so long for the next read
)

// wire is the http.RoundTripper that gofish speaks through. gofish never sees the
// credentials: wire adds them to requests for this BMC and to no other. One request at
// a time, every body bounded and read whole, reads retried, writes never. Old BMCs choke on
// parallel and on long-lived connections: reads that follow each other share one, a write
// has its own, so that it never goes into one that the BMC is about to close.
type wire struct {
	base   *url.URL
	access bmc.Access
	pin    *pin
	raw    *http.Transport
	timing Timing
	log    *slog.Logger
	pause  pause
	turn   chan struct{}  // holds one token: guards session as well
	ended  chan struct{}  // closed when the session is ended: streams stop
	full   *regexp.Regexp // finds links that are full URLs of the BMC
	session
	hidden
}

func newWire(where address, a bmc.Access, pinned string, timing Timing, log *slog.Logger, wait pause) *wire {
	p := &pin{access: a, want: pinned}
	w := &wire{
		base:   where.base,
		access: a,
		pin:    p,
		timing: timing,
		log:    log,
		pause:  wait,
		turn:   make(chan struct{}, 1),
		ended:  make(chan struct{}),
		full:   absolute(where.base),
		raw: &http.Transport{ // no Proxy: a BMC's password goes to the BMC
			DialContext:            (&net.Dialer{Timeout: min(timing.Request, 10*time.Second)}).DialContext,
			TLSClientConfig:        p.config(),
			TLSHandshakeTimeout:    timing.Request,
			ExpectContinueTimeout:  time.Second, // as curl; only a push asks
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        linger,
			MaxIdleConnsPerHost:    1,
		},
	}
	w.hide(a.Password)
	return w
}

// RoundTrip does one exchange of gofish's. A session that ended (401) is opened again
// once; the BMC did nothing of the refused request, so it may be sent again.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := takeBody(req)
	if err != nil {
		return nil, err
	}
	if err := w.take(req.Context()); err != nil {
		return nil, err
	}
	defer w.release()
	if w.refused == nil && !w.allows(req) {
		return nil, w.mustChange()
	}
	if err := w.ready(req.Context()); err != nil {
		return nil, err
	}
	resp, err := w.settle(req, body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || w.kind == anonymous {
		return resp, err
	}
	if w.kind == byToken {
		w.log.Debug("bmc session ended, opening another")
		if err := w.enter(req.Context()); err != nil {
			return nil, err
		}
		if resp, err = w.settle(req, body); err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
	}
	w.refused = bmc.WrongPassword(w.access)
	return nil, w.refused
}

// ready reports why nothing may be sent, and makes up for a log-in that got no answer. The
// caller holds the turn.
func (w *wire) ready(ctx context.Context) error {
	if w.refused == nil && w.kind == anonymous && w.member {
		return w.enter(ctx)
	}
	return w.refused
}

// request is one that does not go through gofish.
func (w *wire) request(ctx context.Context, method, uri, accept string, body io.Reader) (*http.Request, error) {
	rel, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	target := w.base.ResolveReference(rel)
	if err := w.guard(target); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", "identity")
	w.authorize(req)
	return req, nil
}

// settle repeats a read that failed for now; everything else goes once.
func (w *wire) settle(req *http.Request, body []byte) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		resp, err := w.once(req, body)
		if req.Method != http.MethodGet {
			return resp, errors.Join(err, w.heed(req.Context(), resp))
		}
		if attempt >= maxReadRetries {
			return resp, err
		}
		if err == nil && resp.StatusCode == http.StatusNotAcceptable && !w.anyEncoding {
			w.anyEncoding = true // HPE Gen10 Plus has some resources compressed only (sushy connector.py)
			continue
		}
		wait, again := w.again(req.Context(), resp, err, attempt)
		if !again {
			return resp, err
		}
		w.log.Debug("bmc read again", "path", req.URL.Path, "after", wait, "status", status(resp), "err", err)
		if err := w.pause(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// heed takes the pause a BMC asks for when it refuses a write, so that whoever looks
// again next does not come too early.
func (w *wire) heed(ctx context.Context, resp *http.Response) error {
	if resp == nil || (resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests) {
		return nil
	}
	wait, again := w.again(ctx, resp, nil, 0)
	if !again {
		return nil
	}
	return w.pause(ctx, wait)
}

// once sends the request and reads the whole answer, so that the connection is done
// with when it returns.
func (w *wire) once(req *http.Request, body []byte) (*http.Response, error) {
	if err := w.guard(req.URL); err != nil {
		return nil, err
	}
	if err := spend(req.Context()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), w.limit(req.Context()))
	defer cancel()
	out := req.Clone(ctx)
	w.alone(out)
	if body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	out.GetBody = nil // net/http must not send it again by itself
	if !w.anyEncoding {
		out.Header.Set("Accept-Encoding", "identity") // compression weakens ETags on some BMCs (sushy connector.py)
	}
	w.authorize(out)
	start := time.Now()
	resp, err := w.raw.RoundTrip(out)
	if err != nil {
		return nil, w.overdue(req.Context(), ctx, err)
	}
	err = swallow(resp)
	if err == nil {
		w.shorten(resp)
	}
	w.log.Debug("bmc exchange", "method", out.Method, "path", out.URL.Path, "status", resp.StatusCode, "took", time.Since(start))
	if err != nil {
		return nil, w.overdue(req.Context(), ctx, err)
	}
	return resp, nil
}

// alone gives a write a connection of its own. That of the login serves the reads that
// follow.
func (w *wire) alone(req *http.Request) {
	if req.Method != http.MethodGet {
		w.raw.CloseIdleConnections()
		req.Close = w.kind != anonymous
	}
}

// guard lets requests through to this BMC only. gofish joins the host with whatever
// @odata.id says, so a link of "@elsewhere/x" or a redirect would take the credentials
// to another host.
func (w *wire) guard(u *url.URL) error {
	if u.Scheme == w.base.Scheme && u.Host == w.base.Host && u.User == nil {
		return nil
	}
	return fault.Deniedf("BMC %s sends us to another host, %.80q; refused, because the credentials would go there", w.access.Address, u.Host).
		WithHint("check what answers at bmc.address; a load balancer or captive portal is no BMC")
}

// overdue says which clock ran out: ours for one exchange, or the caller's.
func (w *wire) overdue(caller, exchange context.Context, err error) error {
	if exchange.Err() != nil && caller.Err() == nil {
		return fmt.Errorf("no whole answer within %s: %w", w.limit(caller), context.DeadlineExceeded)
	}
	return err
}

func (w *wire) take(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wire) release() { <-w.turn }

// shut reports whether nothing is sent any more: the BMC denied us, or we closed.
func (w *wire) shut() bool {
	w.turn <- struct{}{} // held for one exchange at most
	defer w.release()
	return w.refused != nil
}

func takeBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxWrite+1))
	if err == nil && len(body) > maxWrite {
		err = fault.Internalf("a request of more than %d bytes to a BMC", maxWrite)
	}
	return body, err
}

// redirects is http.Client's CheckRedirect: a read may move within the BMC (some answer
// /redfish/v1 with /redfish/v1/); a write is not sent to a second place.
func redirects(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("the BMC redirects in a circle")
	}
	if via[0].Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	return nil
}

func status(resp *http.Response) int {
	if resp == nil {
		return 0
	}
	return resp.StatusCode
}

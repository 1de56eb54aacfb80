package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"rackwright/fault"
)

// Timeouts of a plain source: of a connection, of an answer's head, and of a body that has
// stopped coming.
const (
	dialTime  = 5 * time.Second
	headTime  = 20 * time.Second
	stallTime = 30 * time.Second
)

// Plain is what all plain sources share. The caller closes idle connections.
func Plain() *http.Client {
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: headTime, MaxIdleConnsPerHost: 8,
			IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ReadBufferSize: 16 << 10, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// HTTP is a source on plain HTTP. It need not be trusted: chunks are proven.
type HTTP struct {
	URL    string // without a / at its end
	Ticket string // bearer secret
	Client *http.Client
}

// Get asks for a chunk. What it answers is never an error that ends patience.
func (h HTTP) Get(ctx context.Context, blob string, frame []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(h.URL, "/")+"/"+blob, nil)
	if err != nil {
		return fault.Unreachablef("the source of chunks has no sound URL: %w", err)
	}
	if h.Ticket != "" {
		request.Header.Set("Authorization", "Bearer "+h.Ticket)
	}
	response, err := h.Client.Do(request)
	if err != nil {
		return fault.Unreachablef("%w", err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotFound:
		return fault.NotFoundf("%s has no chunk %.16s", request.URL.Host, blob)
	case response.StatusCode != http.StatusOK:
		return fault.Unreachablef("%s answers %s", request.URL.Host, response.Status)
	}
	return Body(response, frame, cancel)
}

// Body reads the frame that an answer carries. When nothing comes for half a minute it calls
// cancel, which ends the request: a server that vanished without a word is noticed.
func Body(r *http.Response, frame []byte, cancel context.CancelFunc) error {
	if r.ContentLength >= 0 && r.ContentLength != int64(len(frame)) {
		return fault.New(fault.Unreachable, "%d bytes where a chunk of %d bytes was asked for: %w", r.ContentLength, len(frame), errDamaged)
	}
	t := time.AfterFunc(stallTime, cancel)
	defer t.Stop()
	for n := 0; n < len(frame); {
		k, err := r.Body.Read(frame[n:])
		n += k
		t.Reset(stallTime)
		if err != nil && n < len(frame) {
			return fault.Unreachablef("the connection ended after %d of %d bytes: %w", n, len(frame), err)
		}
	}
	return drained(r.Body)
}

// drained reads the end of a body, so that its connection serves again.
func drained(r io.Reader) error {
	if n, err := io.CopyN(io.Discard, r, 1); n > 0 || err != io.EOF {
		return fault.New(fault.Unreachable, "the answer goes on behind the chunk: %w", errors.Join(errDamaged, err))
	}
	return nil
}

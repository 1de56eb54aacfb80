package agent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"rackwright/fault"
)

// pack fetches parts of one image's pack.
type pack struct {
	client *client
	digest string
}

// Fetch asks for n bytes from off on. The body fails when nothing comes for stallTime,
// so that a server that vanished without a word is noticed.
func (p pack) Fetch(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	response, err := p.client.do(ctx, http.MethodGet, "/agent/v1/pack/"+url.PathEscape(p.digest), nil, fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	if err != nil {
		cancel()
		return nil, err
	}
	if whole := response.StatusCode == http.StatusOK && off == 0 && response.ContentLength == n; response.StatusCode != http.StatusPartialContent && !whole {
		cancel()
		_ = response.Body.Close()
		return nil, fault.Invalidf("the server answers %s where a part of the pack was asked for", response.Status)
	}
	return &watched{body: response.Body, cancel: cancel}, nil
}

// watched is a body whose request is given up when it stalls.
type watched struct {
	body   io.ReadCloser
	cancel context.CancelFunc
}

func (w *watched) Read(p []byte) (int, error) {
	t := time.AfterFunc(stallTime, w.cancel)
	defer t.Stop()
	return w.body.Read(p)
}

func (w *watched) Close() error {
	w.cancel()
	return w.body.Close()
}

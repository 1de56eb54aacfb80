package agent

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"rackwright/fault"
	"rackwright/images"
)

// chunks fetches the chunks of images.
type chunks struct{ client *client }

// Fetch asks for the frame of a chunk. The body fails when nothing comes for stallTime, so
// that a server that vanished without a word is noticed.
func (k chunks) Fetch(ctx context.Context, c images.Chunk) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	response, err := k.client.do(ctx, http.MethodGet, "/agent/v1/chunk/"+url.PathEscape(c.Blob), nil, "")
	if err != nil {
		cancel()
		return nil, err
	}
	if response.StatusCode != http.StatusOK || response.ContentLength != c.Packed {
		cancel()
		_ = response.Body.Close()
		return nil, fault.Invalidf("the server answers %s and %d bytes where a chunk of %d bytes was asked for", response.Status, response.ContentLength, c.Packed)
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

package redfish

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/stmcginnis/gofish"
)

// client is gofish's, over the wire.
func (w *wire) client(ctx context.Context) (*gofish.APIClient, error) {
	c, err := gofish.ConnectContext(ctx, gofish.ClientConfig{
		Endpoint:          w.base.String(),
		HTTPClient:        &http.Client{Transport: emptyRoot{}},
		NoModifyTransport: true,
	})
	if err == nil {
		c.HTTPClient = &http.Client{Transport: w, CheckRedirect: redirects}
	}
	return c, err
}

// emptyRoot gives gofish the root that it reads when it connects. We have read the BMC's
// own already, and leniently; gofish gives up a BMC over one odd field in it.
type emptyRoot struct{}

func (emptyRoot) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

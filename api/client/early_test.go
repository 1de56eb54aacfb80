package client_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/images"
)

// picky refuses every image after its first bytes.
type picky struct{}

func (picky) Import(_ context.Context, r io.Reader, _ images.ImportOrder, _ func(int64, int64), _ func(*images.Image) error) (*images.Image, error) {
	io.ReadFull(r, make([]byte, 512))
	return nil, fault.Invalidf("this is no disk image").WithHint("send a disk image")
}

// zeros is a file of nothing.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestARefusalInTheMiddleOfAnUploadIsHeard(t *testing.T) {
	c := dial(t, apitest.Serve(t, api.Options{Store: apitest.Rack(t), Importer: picky{}}), apitest.AdminSecret)
	for range 20 {
		_, err := c.AddImage(t.Context(), client.Upload{Name: "x", File: io.LimitReader(zeros{}, 40<<20), Bytes: 40 << 20})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "no disk image") {
			t.Fatal(err)
		}
	}
}

package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"rackwright/fault"
	"rackwright/images"
)

// longLimit is for calls that read everything there is.
const longLimit = 24 * time.Hour

// Imports lists imports and uploads, newest first.
func (c *Client) Imports(ctx context.Context) ([]images.Import, error) {
	return all[images.Import](ctx, c, "/images/imports", nil)
}

// Import returns an import.
func (c *Client) Import(ctx context.Context, id string) (images.Import, error) {
	return call[images.Import](ctx, c, http.MethodGet, "/images/imports/"+url.PathEscape(id), nil, nil)
}

// RemoveImport cancels an import that runs, or forgets one that ended.
func (c *Client) RemoveImport(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/images/imports/"+url.PathEscape(id), nil, nil)
	return err
}

// ImportImage has the server fetch an image, and waits until it has. tell, when not nil, is
// called with how far it is.
func (c *Client) ImportImage(ctx context.Context, o images.ImportOrder, tell func(images.Import)) (images.Image, error) {
	i, err := c.BeginImport(ctx, o)
	if err == nil {
		i, err = c.await(ctx, i.ID, tell)
	}
	if err != nil {
		return images.Image{}, err
	}
	return c.Image(ctx, i.Name)
}

// BeginImport has the server fetch an image, and does not wait.
func (c *Client) BeginImport(ctx context.Context, o images.ImportOrder) (images.Import, error) {
	return call[images.Import](ctx, c, http.MethodPost, "/images/imports", nil, o)
}

// SendPart sends a file that an image will have as a part, and returns its digest.
func (c *Client) SendPart(ctx context.Context, u Upload) (string, error) {
	u.Kind = images.KindPart
	file, ok := u.File.(io.ReaderAt)
	if !ok || u.Bytes <= 0 {
		return "", fault.Invalidf("part %s cannot be read twice", u.Name).WithHint("name a file")
	}
	i, err := c.sendUpload(ctx, u, file)
	return i.Digest, err
}

// await waits until an import has ended. A failed one is the fault that it failed with.
func (c *Client) await(ctx context.Context, id string, tell func(images.Import)) (images.Import, error) {
	wait := 20 * time.Millisecond
	for failures := 0; ; {
		i, err := c.Import(ctx, id)
		switch {
		case fault.Is(err, fault.Unreachable) && ctx.Err() == nil && failures < patience:
			failures++
			if err := c.pause(ctx, failures); err != nil {
				return i, err
			}
			continue
		case err != nil:
			return i, err
		case i.State == images.Failed:
			return i, fault.New(faultOf(i), "%s", i.Error).WithHint("%s", i.Hint)
		}
		failures = 0
		if tell != nil {
			tell(i)
		}
		if i.State == images.Done {
			return i, nil
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
			wait = min(2*wait, time.Second)
		case <-ctx.Done():
			t.Stop()
			return i, fault.New(fault.Unreachable, "interrupted: %w", ctx.Err()).WithHint("the server goes on: 'rackwright image import show %s'", id)
		}
	}
}

// faultOf is the kind of fault an import failed with; of one that does not say, Invalid.
func faultOf(i images.Import) fault.Kind {
	for k := fault.Internal; k <= fault.Unreachable; k++ {
		if k.String() == i.Fault {
			return k
		}
	}
	return fault.Invalid
}

// CheckImages has the server read all bytes of an image, "" for every one.
func (c *Client) CheckImages(ctx context.Context, image string) (images.Health, error) {
	return callWithin[images.Health](ctx, c, longLimit, http.MethodPost, "/images/check", query("image", image), nil)
}

// CollectImages has the server remove bytes that no image needs.
func (c *Client) CollectImages(ctx context.Context) (images.Collected, error) {
	return callWithin[images.Collected](ctx, c, longLimit, http.MethodPost, "/images/collect", nil, nil)
}

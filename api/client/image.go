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
	i, err := awaited(ctx, c, func() (images.Import, error) { return c.Import(ctx, id) }, func(i images.Import) bool { return i.State.Ended() }, tell, "rackwright image import show "+id)
	if err == nil && i.State == images.Failed {
		err = failed(i.Fault, i.Error, i.Hint)
	}
	return i, err
}

// awaited asks again and again until something has ended. show is the command that shows it.
func awaited[T any](ctx context.Context, c *Client, ask func() (T, error), ended func(T) bool, tell func(T), show string) (T, error) {
	wait := 20 * time.Millisecond
	for failures := 0; ; {
		is, err := ask()
		switch {
		case fault.Is(err, fault.Unreachable) && ctx.Err() == nil && failures < patience:
			failures++
			if err := c.pause(ctx, failures); err != nil {
				return is, err
			}
			continue
		case err != nil && ctx.Err() != nil:
			return is, interrupted(ctx, show)
		case err != nil:
			return is, err
		}
		failures = 0
		if tell != nil {
			tell(is)
		}
		if ended(is) {
			return is, nil
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
			wait = min(2*wait, time.Second)
		case <-ctx.Done():
			t.Stop()
			return is, interrupted(ctx, show)
		}
	}
}

func interrupted(ctx context.Context, show string) error {
	return fault.New(fault.Unreachable, "interrupted: %w", ctx.Err()).WithHint("the server goes on: '%s'", show)
}

// failed is the fault that work of the server failed with; of one that does not say its
// kind, Invalid.
func failed(kind, text, hint string) error {
	is := fault.Invalid
	for k := fault.Internal; k <= fault.Unreachable; k++ {
		if k.String() == kind {
			is = k
		}
	}
	return fault.New(is, "%s", text).WithHint("%s", hint)
}

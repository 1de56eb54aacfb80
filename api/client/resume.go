package client

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
)

// patience is how often in a row sending may fail without a byte having arrived.
const patience = 24

// refusals is how often in a row the server may take bytes that it then cannot keep.
const refusals = 2

// sendUpload sends a file in as many requests as it takes (tus 1.0.0) and waits until the
// server has made of it what it is to be. file is nil for what can be read once only: then
// there is one request.
func (c *Client) sendUpload(ctx context.Context, u Upload, file io.ReaderAt) (images.Import, error) {
	i, offset, err := c.beginUpload(ctx, u)
	if err != nil {
		return i, err
	}
	for failures, refused := 0, 0; u.Bytes <= 0 || offset < u.Bytes; {
		taken, sendErr := c.sendFrom(ctx, i.ID, u, file, offset)
		if err = sendErr; err == nil {
			break
		}
		if taken && fault.Is(err, fault.Conflict) {
			refused++ // its disk is full
		}
		busy := fault.Is(err, fault.Unreachable) || fault.Is(err, fault.Conflict) && refused < refusals // the server may not have noticed that the last connection broke
		if ctx.Err() == nil && (!busy || file == nil) {
			_ = c.RemoveImport(ctx, i.ID) // what is there is of no use; the server removes it in a day
			return i, err
		}
		if failures++; ctx.Err() != nil || failures >= patience || c.pause(ctx, failures) != nil {
			break
		}
		if at, headErr := c.uploadOffset(ctx, i.ID); headErr == nil {
			if at > offset {
				failures, refused = 0, 0
			}
			offset, err = at, nil
		} else if !fault.Is(headErr, fault.Unreachable) {
			break
		}
	}
	if err == nil {
		return c.await(ctx, i.ID, nil)
	}
	if file != nil && (fault.Is(err, fault.Unreachable) || ctx.Err() != nil) {
		err = fault.New(fault.Unreachable, "%w", err).WithHint("what was sent is kept for a day: the same command with --resume goes on")
	}
	return i, err
}

// beginUpload begins an upload, or finds the one to go on with.
func (c *Client) beginUpload(ctx context.Context, u Upload) (images.Import, int64, error) {
	if u.Resume {
		list, err := c.Imports(ctx)
		if err != nil {
			return images.Import{}, 0, err
		}
		var other error
		for _, i := range list {
			if i.State != images.Receiving || i.Name != u.Name || i.Bytes != u.Bytes || i.Kind != cmp.Or(u.Kind, images.KindDisk) {
				continue
			}
			if other = c.sameDemands(ctx, i.ID, u); other == nil {
				at, err := c.uploadOffset(ctx, i.ID)
				return i, at, err
			}
		}
		if other != nil {
			return images.Import{}, 0, other
		}
	}
	i, err := call[images.Import](ctx, c, http.MethodPost, "/images/uploads", nil, u.order())
	return i, 0, err
}

// order is what an upload asks for.
func (u *Upload) order() *images.ImportOrder {
	return &images.ImportOrder{Name: u.Name, Kind: u.Kind, SHA256: u.SHA256, Signature: u.Signature, Arch: u.Arch, Bytes: max(u.Bytes, 0)}
}

// sameDemands returns Conflict when an upload began with another digest or signature: what
// is asked for now would not be looked at.
func (c *Client) sameDemands(ctx context.Context, id string, u Upload) error {
	began, err := c.Import(ctx, id)
	if err != nil {
		return err
	}
	what := ""
	switch file, signature := u.order().Demands(); {
	case began.SHA256 != file:
		what = "sha256"
	case began.SignatureSHA256 != signature:
		what = "signature"
	default:
		return nil
	}
	return fault.Conflictf("the upload of %s was not begun with this %s", u.Name, what).
		WithHint("give the one it began with, or send the file anew without --resume; 'rackwright image import remove %s' forgets what was sent", id)
}

// sendFrom sends the file from an offset on, and tells whether any of it was taken.
func (c *Client) sendFrom(ctx context.Context, id string, u Upload, file io.ReaderAt, offset int64) (taken bool, err error) {
	from := u.File
	if file != nil {
		from = io.NewSectionReader(file, offset, u.Bytes-offset) // its own: the last request may still read
	}
	body := &sending{r: from, n: offset, tell: u.Progress}
	defer body.stop()
	r, err := c.request(ctx, http.MethodPatch, "/images/uploads/"+url.PathEscape(id), nil, body)
	if err != nil {
		return false, err
	}
	if u.Bytes > 0 {
		r.ContentLength = u.Bytes - offset
	}
	file256, signature := u.order().Demands()
	r.Header.Set(wire.UploadSHA256, cmp.Or(file256, wire.UploadWithout)) // the server compares them as well
	r.Header.Set(wire.UploadSignature, cmp.Or(signature, wire.UploadWithout))
	if err := c.patch(r, offset, 0); err != nil || u.Bytes > 0 {
		return body.stop() > offset, err
	}
	end, err := c.request(ctx, http.MethodPatch, "/images/uploads/"+url.PathEscape(id), nil, http.NoBody)
	if err != nil {
		return true, err
	}
	n := body.stop()
	return true, c.patch(end, n, n) // now its size is known
}

// sending is the body of a request that tells how far it is, until it is stopped: a
// transport may read on for a moment after the request has failed.
type sending struct {
	r    io.Reader
	tell func(int64)

	mu      sync.Mutex
	n       int64
	stopped bool
}

func (s *sending) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += int64(n)
	if n > 0 && s.tell != nil && !s.stopped {
		s.tell(s.n)
	}
	return n, err
}

// stop ends the telling and returns how far it came.
func (s *sending) stop() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	return s.n
}

func (c *Client) patch(r *http.Request, offset, length int64) error {
	r.Header.Set("Content-Type", "application/offset+octet-stream")
	r.Header.Set("Tus-Resumable", "1.0.0")
	r.Header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	r.Header.Set("Expect", "100-continue")
	if length > 0 {
		r.Header.Set("Upload-Length", strconv.FormatInt(length, 10))
	}
	answer, err := c.do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// uploadOffset asks how much of an upload is there.
func (c *Client) uploadOffset(ctx context.Context, id string) (int64, error) {
	r, err := c.request(ctx, http.MethodHead, "/images/uploads/"+url.PathEscape(id), nil, nil)
	if err != nil {
		return 0, err
	}
	answer, err := c.do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	n, err := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Unreachable, "the server does not say how much of the upload is there").WithHint("is a rackwright server at that address?")
	}
	return n, nil
}

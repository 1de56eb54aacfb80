// Package source reads a file from afar to its end, however often the connection breaks.
// What connection that is, the rooms below know: web and oci.
package source

import (
	"context"
	"errors"
	"io"
	"time"

	"rackwright/fault"
)

// Open opens the file from byte off on. Its error is final when it is Invalid, NotFound
// or Denied; after another it is called again.
type Open func(ctx context.Context, off int64) (io.ReadCloser, error)

// Limits of patience.
const (
	stall    = time.Minute // without a byte
	attempts = 8           // in a row without a byte
)

// Reader reads a file. It is for one goroutine.
type Reader struct {
	ctx     context.Context
	open    Open
	backoff func(ctx context.Context, failures int) error
	total   int64 // 0 when it is not known
	at      int64
	body    io.ReadCloser
	cancel  context.CancelFunc
	failed  int // attempts since the last byte
}

// NewReader reads a file of total bytes, 0 when that is not known.
// backoff waits before the attempt after so many failures; nil waits 1, 2, 4... up to 30 s.
func NewReader(ctx context.Context, total int64, open Open, backoff func(ctx context.Context, failures int) error) *Reader {
	if backoff == nil {
		backoff = Backoff
	}
	return &Reader{ctx: ctx, open: open, total: total, backoff: backoff}
}

// Read implements io.Reader. What cannot be read in the end is Unreachable.
func (r *Reader) Read(p []byte) (int, error) {
	for {
		n, err := r.some(p)
		if n > 0 {
			r.at, r.failed = r.at+int64(n), 0
			return n, nil
		}
		if err == nil && len(p) > 0 {
			continue
		}
		if err == nil || err == io.EOF && (r.total == 0 || r.at >= r.total) {
			return 0, err
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err := r.again(err); err != nil {
			return 0, err
		}
	}
}

// some reads once from the connection, making it when there is none.
func (r *Reader) some(p []byte) (int, error) {
	if r.body == nil {
		ctx, cancel := context.WithCancel(r.ctx)
		guard := time.AfterFunc(stall, cancel)
		body, err := r.open(ctx, r.at)
		guard.Stop()
		if err != nil {
			cancel()
			return 0, err
		}
		r.body, r.cancel = body, cancel
	}
	guard := time.AfterFunc(stall, r.cancel)
	defer guard.Stop()
	return r.body.Read(p)
}

// again gives the connection up and waits, or says why there is no other attempt.
func (r *Reader) again(err error) error {
	r.drop()
	r.failed++
	final := fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) || fault.Is(err, fault.Conflict)
	switch {
	case final:
		return err
	case r.ctx.Err() != nil:
		return fault.Unreachablef("fetching was cancelled: %w", context.Cause(r.ctx))
	case r.failed >= attempts:
		return fault.Unreachablef("the connection broke %d times after %d bytes: %w", r.failed, r.at, err).WithHint("see whether the server reaches that address, then add the image again")
	}
	if err := r.backoff(r.ctx, r.failed); err != nil {
		return fault.Unreachablef("fetching was cancelled: %w", err)
	}
	return nil
}

func (r *Reader) drop() {
	if r.body != nil {
		r.cancel()
		_ = r.body.Close()
		r.body = nil
	}
}

// Close ends the connection.
func (r *Reader) Close() error {
	r.drop()
	return nil
}

// Backoff waits 1, 2, 4... up to 30 s.
func Backoff(ctx context.Context, failures int) error {
	t := time.NewTimer(min(time.Second<<min(failures-1, 5), 30*time.Second))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), context.Cause(ctx))
	}
}

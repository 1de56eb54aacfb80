package redfish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// slowest is the rate in bytes per second below which a push is given up: BMCs with a
// management port of 10 Mbit/s take ten times as much.
const slowest = 64 << 10

// parcel is a body that does not fit into memory.
type parcel struct {
	uri    string
	header http.Header
	before []byte // what stands before and after the file in the body
	after  []byte
	size   int64 // of the file
	open   func() (io.ReadCloser, error)
	plain  bool // goes without asking first, see asksFirst
}

// length is the exact size of the body: iDRAC refuses chunked ones (bmclib,
// internal/redfishwrapper/firmware.go).
func (p parcel) length() int64 { return int64(len(p.before)) + p.size + int64(len(p.after)) }

// errBroken is a push whose outcome nobody knows.
type errBroken struct {
	sent, all int64
	err       error
}

func (e *errBroken) Error() string {
	return fmt.Sprintf("it broke off after %d of %d bytes: %v", e.sent, e.all, e.err)
}

func (e *errBroken) Unwrap() error { return e.err }

// errUnsent is a push of which nothing went out.
type errUnsent struct{ err error }

func (e *errUnsent) Error() string { return e.err.Error() }
func (e *errUnsent) Unwrap() error { return e.err }

// errFile is a file of ours that cannot be read, or not as long as was said.
type errFile struct{ err error }

func (e *errFile) Error() string { return "the firmware file: " + e.err.Error() }
func (e *errFile) Unwrap() error { return e.err }

// push sends a parcel and reads the answer; only a piece of it is in memory at a time. It
// takes its turn like every exchange, and is bounded by the size of what it sends instead
// of Timing.Request. The body goes out once, also when the answer to it is 401: whether a
// BMC that forgets a session in mid-push forgets the file as well nobody knows. Sent is how
// much of it went out before the answer.
func (w *wire) push(ctx context.Context, p parcel) (resp *http.Response, sent int64, err error) {
	if err := w.take(ctx); err != nil {
		return nil, 0, &errUnsent{err}
	}
	defer w.release()
	for again := true; ; again = false {
		if err := w.ready(ctx); err != nil {
			return nil, 0, &errUnsent{err}
		}
		if resp, sent, err = w.carry(ctx, p); err != nil {
			return nil, sent, err
		}
		switch {
		case resp.StatusCode == http.StatusExpectationFailed && sent == 0 && !p.plain:
			p.plain = true
			continue
		case resp.StatusCode != http.StatusUnauthorized || w.kind != byToken:
			return resp, sent, w.heed(ctx, resp)
		}
		w.kind, w.token, w.uri = anonymous, "", "" // the next request logs in again
		if sent > 0 || !again {
			return resp, sent, nil
		}
	}
}

// asksFirst is from which size on the BMC is asked whether it will take the body (RFC 9110
// 10.1.1): a refusal then comes before the file instead of somewhere in it. curl, by which
// the vendors show their pushes, asks from the same size on.
const asksFirst = 1 << 20

// carry is once for a parcel.
func (w *wire) carry(ctx context.Context, p parcel) (*http.Response, int64, error) {
	file, err := p.open()
	if err != nil {
		return nil, 0, &errFile{err}
	}
	ctx, stop := context.WithTimeoutCause(ctx, w.timing.Push+time.Duration(p.size/slowest)*time.Second, errSlow)
	defer stop()
	ctx, give := context.WithCancelCause(ctx)
	defer give(nil)
	idle := time.AfterFunc(w.timing.Push, func() { give(errIdle) })
	defer idle.Stop()
	b := &parcelBody{file: file, closed: make(chan struct{}), progress: func() { idle.Reset(w.timing.Push) },
		r: io.MultiReader(bytes.NewReader(p.before), &exact{r: file, left: p.size}, bytes.NewReader(p.after))}
	req, err := w.parcelRequest(ctx, p, b)
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	w.alone(req)
	start := time.Now()
	resp, err := w.raw.RoundTrip(req)
	if err == nil {
		err = swallow(resp)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	give(nil) // a BMC may answer before it took everything
	<-b.closed
	w.log.Debug("bmc push", "path", req.URL.Path, "bytes", b.sent.Load(), "status", status(resp), "took", time.Since(start))
	sent := b.sent.Load()
	switch {
	case err == nil:
		return resp, sent, nil
	case b.fault != nil: // ours, and the BMC cannot have got all of it
		return nil, sent, &errFile{b.fault}
	case sent == 0:
		return nil, 0, &errUnsent{err}
	}
	return nil, sent, &errBroken{sent: sent, all: p.length(), err: err}
}

var (
	errSlow = errors.New("the BMC takes it too slowly")
	errIdle = errors.New("the BMC takes no more of it and does not answer")
)

func (w *wire) parcelRequest(ctx context.Context, p parcel, b *parcelBody) (*http.Request, error) {
	req, err := w.request(ctx, http.MethodPost, p.uri, "application/json", b)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, p.header)
	req.ContentLength = p.length()
	if p.size >= asksFirst && !p.plain {
		req.Header.Set("Expect", "100-continue")
	}
	return req, nil
}

// parcelBody is the transport's until it closes it; it counts what was taken.
type parcelBody struct {
	r        io.Reader
	file     io.Closer
	sent     atomic.Int64
	fault    error // of the file; read it after closed
	once     sync.Once
	closed   chan struct{}
	progress func()
}

func (b *parcelBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.sent.Add(int64(n))
	b.progress()
	if err != nil && err != io.EOF {
		b.fault = err
	}
	return n, err
}

func (b *parcelBody) Close() error {
	var err error
	b.once.Do(func() {
		err = b.file.Close()
		close(b.closed)
	})
	return err
}

// exact reads a file that has exactly so many bytes left: neither half a firmware nor one
// with something behind it goes out whole.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case err == io.EOF && e.left > 0:
		return n, io.ErrUnexpectedEOF
	case err != nil && err != io.EOF:
		return n, err
	case e.left == 0:
		var more [1]byte
		if n, _ := io.ReadFull(e.r, more[:]); n > 0 {
			return 0, errors.New("it is longer than was said")
		}
	}
	return n, nil
}

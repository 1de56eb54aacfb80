// Package web fetches files by http and https and goes on where a connection broke. It
// judges nothing of what they are.
package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/source"
)

// Client returns a client for long transfers: nothing but silence ends one.
func Client() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	t.DisableCompression = true
	t.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{Transport: t, CheckRedirect: redirect}
}

// redirect lets nothing lead from https to http: who stands between could give any file.
func redirect(to *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= 10:
		return fault.Invalidf("the address redirects without end")
	case to.URL.Scheme != "https" && (via[0].URL.Scheme == "https" || to.URL.Scheme != "http"):
		return fault.Invalidf("the address redirects from https to %.20s", to.URL.Scheme).WithHint("give the address it should lead to")
	}
	return nil
}

// Fetcher fetches files.
type Fetcher struct {
	Client  *http.Client
	Backoff func(ctx context.Context, failures int) error // nil: source.Backoff
}

// file is what the first answer said of the file; a later one must agree.
type file struct {
	f       *Fetcher
	address string
	size    int64 // 0 when it is not known
	tag     string
	date    string
}

// Fetch returns the file at an address, and its size, 0 when the server does not say.
func (f *Fetcher) Fetch(ctx context.Context, address string) (io.ReadCloser, int64, error) {
	one := &file{f: f, address: address}
	firstCtx, cancel := context.WithCancel(ctx)
	first, err := one.first(firstCtx)
	if err != nil {
		cancel()
		return nil, 0, err
	}
	open := func(ctx context.Context, off int64) (io.ReadCloser, error) {
		if body := first; body != nil {
			first = nil
			context.AfterFunc(ctx, cancel) // the reader gives it up as any other
			return body, nil
		}
		return one.open(ctx, off)
	}
	return source.NewReader(ctx, one.size, open, f.Backoff), one.size, nil
}

// first asks until there is a first answer.
func (o *file) first(ctx context.Context) (io.ReadCloser, error) {
	wait := o.f.Backoff
	if wait == nil {
		wait = source.Backoff
	}
	for failures := 1; ; failures++ {
		body, err := o.open(ctx, 0)
		if err == nil || !fault.Is(err, fault.Unreachable) || failures >= 5 {
			return body, err
		}
		if wait(ctx, failures) != nil {
			return nil, err
		}
	}
}

func (o *file) open(ctx context.Context, off int64) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.address, nil)
	if err != nil {
		return nil, fault.Invalidf("%s is no address", images.WithoutSecrets(o.address))
	}
	r.Header.Set("User-Agent", "rackwright")
	if off > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(off, 10)+"-")
		if strings.HasPrefix(o.tag, `"`) { // a weak tag says nothing about bytes (RFC 9110, section 13.1.5)
			r.Header.Set("If-Range", o.tag)
		} else if o.date != "" {
			r.Header.Set("If-Range", o.date)
		}
	}
	answer, err := o.f.Client.Do(r)
	if err != nil {
		return nil, o.unreachable(err)
	}
	if err := o.accept(answer, off); err != nil {
		return nil, errors.Join(err, answer.Body.Close())
	}
	return answer.Body, nil
}

// accept judges an answer, and leaves its body at byte off of the file.
func (o *file) accept(a *http.Response, off int64) error {
	if err := o.status(a); err != nil {
		return err
	}
	tag, date := a.Header.Get("Etag"), a.Header.Get("Last-Modified")
	if off == 0 && o.tag == "" && o.date == "" && o.size == 0 {
		o.tag, o.date, o.size = tag, date, max(a.ContentLength, 0)
		return nil
	}
	if tag != o.tag || date != o.date {
		return o.changed()
	}
	if a.StatusCode == http.StatusPartialContent {
		unit, rest, _ := strings.Cut(a.Header.Get("Content-Range"), " ")
		at, _, _ := strings.Cut(rest, "-")
		from, err := strconv.ParseInt(at, 10, 64)
		if unit != "bytes" || err != nil || from != off {
			return fault.Invalidf("the server of %s answers with another part of the file than was asked for", images.WithoutSecrets(o.address))
		}
		return nil
	}
	if a.ContentLength >= 0 && o.size > 0 && a.ContentLength != o.size || tag == "" && date == "" && o.size == 0 {
		return o.changed()
	}
	if _, err := io.CopyN(io.Discard, a.Body, off); err != nil { // it knows no ranges
		return fault.Unreachablef("the connection broke: %w", err)
	}
	return nil
}

func (o *file) changed() error {
	return fault.Conflictf("%s changed while it was fetched", images.WithoutSecrets(o.address)).WithHint("add the image again")
}

func (o *file) status(a *http.Response) error {
	name, code := images.WithoutSecrets(o.address), a.StatusCode
	switch {
	case code == http.StatusOK || code == http.StatusPartialContent:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return fault.NotFoundf("there is nothing at %s", name).WithHint("correct the address")
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fault.Deniedf("%s is not given out to this server (%d)", name, code).WithHint("fetch it yourself and upload it")
	case code == http.StatusRequestedRangeNotSatisfiable:
		return o.changed()
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return fault.Unreachablef("%s answers %s", name, a.Status).WithHint("try again later")
	}
	return fault.Invalidf("%s answers %s", name, a.Status).WithHint("correct the address")
}

// unreachable says why there is no answer, without the address's secrets.
func (o *file) unreachable(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fault.Unreachablef("no answer from %s: %w", images.WithoutSecrets(o.address), err).WithHint("see whether the server reaches that address")
}

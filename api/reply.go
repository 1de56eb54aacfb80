package api

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Limits of what is read of a request before its body, and of an answer that is held.
const (
	longestURI    = 8 << 10  // bytes; longer is 414 (RFC 9110 section 15.5.15)
	longestHeader = 32 << 10 // bytes of all headers; longer is 431 (RFC 6585 section 5)
	mostHeld      = 64 << 20 // bytes; a longer answer goes out as it comes, without an ETag
)

// reply holds back a JSON document until its handler is done: by then its ETag, its
// length and what was asked of it are known. All else goes through.
type reply struct {
	http.ResponseWriter
	status   int
	held     bytes.Buffer
	straight bool // not held: a stream, other bytes, or too long
	url      *url.URL
	fields   *fieldTree
	leave    context.CancelFunc // of a HEAD: ends what would follow the header
}

// Unwrap lets http.ResponseController reach deadlines.
func (a *reply) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the status, or sends the header of what is not held.
func (a *reply) WriteHeader(status int) {
	if status < 200 {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	if a.status != 0 {
		return
	}
	a.status = status
	kind := a.Header().Get("Content-Type")
	if kind == "" && status != http.StatusOK || strings.HasPrefix(kind, "application/json") || strings.HasPrefix(kind, "application/problem+json") {
		return
	}
	a.straight = true
	a.ResponseWriter.WriteHeader(status)
	if a.leave != nil && strings.HasPrefix(kind, "text/event-stream") {
		a.leave()
	}
}

func (a *reply) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.straight && a.held.Len()+len(b) > mostHeld {
		a.release()
	}
	if a.straight {
		return a.ResponseWriter.Write(b)
	}
	return a.held.Write(b)
}

// FlushError sends what is held: whoever flushes wants it to be seen now.
func (a *reply) FlushError() error {
	a.release()
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// release ends the holding.
func (a *reply) release() {
	if a.straight || a.status == 0 {
		return
	}
	a.straight = true
	a.ResponseWriter.WriteHeader(a.status)
	a.ResponseWriter.Write(a.held.Bytes())
	a.held = bytes.Buffer{}
}

type replyKey struct{}

// replyOf is the answer to the request of a context; nil outside of any.
func replyOf(ctx context.Context) *reply {
	a, _ := ctx.Value(replyKey{}).(*reply)
	return a
}

// mannered gives each answer what is the same for all: HEAD as GET without its body, an
// ETag and what it saves, the fields that were asked for, a content coding.
func (s *server) mannered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := tooLong(r); p != nil {
			p.write(w)
			return
		}
		a := &reply{ResponseWriter: w, url: r.URL}
		ctx, end := context.WithCancel(context.WithValue(r.Context(), replyKey{}, a))
		defer end()
		if r.Method == http.MethodHead {
			a.leave = end
			headAsGet(r)
		}
		r = r.WithContext(ctx)
		next.ServeHTTP(a, r)
		s.finish(a, r)
	})
}

func tooLong(r *http.Request) *problem {
	if len(r.URL.RequestURI()) > longestURI {
		return coded(r.Context(), "uri-too-long", "the path and query have more than "+strconv.Itoa(longestURI)+" bytes", "")
	}
	size := 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
	}
	if size > longestHeader {
		return coded(r.Context(), "headers-too-large", "the headers have more than "+strconv.Itoa(longestHeader)+" bytes", "")
	}
	return nil
}

// headAsGet routes a HEAD to the GET of its path unless it has a route of its own (RFC 9110
// section 9.3.2); net/http leaves the body out.
func headAsGet(r *http.Request) {
	at := chi.RouteContext(r.Context())
	if at == nil || at.Routes.Match(chi.NewRouteContext(), http.MethodHead, r.URL.Path) {
		return
	}
	at.RouteMethod = http.MethodGet
}

// finish sends what was held.
func (s *server) finish(a *reply, r *http.Request) {
	if a.straight || a.status == 0 {
		return
	}
	h, body := a.Header(), a.held.Bytes()
	if a.status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		tag := tagOf(h.Get("ETag"), body)
		body = a.fields.pick(body)
		coding := codingOf(h, r.Header.Get("Accept-Encoding"), body)
		h.Set("ETag", tag.text(coding))
		h.Set("Cache-Control", "private, no-cache") // kept, but asked about each time
		if tag.seen(r.Header.Get("If-None-Match")) {
			h.Del("Content-Type")
			a.ResponseWriter.WriteHeader(http.StatusNotModified)
			return
		}
		body = s.compress(h, coding, body)
	} else {
		body = s.compress(h, codingOf(h, r.Header.Get("Accept-Encoding"), body), body)
	}
	if len(body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	a.ResponseWriter.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		a.ResponseWriter.Write(body)
	}
}

package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"rackwright/fault"
	"rackwright/store"
)

// onceStore remembers what was answered to requests with an Idempotency-Key.
type onceStore interface {
	// BeginOnce is nil when the request is to be done now; else what became of the one that
	// had the key first.
	BeginOnce(ctx context.Context, o store.Once) (*store.Once, error)
	// EndOnce keeps the answer, DropOnce gives the key back because nothing was done,
	// BreakOnce says that nobody knows how far it came.
	EndOnce(ctx context.Context, o store.Once) error
	DropOnce(ctx context.Context, o store.Once) error
	BreakOnce(ctx context.Context, o store.Once) error
}

// mostKept is how long an answer may be to be kept, bytes.
const mostKept = 256 << 10

var onceKey = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

// changesNothing are the POSTs that need no key.
func changesNothing(id string) bool { return id == "diff-plan" || id == "preview-machine" }

// tellsOnce are the POSTs whose answers hold a secret that is kept nowhere: nor with the key.
func tellsOnce(id string) bool {
	return slices.Contains([]string{"open-session", "open-rack-session", "add-rack-code", "add-token", "rotate-token", "add-webhook", "rotate-webhook"}, id)
}

// once does a POST with an Idempotency-Key one time, however often it is sent, and gives
// its answer again. Streams and uploads do not come by here.
func (s *server) once(c huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(c)
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost || changesNothing(c.Operation().OperationID) || actor(c.Context()) == "" { // nobody's keys are not told apart
		next(c)
		return
	}
	ctx := c.Context()
	if !onceKey.MatchString(key) {
		newProblem(ctx, http.StatusBadRequest, "Idempotency-Key is not 1 to 128 visible ASCII characters", "make a UUID").write(w)
		return
	}
	text, whole := readAhead(c, r)
	if !whole { // the handler says what is wrong with it
		next(c)
		return
	}
	o := store.Once{Caller: cmp.Or(callOf(ctx).caller.ID, actor(ctx)), Key: key, Holder: s.process, Request: requestDigest(r, text)}
	was, err := s.Store.BeginOnce(ctx, o)
	if errors.Is(err, store.ErrManyKeys) {
		coded(ctx, "too-many-keys", err.Error(), fault.HintOf(err)).write(w)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if was != nil {
		s.again(w, r, was, o)
		return
	}
	s.keepAnswer(c, next, o)
}

// readAhead reads the body, and puts it back to be read again; false when it cannot be read
// whole.
func readAhead(c huma.Context, r *http.Request) ([]byte, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true
	}
	limit := c.Operation().MaxBodyBytes
	_ = c.SetReadDeadline(time.Now().Add(c.Operation().BodyReadTimeout)) // not every transport has one
	text, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = broken{err}
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), rest))
	return text, err == nil && int64(len(text)) <= limit
}

// broken is a body whose reading failed.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// requestDigest tells requests apart: what is asked, of what, and on which condition.
func requestDigest(r *http.Request, text []byte) string {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, r.URL.Query().Encode(), r.Header.Get("If-Match"), string(text)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// again answers what had its key before.
func (s *server) again(w http.ResponseWriter, r *http.Request, was *store.Once, o store.Once) {
	ctx := r.Context()
	switch {
	case was.Request != o.Request:
		coded(ctx, "key-reused", "the Idempotency-Key was given to another request", "").write(w)
	case was.Broken:
		coded(ctx, "key-broken", "nobody knows how far the request with this Idempotency-Key came", "").write(w)
	case !was.Done:
		coded(ctx, "key-in-use", "the request with this Idempotency-Key has no answer yet", "").write(w)
	case was.Told:
		if at := was.Header["Location"]; at != "" {
			w.Header().Set("Location", at)
		}
		coded(ctx, "key-told", fmt.Sprintf("the request with this Idempotency-Key was answered with status %d, and what is told once was in the answer", was.Status), "").write(w)
	case was.Spent:
		coded(ctx, "key-spent", fmt.Sprintf("the request with this Idempotency-Key was answered with status %d", was.Status), "").write(w)
	default:
		for name, value := range was.Header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(was.Status)
		w.Write(was.Body)
	}
}

// keepAnswer does the request and keeps its answer, even when nobody waits for it any
// more. What failed because something did not answer, or was not allowed now, may be tried
// again with the same key, unless something was to be written: nobody knows whether it was.
func (s *server) keepAnswer(c huma.Context, next func(huma.Context), o store.Once) {
	ctx, ended := context.WithoutCancel(c.Context()), false
	defer func() {
		if !ended { // a panic
			s.noted(ctx, s.Store.BreakOnce(ctx, o))
		}
	}()
	within, writes := store.WithWrites(c.Context())
	next(huma.WithContext(c, within))
	ended = true
	a := replyOf(ctx)
	if a == nil {
		s.noted(ctx, s.Store.BreakOnce(ctx, o))
		return
	}
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusServiceUnavailable}, a.status) {
		giveBack := s.Store.DropOnce
		if writes.Tried() {
			giveBack = s.Store.BreakOnce
		}
		s.noted(ctx, giveBack(ctx, o))
		return
	}
	o.Status, o.Header, o.Spent = a.status, map[string]string{}, a.straight || a.held.Len() > mostKept
	for _, name := range []string{"Content-Type", "Location", "ETag", "Retry-After"} {
		if v := a.Header().Get(name); v != "" {
			o.Header[name] = v
		}
	}
	if o.Told = a.status < 300 && tellsOnce(c.Operation().OperationID); !o.Told && !o.Spent {
		o.Body = bytes.Clone(a.held.Bytes())
	}
	s.noted(ctx, s.Store.EndOnce(ctx, o))
}

// noted logs that a key could not be kept: who asks again is told that nobody knows.
func (s *server) noted(ctx context.Context, err error) {
	if err != nil {
		s.Log.ErrorContext(ctx, "idempotency key", "request_id", callOf(ctx).id, "error", err)
	}
}

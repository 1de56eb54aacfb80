package api

import (
	"context"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"rackwright/access"
	"rackwright/api/wire"
)

// call is what is known of one request.
type call struct {
	id     string
	caller access.Caller
	from   string // address, as the guard counts it
	note   note   // for the audit

	vouched func() bool // of a client certificate: whether its authority still counts; nil: nothing to ask
}

type callKey struct{}

// callOf returns the call a context belongs to, an empty one outside of any.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// actor names who is asking, for the journal.
func actor(ctx context.Context) string { return callOf(ctx).caller.Name }

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// begin gives the request its id and writes its line in the access log. The query stays
// out of the log, and so do all headers.
func (s *server) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{id: r.Header.Get("X-Request-Id")}
		if !requestID.MatchString(c.id) {
			c.id = uuid.NewString()
		}
		w.Header().Set("X-Request-Id", c.id)
		w.Header().Set("Cache-Control", "no-store")
		out := pace(w, r, s.Patience)
		rec, start := &recorder{ResponseWriter: out}, s.Now()
		defer func() {
			out.end()
			s.Log.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", rec.status, "bytes", rec.bytes,
				"ms", s.Now().Sub(start).Milliseconds(), "remote", r.RemoteAddr, "caller", c.caller.Name, "request_id", c.id)
		}()
		next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		r.ResponseWriter.WriteHeader(status)
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// recover answers a panic with a problem, or cuts the connection when an answer has
// begun.
func (s *server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v != http.ErrAbortHandler && r.Context().Err() == nil { // huma panics when the caller left in the middle of an answer
				s.Log.ErrorContext(r.Context(), "panic", "request_id", callOf(r.Context()).id, "panic", v, "stack", string(debug.Stack()))
			}
			if rec, ok := w.(*recorder); v == http.ErrAbortHandler || (ok && rec.status != 0) {
				panic(http.ErrAbortHandler)
			}
			newProblem(r.Context(), http.StatusInternalServerError, "the server could not do this", "").write(w)
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *server) noRoute(w http.ResponseWriter, r *http.Request) {
	newProblem(r.Context(), http.StatusNotFound, "there is nothing at "+r.URL.Path, "all paths are in "+wire.Prefix+"/openapi.json").write(w)
}

// noMethod refuses a method, and answers OPTIONS (RFC 9110 section 9.3.7).
func (s *server) noMethod(w http.ResponseWriter, r *http.Request) {
	known := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodTrace, http.MethodConnect}
	if !slices.Contains(known, r.Method) {
		coded(r.Context(), "not-implemented", "there is no method "+r.Method+" here", "").write(w)
		return
	}
	allow := []string{}
	routes := chi.RouteContext(r.Context()).Routes
	for _, m := range known[:6] {
		if routes.Match(chi.NewRouteContext(), m, r.URL.Path) || m == http.MethodHead && slices.Contains(allow, http.MethodGet) {
			allow = append(allow, m)
		}
	}
	w.Header().Set("Allow", strings.Join(append(allow, http.MethodOptions), ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	newProblem(r.Context(), http.StatusMethodNotAllowed, r.URL.Path+" does not take "+r.Method, "").write(w)
}

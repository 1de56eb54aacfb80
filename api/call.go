package api

import (
	"context"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
)

// call is what is known of one request.
type call struct {
	id    string
	token access.Token
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
func actor(ctx context.Context) string { return callOf(ctx).token.Name }

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
		rec, start := &recorder{ResponseWriter: w}, s.Now()
		defer func() {
			s.Log.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", rec.status, "bytes", rec.bytes,
				"ms", s.Now().Sub(start).Milliseconds(), "remote", r.RemoteAddr, "token", c.token.Name, "request_id", c.id)
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

// public are the paths that need no token.
func public(path string) bool {
	return path == wire.Prefix+"/health" || strings.HasPrefix(path, wire.Prefix+"/openapi") || path == wire.Prefix+"/schemas/plan"
}

// authenticate finds who is asking and refuses what the role does not allow, before the
// path is even looked at.
func (s *server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !public(r.URL.Path) {
			if err := s.admit(r); err != nil {
				if p, ok := err.(*problem); ok && p.Status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", `Bearer realm="rackwright"`)
				}
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// admit checks the bearer token and its role.
func (s *server) admit(r *http.Request) error {
	ctx := r.Context()
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > 256 {
		return newProblem(ctx, http.StatusUnauthorized, "the request has no bearer token", "")
	}
	token, err := s.Store.TokenRole(ctx, secret)
	if fault.Is(err, fault.Denied) {
		return newProblem(ctx, http.StatusUnauthorized, "the token is not known here", "")
	}
	if err != nil {
		return err
	}
	callOf(ctx).token = token
	return access.Allow(token, needs(r.Method))
}

// needs is the right a method asks for.
func needs(method string) access.Action {
	if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
		return access.Read
	}
	return access.Change
}

func (s *server) noRoute(w http.ResponseWriter, r *http.Request) {
	newProblem(r.Context(), http.StatusNotFound, "there is nothing at "+r.URL.Path, "all paths are in "+wire.Prefix+"/openapi.json").write(w)
}

func (s *server) noMethod(w http.ResponseWriter, r *http.Request) {
	var allow []string
	routes := chi.RouteContext(r.Context()).Routes
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), m, r.URL.Path) {
			allow = append(allow, m)
		}
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	newProblem(r.Context(), http.StatusMethodNotAllowed, r.URL.Path+" does not take "+r.Method, "").write(w)
}

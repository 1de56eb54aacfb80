package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/store"
)

// problemType is the start of every problem's type.
const problemType = "urn:rackwright:problem:"

// problem is an error on its way out. huma takes its status and content type.
type problem struct {
	wire.Problem
	header http.Header // of this answer, instead of the usual
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// retryAfter is when what does not answer now may be asked for again (RFC 9110 section
// 10.2.3), seconds.
const retryAfter = "5"

// GetHeaders are the headers that huma adds to the answer.
func (p *problem) GetHeaders() http.Header {
	switch {
	case p.header != nil:
		return p.header
	case p.Code == "key-in-use":
		return http.Header{"Retry-After": {"1"}}
	case p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests:
		return http.Header{"Retry-After": {retryAfter}}
	}
	return nil
}

// shape is the part of a problem that is the same each time.
type shape struct {
	code        string
	status      int
	title, hint string
}

// shapes are all problems there are. The first of a status is the one for it when nothing
// narrower is known; docs/running/status-codes.md has the same table.
func shapes() []shape {
	return []shape{
		{"malformed", http.StatusBadRequest, "The request cannot be read", "send one JSON document as the interface's description has it"},
		{"unknown-parameter", http.StatusBadRequest, "The query has a parameter that the path does not take", ""},
		{"repeated-parameter", http.StatusBadRequest, "The query has a parameter more often than once", "send one value: only a parameter that is a list may be repeated"},
		{"unknown-field", http.StatusBadRequest, "The answer has no such field", ""},
		{"unknown-kind", http.StatusBadRequest, "There is no such kind of event", ""},
		{"unknown-sort", http.StatusBadRequest, "The list cannot be sorted so", ""},
		{"bad-page-token", http.StatusBadRequest, "The page token is not of this list", "begin again without page_token, with the same filters on each page"},
		{"unauthenticated", http.StatusUnauthorized, "Who is asking?", "send 'Authorization: Bearer TOKEN'; the first server start writes an admin token to admin.token in its state directory"},
		{"denied", http.StatusForbidden, "Not allowed", "ask an admin for a token with a wider role"},
		{"not-found", http.StatusNotFound, "There is no such thing", ""},
		{"method-not-allowed", http.StatusMethodNotAllowed, "The path does not take this method", "use a method of the Allow header"},
		{"not-acceptable", http.StatusNotAcceptable, "No such representation", "accept application/json"},
		{"timeout", http.StatusRequestTimeout, "The request came too slowly", "send it again"},
		{"conflict", http.StatusConflict, "True, but not now", ""},
		{"key-in-use", http.StatusConflict, "A request with this Idempotency-Key is being done", "ask again a moment later, with the same key"},
		{"key-broken", http.StatusConflict, "Nobody knows how far the request with this key came", "look what there is now; if it was not done, send it with a new key"},
		{"key-spent", http.StatusConflict, "It was done, but its answer was too long to be kept", "ask for the thing itself"},
		{"key-told", http.StatusConflict, "It was done, and its secret was told once", "look at Location; give it another secret, or take it back, if nobody has this one"},
		{"precondition-failed", http.StatusPreconditionFailed, "It was changed since you saw it", "GET it again and decide anew"},
		{"too-large", http.StatusRequestEntityTooLarge, "The request is too large", "send less at once"},
		{"uri-too-long", http.StatusRequestURITooLong, "The address is too long", "ask for less at once"},
		{"unsupported-media-type", http.StatusUnsupportedMediaType, "The body is of a kind this path does not take", "send application/json, or application/octet-stream for an image"},
		{"invalid", http.StatusUnprocessableEntity, "The request is wrong as written", "correct what errors names; nothing was changed"},
		{"key-reused", http.StatusUnprocessableEntity, "The Idempotency-Key was given to another request", "make a new key for each new request"},
		{"precondition-required", http.StatusPreconditionRequired, "Say which state you have seen", "GET it and send its ETag as If-Match, or If-Match: * for whatever it is"},
		{"too-many-requests", http.StatusTooManyRequests, "Too many requests", "wait as long as Retry-After says"},
		{"too-many-keys", http.StatusTooManyRequests, "Too many Idempotency-Keys are kept", "send what is safe to repeat without a key"},
		{"too-many-streams", http.StatusTooManyRequests, "The caller follows too many streams", "end one of them: one stream of all, filtered by who reads it, serves many; an admin raises api.limits.streams_per_caller"},
		{"headers-too-large", http.StatusRequestHeaderFieldsTooLarge, "The headers are too large", "send fewer and shorter headers"},
		{"internal", http.StatusInternalServerError, "The server made a mistake", "look in the server's log for the request_id, and report it"},
		{"not-implemented", http.StatusNotImplemented, "The server does not know the method", "use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"},
		{"unreachable", http.StatusServiceUnavailable, "Something the server needs does not answer", "try again later"},
	}
}

// shapeOf finds a shape by its code, or the first of a status.
func shapeOf(code string, status int) shape {
	internal := shape{}
	for _, s := range shapes() {
		if s.code == code || code == "" && s.status == status {
			return s
		}
		if s.code == "internal" {
			internal = s
		}
	}
	return internal
}

// statusOf is where the kinds of fault meet HTTP.
func statusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Unreachable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// newProblem fills the shape of a status.
func newProblem(ctx context.Context, status int, detail, hint string) *problem {
	return shapeOf("", status).problem(ctx, detail, hint)
}

// coded fills the shape of a code.
func coded(ctx context.Context, code, detail, hint string) *problem {
	return shapeOf(code, 0).problem(ctx, detail, hint)
}

func (s shape) problem(ctx context.Context, detail, hint string) *problem {
	if hint == "" {
		hint = s.hint
	}
	return &problem{Problem: wire.Problem{Type: problemType + s.code, Code: s.code, Title: s.title, Status: s.status, Detail: detail, Hint: hint,
		RequestID: callOf(ctx).id}}
}

// refuse turns an error of a handler into a problem. What is our own fault is logged
// whole and told in general.
func (s *server) refuse(ctx context.Context, err error) error {
	if _, ok := errors.AsType[huma.StatusError](err); ok {
		return err
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Internal {
		if ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "request failed", "request_id", callOf(ctx).id, "error", err)
		}
		return newProblem(ctx, http.StatusInternalServerError, "the server could not do this", "")
	}
	p := newProblem(ctx, statusOf(f.Kind), f.Message, f.Hint)
	if errors.Is(err, store.ErrChanged) {
		p = coded(ctx, "precondition-failed", f.Message, f.Hint)
	}
	if by := callOf(ctx).caller.By; errors.Is(err, access.ErrLacking) && by != "" && by != access.ByCertificate { // RFC 6750 section 3.1
		p.header = http.Header{"Www-Authenticate": {challenge + `, error="insufficient_scope"`}}
	}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, badPart(located(field.Path), field.Message))
	}
	return p
}

// located is where a field stands in a request: what the domain names stands in the body.
func located(path string) string {
	first, _, _ := strings.Cut(path, ".")
	if path == "" || slices.Contains([]string{"body", "query", "path", "header", "cookie"}, first) || strings.HasPrefix(path, "body[") {
		return path
	}
	return "body." + path
}

// badPart says where something is wrong, in the body also by its pointer (RFC 6901).
func badPart(location, message string) wire.ProblemField {
	return wire.ProblemField{Location: location, Pointer: pointer(location), Message: message}
}

// pointer writes body.racks[0].machines[2].u as /racks/0/machines/2/u; a location of the
// domain stands in the body without saying so. What is in no body has none.
func pointer(location string) string {
	rest, inBody := strings.CutPrefix(location, "body")
	for _, outside := range []string{"query.", "path.", "header.", "cookie."} {
		if strings.HasPrefix(location, outside) {
			return ""
		}
	}
	if inBody && (rest == "" || rest[0] == '.' || rest[0] == '[') {
		location = strings.TrimPrefix(rest, ".")
	}
	if location == "" {
		return ""
	}
	location = strings.NewReplacer("~", "~0", "/", "~1").Replace(location)
	return "/" + strings.NewReplacer("].", "/", "][", "/", "[", "/", "]", "", ".", "/").Replace(location)
}

// asProblem gives huma's own refusals (validation, size, media type) the shape of all
// others. The offending values stay out of it: they may be secrets.
func (s *server) asProblem(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(ctx.Context(), m.Status, m.Detail, "")
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, badPart(e.Location, e.Message))
	}
	if len(p.Errors) > 0 {
		p.Detail = summary(p.Errors)
	}
	return p.Problem, nil
}

// summary puts bad parts in one line, the first few of them.
func summary(fields []wire.ProblemField) string {
	var parts []string
	for i, f := range fields {
		if i == 3 {
			parts = append(parts, "and more")
			break
		}
		parts = append(parts, strings.TrimPrefix(f.Location+": ", ": ")+f.Message)
	}
	return strings.Join(parts, "; ")
}

// write sends a problem from outside huma's routes.
func (p *problem) write(w http.ResponseWriter) {
	text, _ := json.Marshal(p.Problem) // strings and numbers only
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(p.Status)
	w.Write(append(text, '\n'))
}

// fail answers a plain route with an error.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if p, ok := errors.AsType[*problem](s.refuse(r.Context(), err)); ok {
		p.write(w)
	}
}

// ProblemCodes are all codes of problems, each behind its status.
func ProblemCodes() (out []string) {
	for _, s := range shapes() {
		out = append(out, strconv.Itoa(s.status)+" "+s.code)
	}
	return out
}

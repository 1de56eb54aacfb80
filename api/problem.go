package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/fault"
)

// problemType is the start of every problem's type.
const problemType = "urn:rackwright:problem:"

// problem is an error on its way out. huma takes its status and content type.
type problem struct{ wire.Problem }

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// retryAfter is when what does not answer now may be asked for again (RFC 9110 section
// 10.2.3), seconds.
const retryAfter = "5"

// GetHeaders are the headers that huma adds to the answer.
func (p *problem) GetHeaders() http.Header {
	if p.Status != http.StatusServiceUnavailable {
		return nil
	}
	return http.Header{"Retry-After": {retryAfter}}
}

// shape is the part of a problem that is the same each time.
type shape struct{ code, title, hint string }

// shapes says it for every status the interface answers with.
func shapes(status int) shape {
	switch status {
	case http.StatusBadRequest:
		return shape{"malformed", "The request cannot be read", "send one JSON document as the interface's description has it"}
	case http.StatusUnauthorized:
		return shape{"unauthenticated", "Who is asking?", "send 'Authorization: Bearer TOKEN'; the first server start writes an admin token to admin.token in its state directory"}
	case http.StatusForbidden:
		return shape{"denied", "Not allowed", "ask an admin for a token with a wider role"}
	case http.StatusNotFound:
		return shape{"not-found", "There is no such thing", ""}
	case http.StatusMethodNotAllowed:
		return shape{"method-not-allowed", "The path does not take this method", "use a method of the Allow header"}
	case http.StatusNotAcceptable:
		return shape{"not-acceptable", "No such representation", "accept application/json"}
	case http.StatusConflict:
		return shape{"conflict", "True, but not now", ""}
	case http.StatusRequestEntityTooLarge:
		return shape{"too-large", "The request is too large", "send less at once"}
	case http.StatusUnsupportedMediaType:
		return shape{"unsupported-media-type", "The body is of a kind this path does not take", "send application/json, or application/octet-stream for an image"}
	case http.StatusUnprocessableEntity:
		return shape{"invalid", "The request is wrong as written", "correct what errors names; nothing was changed"}
	case http.StatusServiceUnavailable:
		return shape{"unreachable", "Something the server needs does not answer", "try again later"}
	case http.StatusRequestTimeout:
		return shape{"timeout", "The request came too slowly", "send it again"}
	}
	return shape{"internal", "The server made a mistake", "look in the server's log for the request_id, and report it"}
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
	s := shapes(status)
	if s.code == "internal" {
		status = http.StatusInternalServerError
	}
	if hint == "" {
		hint = s.hint
	}
	return &problem{wire.Problem{Type: problemType + s.code, Title: s.title, Status: status, Detail: detail, Hint: hint,
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
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, wire.ProblemField{Location: field.Path, Message: field.Message})
	}
	return p
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
		p.Errors = append(p.Errors, wire.ProblemField{Location: e.Location, Message: e.Message})
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

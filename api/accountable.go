package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fault"
)

// quiet are the unsafe routes that are entered only when they are refused, and why.
func quiet(route string) string {
	switch route {
	case "diff-plan", "preview-machine":
		return "changes nothing"
	case "beat-cache":
		return "comes every few seconds from each cache"
	case "continue-image-upload":
		return "is a part of an upload whose beginning is entered"
	}
	if opens(route) {
		return "comes from nobody until it is known who it is: the handler enters it then"
	}
	return ""
}

// opens reports whether a route lets somebody in: every try that fails is a refusal.
func opens(route string) bool { return route == "open-session" || route == "open-rack-session" }

// note is what the audit is to know of a request.
type note struct {
	asked         int64 // seq of its entry; 0: none yet
	route         string
	kind          string // of the target
	target        string
	targetID      string
	before, after map[string]any
	parts         []part
	body          capture
	enter         func() error // as asked, when a handler finds out who asks

	method, path, query, ifMatch, reason string
	approval                             *approved // of a request that waited for a second person
}

// dry reports whether the query says that nothing is to be changed.
func (n *note) dry() bool {
	q, err := url.ParseQuery(n.query)
	return err == nil && q.Get("dry_run") == "true"
}

// part is what became of one machine of a request for many: an entry of its own, so that
// who looks for the machine finds it.
type part struct {
	machine, id string
	status      int
	operation   string
}

// remark tells the audit the short state of what a request changes, before and after; nil
// leaves what is known. No secret may be in it.
func (s *server) remark(ctx context.Context, before, after any) {
	n := &callOf(ctx).note
	if m := audit.State(before); m != nil {
		n.before = m
	}
	if m := audit.State(after); m != nil {
		n.after = m
	}
}

// concerns names what a request without a name in its path is about.
func (s *server) concerns(ctx context.Context, kind, name, id string) {
	n := &callOf(ctx).note
	n.kind, n.target, n.targetID = kind, kind+"/"+name, id
}

// why is the reason of a request: of its header, else of its body.
func (n *note) why() string { return cmp.Or(n.reason, n.body.said().Reason) }

// unsafe reports whether a method may change something (RFC 9110 section 9.2.1).
func unsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// accountable enters in the audit how each request that may change something was answered,
// before the answer goes out.
func (s *server) accountable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &callOf(r.Context()).note
		n.method, n.path, n.query = r.Method, strings.TrimPrefix(r.URL.EscapedPath(), wire.Prefix), r.URL.RawQuery
		n.ifMatch, n.reason, n.approval = r.Header.Get("If-Match"), r.Header.Get(wire.ReasonHeader), approvedOf(r.Context())
		if n.route = s.routeOf(r, n); !unsafe(r.Method) || n.route == "" {
			next.ServeHTTP(w, r)
			return
		}
		if r.Body != nil && !strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "octet-stream") {
			n.body.from = r.Body
			r.Body = &n.body
		}
		rec := &entering{recorder: recorder{ResponseWriter: w}}
		rec.enter = sync.OnceFunc(func() { s.enterAnswer(r, rec.status, w.Header()) })
		ended := false
		defer func() {
			if !ended { // a panic
				rec.status = http.StatusInternalServerError
			}
			rec.enter()
		}()
		next.ServeHTTP(rec, r)
		ended = true
	})
}

// entering enters an answer before any of it is sent, also when its handler goes on after it.
type entering struct {
	recorder
	enter func()
}

// FlushError is http.ResponseController's.
func (e *entering) FlushError() error {
	e.enter()
	return http.NewResponseController(e.ResponseWriter).Flush()
}

// entered enters a request as asked, now that it is known who asks. What cannot be entered
// is not done. What the caller may nowhere do is entered once it is refused, and not each time.
func (s *server) entered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		n := &callOf(ctx).note
		n.enter = func() error { return s.enterAsked(r) }
		if unsafe(r.Method) && n.route != "" && quiet(n.route) == "" && needOf(n.route).mayAtAll(callOf(ctx).caller) == nil {
			if err := n.enter(); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) enterAsked(r *http.Request) error {
	ctx := r.Context()
	n := &callOf(ctx).note
	s.lookAt(ctx, n, &n.before)
	e := s.entry(r, audit.Asked)
	e.Before = n.before
	e, err := s.Store.AppendAudit(ctx, e)
	if err != nil {
		s.Log.ErrorContext(ctx, "the audit cannot be written", "request_id", callOf(ctx).id, "error", err)
		return fault.Unreachablef("the audit cannot be written, so nothing was done").WithHint("try again; 'rackwright serve' logs why")
	}
	n.asked = e.Seq
	return nil
}

// enterLimit is how long the entry of an answer is tried.
const enterLimit = 10 * time.Second

// enterAnswer enters how a request was answered, even when its caller is gone. One that was
// never entered as asked is entered when nobody known sent it, its role forbids it, or it
// let nobody in.
func (s *server) enterAnswer(r *http.Request, status int, told http.Header) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), enterLimit)
	defer cancel()
	n := &callOf(ctx).note
	stage := audit.Answered
	if n.asked == 0 {
		if status != http.StatusUnauthorized && status != http.StatusForbidden && (status < 400 || !opens(n.route)) {
			return
		}
		unwritten, ok := s.refusals.take(callOf(ctx).caller.ID, s.Now())
		if !ok {
			return
		}
		if stage = audit.Refused; unwritten > 0 {
			n.after = map[string]any{"refusals_not_entered": unwritten}
		}
	} else if status < 300 && n.after == nil {
		s.lookAt(ctx, n, &n.after)
	}
	e := s.entry(r, stage)
	e.Asks, e.Status, e.Before, e.After = n.asked, status, n.before, n.after
	e.Reason = n.why()
	if n.body.said().DryRun || n.dry() {
		e.After = with(e.After, "dry_run", true)
	}
	if at := told.Get("Location"); at != "" {
		e.After = with(e.After, "location", strings.TrimPrefix(at, wire.Prefix))
	}
	if told.Get("Idempotency-Replayed") != "" { // nothing was done again
		e.After = with(e.After, "replayed", true)
	}
	if err := s.Store.AppendAudits(ctx, append([]audit.Record{e}, ofParts(e, n.parts)...)); err != nil {
		s.Log.ErrorContext(ctx, "the audit misses how a request was answered", "request_id", e.Request, "actor", e.Actor, "route", e.Route, "target", e.Target,
			"status", status, "asked", n.asked, "error", err)
	}
}

// ofParts are the entries of the machines of a request for many, after its own.
func ofParts(e audit.Record, parts []part) (out []audit.Record) {
	for _, p := range parts {
		e.Target, e.TargetID, e.Status, e.Before, e.After = "machine/"+p.machine, p.id, p.status, nil, nil
		if p.operation != "" {
			e.After = map[string]any{"operation": p.operation}
		}
		out = append(out, e)
	}
	return out
}

func with(m map[string]any, key string, v any) map[string]any {
	out := map[string]any{key: v}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// entry starts the entry of a request.
func (s *server) entry(r *http.Request, stage audit.Stage) audit.Record {
	c := callOf(r.Context())
	e := audit.Record{At: s.Now(), Stage: stage, Actor: c.caller.Name, Token: c.caller.ID, Role: string(c.caller.Role), Request: c.id, Method: r.Method,
		Route: c.note.route, Path: strings.TrimPrefix(r.URL.Path, wire.Prefix), Target: c.note.target, TargetID: c.note.targetID,
		Reason: c.note.reason}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		e.Address = host
	}
	if c.note.approval != nil {
		e.Approval, e.Approver = c.note.approval.ID, c.note.approval.By
	}
	return e
}

// routeOf is the operation id of the route that a request will take, "" for none; the note
// is told of the target that its path names.
func (s *server) routeOf(r *http.Request, n *note) string {
	at := chi.RouteContext(r.Context())
	if at == nil || !unsafe(r.Method) {
		return ""
	}
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	found := chi.NewRouteContext()
	if !at.Routes.Match(found, r.Method, path) {
		return ""
	}
	pattern := found.RoutePattern()
	n.kind, n.target = targetOf(pattern, found.URLParams)
	return s.operationAt(r.Method, pattern)
}

// operationAt is the operation id of a route, "" for none.
func (s *server) operationAt(method, pattern string) string {
	item := s.huma.OpenAPI().Paths[pattern]
	if item == nil {
		return ""
	}
	o := map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete}[method]
	if o == nil {
		return ""
	}
	return o.OperationID
}

// capture remembers a JSON body while it is read, for its reason and for requests that wait
// for a second person.
type capture struct {
	from io.ReadCloser
	text bytes.Buffer
	over bool // longer than is remembered
}

func (c *capture) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	if c.text.Len()+n > wire.MaxBody {
		c.over = true
		c.text = bytes.Buffer{}
	}
	if !c.over {
		c.text.Write(b[:n])
	}
	return n, err
}

// Close implements io.Closer.
func (c *capture) Close() error { return c.from.Close() }

// said are the members of bodies that the audit reads.
type said struct {
	Reason string `json:"reason"`
	DryRun bool   `json:"dry_run"`
}

func (c *capture) said() (v said) {
	if c.text.Len() == 0 || json.Unmarshal(c.text.Bytes(), &v) != nil {
		return said{}
	}
	return v
}

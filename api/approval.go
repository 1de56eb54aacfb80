package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// approvalStore keeps what waits for a second person.
type approvalStore interface {
	// Weigh counts a destructive request of a caller; one that is too much is kept and returned.
	Weigh(ctx context.Context, a audit.Approval, over int, request []byte) (*audit.Approval, error)
	// Approvals are newest first.
	Approvals(ctx context.Context, f store.ApprovalFilter) ([]audit.Approval, error)
	Approval(ctx context.Context, id string) (*audit.Approval, error)
	// DecideApproval is Conflict once somebody has decided, Denied for who asked.
	DecideApproval(ctx context.Context, id string, who audit.Person, reason string, approve bool) (*audit.Approval, []byte, error)
	FinishApproval(ctx context.Context, id string, status int, location string) (*audit.Approval, error)
	Token(ctx context.Context, idOrName string) (*access.Token, error)
}

// keptRequest is a request as it is sealed.
type keptRequest struct {
	Query   string        `json:"query"`
	IfMatch string        `json:"if_match"`
	Reason  string        `json:"reason"`
	Body    string        `json:"body"`
	Caller  access.Caller `json:"caller"`
}

// approved is a request that a second person approved.
type approved struct {
	audit.Approval
	caller access.Caller
}

type approvedKey struct{}

// approvedOf is the approval that a request is done by; nil for one that came in by a
// socket.
func approvedOf(ctx context.Context) *approved {
	a, _ := ctx.Value(approvedKey{}).(*approved)
	return a
}

// second is nil when the caller may destroy so many machines alone. Else the request is
// kept until a second person approves it, and the returned error is the answer. Handlers
// of what destroys ask it when nothing else speaks against the request.
func (s *server) second(ctx context.Context, touched ...audit.Touched) error {
	c, machines := callOf(ctx), len(touched)
	if a := c.note.approval; a != nil {
		if beyond := a.Beyond(touched); len(beyond) > 0 {
			return fault.Conflictf("the request touches %s now, and did not when it was asked", firstOf(beyond)).WithHint("it is to be asked again")
		}
		return nil
	}
	if s.TwoPersonsOver <= 0 || machines <= 0 {
		return nil
	}
	if c.note.body.over {
		return fault.Invalidf("the request is too long to be kept for a second person").WithHint("ask for fewer machines at once")
	}
	request, err := json.Marshal(keptRequest{Query: c.note.query, IfMatch: c.note.ifMatch, Reason: c.note.reason, Body: c.note.body.text.String(), Caller: c.caller})
	if err != nil {
		return fault.Internalf("keep request: %w", err)
	}
	who := personOf(c.caller)
	kept, err := s.Store.Weigh(ctx, audit.Approval{Actor: who.Name, CallerID: who.CallerID, Owner: who.Owner, Subject: who.Subject, Role: string(c.caller.Role), Route: c.note.route,
		Method: c.note.method, Path: c.note.path, Machines: machines, Touched: touched, Asks: s.asks(&c.note.body), Reason: c.note.why()}, s.TwoPersonsOver, request)
	if err != nil || kept == nil {
		return err
	}
	s.remark(ctx, nil, map[string]any{"waits_for_a_second_person": kept.ID, "machines": machines})
	return &keptAnswer{*kept}
}

// personOf is who stands behind a caller.
func personOf(c access.Caller) audit.Person {
	return audit.Person{Name: c.Name, CallerID: c.ID, Owner: c.Owner, Subject: c.Subject}
}

// firstOf names a few of many.
func firstOf(names []string) string {
	const few = 5
	if more := len(names) - few; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), more)
	}
	return strings.Join(names, ", ")
}

// asks is what a body asked, for the eyes of a second person. What the interface's
// description says is only written is hidden, wherever it stands.
func (s *server) asks(c *capture) map[string]any {
	var m map[string]any
	if json.Unmarshal(c.text.Bytes(), &m) != nil {
		return nil
	}
	written := map[string]bool{}
	for _, schema := range s.huma.OpenAPI().Components.Schemas.Map() {
		for name, p := range schema.Properties {
			if p.WriteOnly {
				written[name] = true
			}
		}
	}
	hideMembers(m, written)
	return audit.State(m)
}

func hideMembers(v any, names map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if names[name] {
				v[name] = "(hidden)"
				continue
			}
			hideMembers(member, names)
		}
	case []any:
		for _, one := range v {
			hideMembers(one, names)
		}
	}
}

func touchedOf(m *inventory.Machine) audit.Touched { return audit.Touched{ID: m.ID, Name: m.Name} }

// destroyed are the machines that lose what is on their disks by some tasks: by erasing, by
// leave to overwrite, or because another system takes the place of one that is in use.
func destroyed(tasks ...task) (out []audit.Touched) {
	for _, t := range tasks {
		inUse := t.kind == deploy.Deploy && t.machine != nil && t.machine.Phase == inventory.Active && t.order.Image != ""
		if t.kind == deploy.Erase || len(t.order.Overwrite) > 0 || inUse {
			out = append(out, touchedOf(t.machine))
		}
	}
	return out
}

// secondOf is second for what can be begun of many. Where all or none are, one that cannot
// be begun ends the request, and nobody is asked.
func (s *server) secondOf(ctx context.Context, items []item, mode string, dry bool) error {
	var tasks []task
	for _, it := range items {
		if it.err == nil {
			tasks = append(tasks, it.task)
		}
	}
	if dry || mode == "all" && len(tasks) < len(items) {
		return nil
	}
	return s.second(ctx, destroyed(tasks...)...)
}

// keptAnswer is the answer to a request that was kept: 202, and where it waits.
type keptAnswer struct{ audit.Approval }

// Error implements error.
func (k *keptAnswer) Error() string { return "the request waits for a second person" }

// GetStatus is huma's.
func (k *keptAnswer) GetStatus() int { return http.StatusAccepted }

// GetHeaders is huma's.
func (k *keptAnswer) GetHeaders() http.Header {
	return http.Header{"Location": {wire.Prefix + "/approvals/" + k.ID}}
}

// ApprovalIn names an approval. Exported because huma fills only exported embedded structs.
type ApprovalIn struct {
	Approval string `path:"approval" minLength:"1" maxLength:"64" doc:"Approval id"`
}

type approvalsIn struct {
	Waiting bool `query:"waiting" doc:"Only those that wait"`
	PageIn
}

func (s *server) approvals() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"approvals"}; return o }
	route(s, tag(op("GET", "/approvals", "list-approvals", "Destructive requests that waited, or wait, for a second person, newest first")),
		func(ctx context.Context, in *approvalsIn) (*body[wire.List[audit.Approval]], error) {
			asked := byTime("-asked", func(a *audit.Approval) (time.Time, string) { return a.Asked, a.ID })
			return keyset(ctx, in.BehindIn, in.Limit, asked, func(p store.Page) ([]audit.Approval, error) {
				return s.Store.Approvals(ctx, store.ApprovalFilter{Waiting: in.Waiting, Page: p})
			})
		})
	route(s, tag(op("GET", "/approvals/{approval}", "get-approval", "One of them")), func(ctx context.Context, in *ApprovalIn) (*body[*audit.Approval], error) {
		return approvalBody(s.Store.Approval(ctx, in.Approval))
	})
	route(s, tag(op("POST", "/approvals/{approval}/approve", "approve-request", "Have the request done as it was asked; another person than who asked")), s.approve)
	route(s, tag(op("POST", "/approvals/{approval}/refuse", "refuse-request", "Drop the request; who asked may do so too")), func(ctx context.Context, in *struct {
		ApprovalIn
		Body *wire.Decision
	}) (*body[*audit.Approval], error) {
		a, _, err := s.decide(ctx, in.Approval, in.Body, false)
		return approvalBody(a, err)
	})
}

func approvalBody(a *audit.Approval, err error) (*body[*audit.Approval], error) {
	if err != nil {
		return nil, err
	}
	return &body[*audit.Approval]{a}, nil
}

func (s *server) decide(ctx context.Context, id string, d *wire.Decision, approve bool) (*audit.Approval, []byte, error) {
	reason := callOf(ctx).note.reason
	if d != nil {
		reason = cmp.Or(reason, d.Reason)
	}
	was, err := s.Store.Approval(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	a, request, err := s.Store.DecideApproval(ctx, id, personOf(callOf(ctx).caller), reason, approve)
	if err == nil {
		s.remark(ctx, was, a)
	}
	return a, request, err
}

// approve does what was asked, as who asked it.
func (s *server) approve(ctx context.Context, in *struct {
	ApprovalIn
	Body *wire.Decision
}) (*body[*audit.Approval], error) {
	a, text, err := s.decide(ctx, in.Approval, in.Body, true)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // who approved need not stay to see it done
	var request keptRequest
	if err := json.Unmarshal(text, &request); err != nil {
		return nil, fault.Internalf("approval %s: the kept request cannot be read: %w", a.ID, err)
	}
	status, location := http.StatusForbidden, ""
	if err := s.stillGood(ctx, request.Caller); err == nil {
		status, location = s.replay(ctx, a, request)
	} else if !fault.Is(err, fault.Denied) {
		return nil, err
	}
	out, err := s.Store.FinishApproval(ctx, a.ID, status, location)
	if err == nil {
		s.remark(ctx, nil, out)
	}
	return approvalBody(out, err)
}

// stillGood is Denied when who asked would not be let in any more.
func (s *server) stillGood(ctx context.Context, who access.Caller) error {
	gone := fault.Deniedf("the credential of %s is good no more", who.Name)
	if !who.Expires.IsZero() && !s.Now().Before(who.Expires) {
		return gone
	}
	t, err := s.Store.Token(ctx, who.ID)
	if fault.Is(err, fault.NotFound) {
		return gone
	}
	if err != nil {
		return err
	}
	if !t.Revoked.IsZero() || !t.Expires.IsZero() && !s.Now().Before(t.Expires) || t.Role != who.Role {
		return gone
	}
	return nil
}

// replay sends a kept request through the whole interface again.
func (s *server) replay(ctx context.Context, a *audit.Approval, kept keptRequest) (status int, location string) {
	ctx = context.WithValue(afresh{ctx}, approvedKey{}, &approved{*a, kept.Caller})
	target := wire.Prefix + a.Path
	if kept.Query != "" {
		target += "?" + kept.Query
	}
	r, err := http.NewRequestWithContext(ctx, a.Method, target, strings.NewReader(kept.Body))
	if err != nil {
		return http.StatusInternalServerError, ""
	}
	r.Header.Set("X-Request-Id", callOf(ctx).id)
	for name, value := range map[string]string{"Content-Type": "application/json", "If-Match": kept.IfMatch, wire.ReasonHeader: kept.Reason} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if kept.Body == "" {
		r.Body = http.NoBody
		r.Header.Del("Content-Type")
	}
	w := &unsent{header: http.Header{}}
	s.mux.ServeHTTP(w, r)
	return w.status, strings.TrimPrefix(w.header.Get("Location"), wire.Prefix)
}

// unsent takes an answer that goes to nobody.
type unsent struct {
	header http.Header
	status int
}

func (u *unsent) Header() http.Header { return u.header }

func (u *unsent) WriteHeader(status int) {
	if u.status == 0 {
		u.status = status
	}
}

func (u *unsent) Write(b []byte) (int, error) {
	u.WriteHeader(http.StatusOK)
	return len(b), nil
}

package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fault"
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

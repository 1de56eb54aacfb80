package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fault"
	"rackwright/store"
)

// auditStore is who did what.
type auditStore interface {
	// AppendAudit puts an entry behind the chain.
	AppendAudit(ctx context.Context, e audit.Record) (audit.Record, error)
	// AppendAudits puts some behind it, together.
	AppendAudits(ctx context.Context, all []audit.Record) error
	Audit(ctx context.Context, f store.AuditFilter) ([]audit.Record, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

type auditIn struct {
	Actor   string    `query:"actor" maxLength:"128" doc:"Only what this one asked"`
	Target  string    `query:"target" maxLength:"256" doc:"Only what was done to this, like machine/r1-u10, or an id"`
	Route   string    `query:"route" maxLength:"64" doc:"Only of this operation id"`
	Since   time.Time `query:"since" doc:"Only from this time on"`
	Until   time.Time `query:"until" doc:"Only before this time"`
	Open    bool      `query:"open" doc:"Only what was asked and never answered: the server stopped in the middle"`
	Newest  bool      `query:"newest" doc:"Newest first, as sort=-seq"`
	Request string    `query:"request" maxLength:"128" doc:"Only of the request of this id"`
	Limit   int       `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"At most so many"`
	BehindIn
}

type auditExportIn struct {
	After int64 `query:"after" minimum:"0" doc:"Only entries behind this number"`
	Until int64 `query:"through" minimum:"0" doc:"Only entries up to this number; 0 is the last there is when it is asked"`
}

func (s *server) auditing() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"audit"}; return o }
	route(s, tag(op("GET", "/audit", "list-audit", "Who did what to what, when, from where and why")), s.listAudit)
	route(s, tag(op("GET", "/audit/head", "audit-head", "Where the chain of the audit ends, signed; kept elsewhere, it shows later that nothing was cut off or written anew")),
		func(ctx context.Context, _ *struct{}) (*body[audit.Anchor], error) {
			head, err := s.Store.AuditHead(ctx)
			if err != nil {
				return nil, err
			}
			if s.AuditKey == nil {
				return &body[audit.Anchor]{audit.Anchor{Seq: head.Seq, Hash: head.Hash, At: s.Now().UTC()}}, nil
			}
			a, err := audit.Sign(head, s.Now(), s.AuditKey)
			return &body[audit.Anchor]{a}, err
		})
	export := tag(op("GET", "/audit/export", "export-audit", "The audit as JSON lines, oldest first"))
	export.Responses = map[string]*huma.Response{"200": {
		Description: "An entry a line, in the form of RFC 8785: what hash is over, and hash. An export that breaks off ends without the last chunk",
		Content:     map[string]*huma.MediaType{"application/jsonl": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	route(s, export, s.exportAudit)
}

func (s *server) listAudit(ctx context.Context, in *auditIn) (*body[wire.List[audit.Record]], error) {
	f := store.AuditFilter{Actor: in.Actor, Target: in.Target, Route: in.Route, Request: in.Request, Since: in.Since, Until: in.Until, Open: in.Open}
	usual := "seq"
	if in.Newest {
		usual = "-seq"
	}
	return keyset(ctx, in.BehindIn, in.Limit, byNumber(usual, func(e *audit.Record) int64 { return e.Seq }), func(p store.Page) ([]audit.Record, error) {
		seen, err := number(ctx, p)
		if f.Limit, f.Newest = p.Limit, strings.HasPrefix(p.Sort, "-"); f.Newest {
			f.Below = seen
		} else {
			f.After = seen
		}
		if err != nil {
			return nil, err
		}
		return s.Store.Audit(ctx, f)
	})
}

// exportStep is how many entries of an export are in memory at a time.
const exportStep = 500

func (s *server) exportAudit(ctx context.Context, in *auditExportIn) (*huma.StreamResponse, error) {
	through := in.Until
	if through == 0 {
		head, err := s.Store.AuditHead(ctx)
		if err != nil {
			return nil, err
		}
		through = head.Seq
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		r, w := humachi.Unwrap(c)
		w.Header().Set("Content-Type", "application/jsonl")
		w.WriteHeader(http.StatusOK)
		if err := s.writeAudit(r.Context(), w, in.After, through); err != nil {
			if r.Context().Err() == nil {
				s.Log.ErrorContext(ctx, "export of the audit", "request_id", callOf(ctx).id, "error", err)
			}
			panic(http.ErrAbortHandler) // the reader must see that it is not whole
		}
	}}, nil
}

func (s *server) writeAudit(ctx context.Context, w http.ResponseWriter, after, through int64) error {
	for after < through {
		page, err := s.Store.Audit(ctx, store.AuditFilter{After: after, Below: through + 1, Limit: exportStep})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil // it was cut: who verifies sees it
		}
		var text []byte
		for _, e := range page {
			line, err := e.Line()
			if err != nil {
				return fault.Internalf("entry %d: %w", e.Seq, err)
			}
			text = append(text, line...)
			after = e.Seq
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

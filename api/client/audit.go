package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fault"
)

// AuditQuery narrows a list of entries; empty fields do not.
type AuditQuery struct {
	Actor, Target, Route string
	Request              string // its id
	Since, Until         time.Time
	Open                 bool // only what was never answered
	Newest               bool // newest first
	Limit                int  // 0: all
}

func timeOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Audit returns entries of the audit.
func (c *Client) Audit(ctx context.Context, q AuditQuery) ([]audit.Record, error) {
	return most[audit.Record](ctx, c, q.Limit, "/audit", query("actor", q.Actor, "target", q.Target, "route", q.Route, "request", q.Request,
		"since", timeOf(q.Since), "until", timeOf(q.Until), "open", flag(q.Open), "newest", flag(q.Newest)))
}

// AuditHead returns where the chain of the audit ends, signed.
func (c *Client) AuditHead(ctx context.Context) (audit.Anchor, error) {
	return call[audit.Anchor](ctx, c, http.MethodGet, "/audit/head", nil, nil)
}

// ExportAudit returns the entries behind a number as JSON lines, to be read to the end: one
// that breaks off ends in an error.
func (c *Client) ExportAudit(ctx context.Context, after int64) (io.ReadCloser, error) {
	r, err := c.request(ctx, http.MethodGet, "/audit/export", query("after", number(after)), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jsonl")
	answer, err := c.do(r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// Approvals returns destructive requests that waited for a second person, the newest
// so many first; 0: all.
func (c *Client) Approvals(ctx context.Context, waiting bool, limit int) ([]audit.Approval, error) {
	return most[audit.Approval](ctx, c, limit, "/approvals", query("waiting", flag(waiting)))
}

func approvalPath(id, rest string) string { return "/approvals/" + url.PathEscape(id) + rest }

// Approval returns one of them.
func (c *Client) Approval(ctx context.Context, id string) (audit.Approval, error) {
	return call[audit.Approval](ctx, c, http.MethodGet, approvalPath(id, ""), nil, nil)
}

// Approve has a request done.
func (c *Client) Approve(ctx context.Context, id, reason string) (audit.Approval, error) {
	return call[audit.Approval](ctx, c, http.MethodPost, approvalPath(id, "/approve"), nil, wire.Decision{Reason: reason})
}

// RefuseRequest drops a request.
func (c *Client) RefuseRequest(ctx context.Context, id, reason string) (audit.Approval, error) {
	return call[audit.Approval](ctx, c, http.MethodPost, approvalPath(id, "/refuse"), nil, wire.Decision{Reason: reason})
}

// ExplainDHCP says what a DHCP message would be answered; the parameters are those of the
// route, by name.
func (c *Client) ExplainDHCP(ctx context.Context, q url.Values) (wire.DHCPExplained, error) {
	return call[wire.DHCPExplained](ctx, c, http.MethodGet, "/dhcp/explain", q, nil)
}

// ExplainBoot says which script a loader would be given.
func (c *Client) ExplainBoot(ctx context.Context, q url.Values) (wire.BootExplained, error) {
	return call[wire.BootExplained](ctx, c, http.MethodGet, "/boot/explain", q, nil)
}

// Because gives the reason of all changes that follow, for the audit.
func (c *Client) Because(reason string) {
	c.reason = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f { // no header field has them (RFC 9110 section 5.5)
			return ' '
		}
		return r
	}, reason)
}

// kept is the fault of a request that was not done: it waits for a second person. It is
// told by where the answer says to look.
func kept(answer *http.Response) error {
	id, ok := strings.CutPrefix(answer.Header.Get("Location"), wire.Prefix+"/approvals/")
	if answer.StatusCode != http.StatusAccepted || !ok {
		return nil
	}
	return fault.Conflictf("not done: it touches more machines than one person may destroy alone, and waits for a second as approval %s", id).
		WithHint("another person who may destroy runs 'rackwright approval approve %s' within %d h", id, int(audit.ApprovalTime.Hours()))
}

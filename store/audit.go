package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rackwright/audit"
	"rackwright/fault"
)

// AuditFilter narrows a list of entries; empty fields do not.
type AuditFilter struct {
	After   int64 // seq greater than this
	Below   int64 // seq less than this
	Actor   string
	Target  string // like machine/r1-u10, or an id
	Route   string
	Request string // its id
	Since   time.Time
	Until   time.Time // before this
	Open    bool      // only what was asked and not answered
	Newest  bool      // newest first instead of oldest first
	Limit   int       // 0: 100
}

// AppendAudit puts an entry behind the chain and returns it with its number and hashes. All
// instances on a database make one chain: whoever appends holds the row of its head.
func (db *DB) AppendAudit(ctx context.Context, e audit.Record) (audit.Record, error) {
	return db.appendAudits(ctx, []audit.Record{e})
}

// AppendAudits puts entries behind the chain, all or none.
func (db *DB) AppendAudits(ctx context.Context, all []audit.Record) error {
	_, err := db.appendAudits(ctx, all)
	return err
}

// appendAudits returns the last.
func (db *DB) appendAudits(ctx context.Context, all []audit.Record) (out audit.Record, err error) {
	err = db.tx(ctx, func(tx *txn) error {
		var head audit.Head
		err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit_head`+db.dialect.lock).Scan(&head.Seq, &head.Hash)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.At.IsZero() {
				e.At = db.now()
			}
			if out, head, err = head.Follow(e); err != nil {
				return err
			}
			if err := insertAudit(ctx, tx, &out); err != nil {
				return err
			}
			if _, err = exec(ctx, tx, `UPDATE audit_head SET seq = $1, hash = $2`, head.Seq, head.Hash); err != nil { // by one, as the schema holds it
				return err
			}
		}
		return nil
	})
	return out, err
}

func insertAudit(ctx context.Context, tx *txn, e *audit.Record) error {
	before, err := audit.Canonical(e.Before)
	if err != nil {
		return err
	}
	after, err := audit.Canonical(e.After)
	if err != nil {
		return err
	}
	_, err = exec(ctx, tx, `INSERT INTO audit (seq, at, stage, asks, actor, token_id, role, address, request_id, approval_id, approved_by, method, route, path,
		target, target_id, status, reason, state_before, state_after, prev, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		e.Seq, e.At, e.Stage, e.Asks, e.Actor, e.Token, e.Role, e.Address, e.Request, e.Approval, e.Approver, e.Method, e.Route, e.Path,
		e.Target, e.TargetID, e.Status, e.Reason, string(before), string(after), e.Prev, e.Hash)
	return err
}

// AuditHead is where the chain ends.
func (db *DB) AuditHead(ctx context.Context) (h audit.Head, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT seq, hash FROM audit_head`).Scan(&h.Seq, &h.Hash)
	return h, db.fault(err)
}

// Audit lists entries.
func (db *DB) Audit(ctx context.Context, f AuditFilter) ([]audit.Record, error) {
	where, args := []string{"seq > $1"}, []any{f.After}
	arg := func(on bool, clause string, v any) {
		if on {
			args = append(args, v)
			where = append(where, strings.ReplaceAll(clause, "$?", fmt.Sprintf("$%d", len(args))))
		}
	}
	arg(f.Below > 0, "seq < $?", f.Below)
	arg(f.Actor != "", "actor = $?", f.Actor)
	arg(f.Target != "", "(target = $? OR target_id = $?)", f.Target)
	arg(f.Route != "", "route = $?", f.Route)
	arg(f.Request != "", "request_id = $? AND request_id <> ''", f.Request)
	arg(!f.Since.IsZero(), "at >= $?", f.Since.UTC())
	arg(!f.Until.IsZero(), "at < $?", f.Until.UTC())
	if f.Open {
		where = append(where, "stage = 'asked' AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.asks = audit.seq AND a.asks > 0)")
	}
	order := "seq"
	if f.Newest {
		order = "seq DESC"
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	out, err := collect(ctx, db.sql, readAudit, `SELECT seq, at, stage, asks, actor, token_id, role, address, request_id, approval_id, approved_by, method, route, path,
		target, target_id, status, reason, state_before, state_after, prev, hash FROM audit WHERE `+
		strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY %s LIMIT %d", order, f.Limit), args...)
	return out, db.fault(err)
}

func readAudit(scan func(...any) error) (e audit.Record, err error) {
	err = scan(&e.Seq, asTime{&e.At}, &e.Stage, &e.Asks, &e.Actor, &e.Token, &e.Role, &e.Address, &e.Request, &e.Approval, &e.Approver, &e.Method, &e.Route, &e.Path,
		&e.Target, &e.TargetID, &e.Status, &e.Reason, asJSON{&e.Before}, asJSON{&e.After}, &e.Prev, &e.Hash)
	if err != nil {
		err = fault.Internalf("entry %d of the audit cannot be read: %w", e.Seq, err)
	}
	return e, err
}

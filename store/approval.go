package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"rackwright/audit"
	"rackwright/fault"
	"rackwright/journal"
)

// Sum of destructive requests: within this time they count together.
const destructionWindow = time.Hour

// maxWaiting bounds the requests of one caller that wait for a second person.
const maxWaiting = 100

// ApprovalFilter narrows a list of approvals.
type ApprovalFilter struct {
	Waiting bool // only those that wait
	Page
}

// Weigh counts a destructive request on a.Machines machines. When it and what the same
// caller destroyed within the last hour are more than over, the request is not counted but
// kept, sealed, until a second person decides, and the kept approval is returned; nil means
// that the caller may go on. Requests are weighed one at a time.
func (db *DB) Weigh(ctx context.Context, a audit.Approval, over int, request []byte) (*audit.Approval, error) {
	var kept *audit.Approval
	err := db.tx(ctx, func(tx *txn) error {
		kept = nil
		if _, err := db.lock(ctx, tx, `SELECT 1 FROM audit_head`); err != nil {
			return err
		}
		now := db.now()
		if _, err := exec(ctx, tx, `DELETE FROM destruction WHERE at <= $1`, now.Add(-destructionWindow)); err != nil {
			return err
		}
		var sum int
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(sum(machines), 0) FROM destruction
			WHERE actor = $1 OR caller_id = $2 OR owner = $3 OR subject = $4 AND subject <> ''`, a.Actor, a.CallerID, person(a), a.Subject).Scan(&sum); err != nil {
			return err
		}
		if sum+a.Machines > over {
			one := a
			kept = &one
			return db.keep(ctx, tx, kept, now, request)
		}
		_, err := exec(ctx, tx, `INSERT INTO destruction (id, actor, caller_id, machines, at, owner, subject) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			newID(), a.Actor, a.CallerID, a.Machines, now, person(a), a.Subject)
		return err
	})
	if kept != nil {
		db.events.wake(everything)
	}
	return kept, err
}

// person is the name that destructions of one person are summed by.
func person(a audit.Approval) string { return strings.ToLower(cmp.Or(a.Owner, a.Actor)) }

func (db *DB) keep(ctx context.Context, tx *txn, a *audit.Approval, now time.Time, request []byte) error {
	var waiting int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM approval WHERE caller_id = $1 AND state = 'waiting' AND expires_at > $2`, a.CallerID, now).Scan(&waiting); err != nil {
		return err
	}
	if waiting >= maxWaiting {
		return fault.Conflictf("%d requests of %s wait for a second person already", waiting, a.Actor).WithHint("'rackwright approval list' shows them")
	}
	a.ID, a.State, a.Asked, a.Expires = newID(), audit.Waiting, now, now.Add(audit.ApprovalTime)
	a.Reason = audit.Text(a.Reason)
	if _, err := exec(ctx, tx, `INSERT INTO approval (id, state, actor, caller_id, role, route, method, path, machines, reason, request_sealed, asked_at, expires_at, decided_by, decision, status, location,
		owner, subject, touched, asks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', 0, '', $14, $15, $16, $17)`, a.ID, a.State, a.Actor, a.CallerID, a.Role, a.Route, a.Method, a.Path, a.Machines, a.Reason,
		db.seal.Seal(request, sealedRequest(a.ID)), a.Asked, a.Expires, a.Owner, a.Subject, toJSON(a.Touched), toJSON(a.Asks)); err != nil {
		return err
	}
	return db.append(ctx, tx, []journal.Event{approvalEvent(a, a.Actor, "asks for a second person: ")})
}

func sealedRequest(id string) string { return "approval/" + id + "/request" }

func approvalEvent(a *audit.Approval, who, did string) journal.Event {
	return journal.Event{Kind: journal.Approval, Actor: who, Summary: fmt.Sprintf("%s %s%s on %d machines (%s)", who, did, a.Route, a.Machines, a.Path),
		Detail: map[string]any{"approval": a.ID, "asked_by": a.Actor, "decided_by": a.By, "route": a.Route, "machines": a.Machines}}
}

// Approvals lists a part of the approvals, by when they were asked for, newest first.
func (db *DB) Approvals(ctx context.Context, f ApprovalFilter) ([]audit.Approval, error) {
	where, args := "true", []any{}
	if f.Waiting {
		where, args = "state = 'waiting' AND expires_at > $1", []any{db.now()}
	}
	return listed(ctx, db, f.Page, byTime("asked", "asked_at", "id"), "-asked", where, args, db.approvals)
}

// Approval returns one approval.
func (db *DB) Approval(ctx context.Context, id string) (*audit.Approval, error) {
	a, err := db.approval(ctx, db.sql, id)
	return a, db.fault(err)
}

func (db *DB) approval(ctx context.Context, q queryer, id string) (*audit.Approval, error) {
	none := fault.NotFoundf("there is no approval %q", id).WithHint("'rackwright approval list' shows them")
	if !isID(id) {
		return nil, none
	}
	found, err := db.approvals(ctx, q, "id = $1", strings.ToLower(id))
	if err == nil && len(found) == 0 {
		return nil, none
	}
	return first(found), err
}

func (db *DB) approvals(ctx context.Context, q queryer, pick string, args ...any) ([]audit.Approval, error) {
	now := db.now()
	return collect(ctx, q, func(scan func(...any) error) (a audit.Approval, err error) {
		err = scan(asText{&a.ID}, &a.State, &a.Actor, &a.CallerID, &a.Role, &a.Route, &a.Method, &a.Path, &a.Machines, &a.Reason,
			asTime{&a.Asked}, asTime{&a.Expires}, &a.By, asTime{&a.Decided}, &a.Decision, &a.Status, &a.Location, &a.Owner, &a.Subject, asJSON{&a.Touched}, asJSON{&a.Asks})
		if a.State == audit.Waiting && !now.Before(a.Expires) {
			a.State = audit.ApprovalStale
		}
		return a, err
	}, `SELECT id, state, actor, caller_id, role, route, method, path, machines, reason, asked_at, expires_at, decided_by, decided_at, decision, status, location, owner, subject, touched, asks FROM approval WHERE `+pick, args...)
}

// DecideApproval approves or refuses a request that waits, once. Of an approved one the
// request is returned as it was kept.
func (db *DB) DecideApproval(ctx context.Context, id string, who audit.Person, reason string, approve bool) (*audit.Approval, []byte, error) {
	var a *audit.Approval
	var request []byte
	err := db.tx(ctx, func(tx *txn) (err error) {
		if _, err = db.lock(ctx, tx, `SELECT 1 FROM audit_head`); err != nil {
			return err
		}
		if a, err = db.approval(ctx, tx, id); err != nil {
			return err
		}
		if err = a.Decide(who, approve); err != nil {
			return err
		}
		did := "refused what " + a.Actor + " asked: "
		a.State, a.By, a.Decided, a.Decision = audit.Turned, who.Name, db.now(), audit.Text(reason)
		if approve {
			a.State, did = audit.Approved, "approved what "+a.Actor+" asked: "
			if request, err = db.kept(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		if _, err = exec(ctx, tx, `UPDATE approval SET state = $1, decided_by = $2, decided_at = $3, decision = $4, request_sealed = '' WHERE id = $5 AND state = 'waiting'`,
			a.State, a.By, a.Decided, a.Decision, a.ID); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{approvalEvent(a, who.Name, did)})
	})
	if err != nil {
		return nil, nil, err
	}
	db.events.wake(everything)
	return a, request, nil
}

func (db *DB) kept(ctx context.Context, tx *txn, id string) ([]byte, error) {
	var sealed string
	if err := tx.QueryRowContext(ctx, `SELECT request_sealed FROM approval WHERE id = $1`, id).Scan(&sealed); err != nil {
		return nil, err
	}
	return db.seal.Open(sealed, sealedRequest(id))
}

// FinishApproval notes how an approved request was answered.
func (db *DB) FinishApproval(ctx context.Context, id string, status int, location string) (*audit.Approval, error) {
	if _, err := exec(ctx, db.sql, `UPDATE approval SET state = 'done', status = $1, location = $2 WHERE id = $3 AND state = 'approved'`, status, location, id); err != nil {
		return nil, db.fault(err)
	}
	return db.Approval(ctx, id)
}

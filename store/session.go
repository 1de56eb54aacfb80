package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/fault"
)

// sessionsKept is how long a session that is over stays to be looked at; the audit keeps
// who opened it for ever.
const sessionsKept = 30 * 24 * time.Hour

// certificateFree is Conflict when another good token has a name of certificates.
func certificateFree(ctx context.Context, q queryer, name string) error {
	found, err := collect(ctx, q, readText, `SELECT name FROM token WHERE certificate = $1 AND revoked_at IS NULL`, name)
	if err != nil || len(found) == 0 {
		return err
	}
	return fault.Conflictf("the certificate name %s is that of token %s", name, found[0]).WithHint("'rackwright token revoke %s' frees it", found[0])
}

// TokenOfCertificate returns the token that names of a client certificate stand for, or
// Denied: of none, of several, and of one whose time is over. See TokenOf.
func (db *DB) TokenOfCertificate(ctx context.Context, names []string) (access.Token, error) {
	key := "certificate " + strings.Join(names, "\x00")
	t, began, ok := db.tokens.get(key, db.now())
	if !ok {
		var found []access.Token
		for _, name := range names {
			list, err := collect(ctx, db.sql, readToken, `SELECT `+tokenColumns+` FROM token WHERE certificate = $1 AND certificate <> '' AND revoked_at IS NULL`, name)
			if err != nil {
				return access.Token{}, db.fault(err)
			}
			found = append(found, list...)
		}
		found = slices.CompactFunc(found, func(a, b access.Token) bool { return a.ID == b.ID })
		switch len(found) {
		case 0:
			return access.Token{}, &fault.Error{Kind: fault.Denied, Message: fmt.Sprintf("the client certificate of %.200q is not known here", strings.Join(names, ", ")),
				Hint: "an admin makes it known: 'rackwright token add NAME --certificate-name ...'", Err: access.ErrUnknown}
		case 1:
		default:
			return access.Token{}, &fault.Error{Kind: fault.Denied, Message: fmt.Sprintf("the client certificate is that of %s and of %s", found[0].Name, found[1].Name),
				Hint: "an admin revokes one of them", Err: access.ErrUnknown}
		}
		t = found[0]
		db.tokens.put(key, t, db.now(), began)
	}
	if err := t.Good(db.now()); err != nil {
		return access.Token{}, err
	}
	db.tokens.use(t.ID, db.now())
	return t, nil
}

// OpenSession opens a session. It is Denied when what is shown opened one before.
func (db *DB) OpenSession(ctx context.Context, o access.Opening, secret string) (*access.Token, error) {
	var out *access.Token
	err := db.tx(ctx, func(tx *txn) error {
		if _, err := exec(ctx, tx, `DELETE FROM login_once WHERE until < $1`, db.now()); err != nil {
			return err
		}
		n, err := exec(ctx, tx, `INSERT INTO login_once (shown, until) VALUES ($1, $2) ON CONFLICT (shown) DO NOTHING`, access.Hash(o.Once), o.Until)
		if err != nil {
			return err
		}
		if n == 0 {
			return &fault.Error{Kind: fault.Denied, Message: "this was shown before: it opens one session", Hint: "log in again", Err: access.ErrUnknown}
		}
		out, err = db.openSession(ctx, tx, o, o.Name, secret, "")
		return err
	})
	return out, err
}

func (db *DB) openSession(ctx context.Context, tx *txn, o access.Opening, by, secret, giver string) (*access.Token, error) {
	if _, err := exec(ctx, tx, `DELETE FROM token WHERE door IN ('login', 'device') AND expires_at < $1`, db.now().Add(-sessionsKept)); err != nil {
		return nil, err
	}
	t := &access.Token{ID: newID(), Name: o.Name, Role: o.Role, Scope: o.Scope, Created: db.now(), By: by, Expires: o.Expires.UTC().Truncate(time.Microsecond), Door: o.Door,
		Owner: o.Owner, Subject: o.Subject}
	return t, insertToken(ctx, tx, t, secret, giver)
}

// AddRackCode keeps a code for a rack; of the code itself only its hash.
func (db *DB) AddRackCode(ctx context.Context, c access.RackCode, code string) (*access.RackCode, error) {
	c.ID, c.Created, c.Expires = newID(), db.now(), c.Expires.UTC().Truncate(time.Microsecond)
	err := db.tx(ctx, func(tx *txn) error {
		found, err := collect(ctx, tx, readText, `SELECT name FROM rack WHERE name = $1`, c.Rack)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return noRack(c.Rack)
		}
		if _, err := exec(ctx, tx, `DELETE FROM rack_code WHERE expires_at < $1`, db.now()); err != nil {
			return err
		}
		_, err = exec(ctx, tx, `INSERT INTO rack_code (id, hash, rack, person, created_at, created_by, expires_at, giver) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			c.ID, access.Hash(code), c.Rack, c.For, c.Created, c.By, c.Expires, c.Giver)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// EndRackCodes takes back the codes of a rack that nobody has used, and says how many.
func (db *DB) EndRackCodes(ctx context.Context, rack string) (int, error) {
	n, err := exec(ctx, db.sql, `DELETE FROM rack_code WHERE rack = $1 AND expires_at > $2`, rack, db.now())
	return int(n), db.fault(err)
}

func readRackCode(scan func(...any) error) (c access.RackCode, err error) {
	err = scan(asText{&c.ID}, &c.Rack, &c.For, asTime{&c.Created}, &c.By, asTime{&c.Expires}, &c.Giver)
	return c, err
}

// RackCodeOf returns what a code is for; Denied when it is none, was used, or is over.
func (db *DB) RackCodeOf(ctx context.Context, code string) (*access.RackCode, error) {
	found, err := collect(ctx, db.sql, readRackCode, `SELECT id, rack, person, created_at, created_by, expires_at, giver FROM rack_code WHERE hash = $1 AND expires_at > $2`,
		access.Hash(code), db.now())
	if err != nil {
		return nil, db.fault(err)
	}
	if len(found) == 0 {
		return nil, noCode()
	}
	return &found[0], nil
}

func noCode() error {
	return &fault.Error{Kind: fault.Denied, Message: "the code is good no more, or never was", Hint: "an operator makes another: 'rackwright rack code RACK'", Err: access.ErrUnknown}
}

// stillGives is Denied when the giver of a code was ended, also while it is used.
func stillGives(ctx context.Context, db *DB, tx *txn, giver string) error {
	if giver == "" {
		return nil
	}
	if _, err := db.lock(ctx, tx, `SELECT 1 FROM token WHERE id = $1`, giver); err != nil {
		return err
	}
	found, err := collect(ctx, tx, readText, `SELECT name FROM token WHERE id = $1 AND revoked_at IS NULL`, giver)
	if err == nil && len(found) == 0 {
		return noCode()
	}
	return err
}

// OpenRackSession uses a code up and opens the session it is for.
func (db *DB) OpenRackSession(ctx context.Context, c access.RackCode, o access.Opening, secret string) (*access.Token, error) {
	var out *access.Token
	err := db.tx(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `DELETE FROM rack_code WHERE id = $1 AND expires_at > $2`, c.ID, db.now())
		if err != nil {
			return err
		}
		if n == 0 { // somebody else was faster
			return noCode()
		}
		if err := stillGives(ctx, db, tx, c.Giver); err != nil {
			return err
		}
		out, err = db.openSession(ctx, tx, o, c.By, secret, c.Giver)
		return err
	})
	return out, err
}

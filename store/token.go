package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/fault"
)

const tokenColumns = `id, name, role, scope, created_at, created_by, expires_at, last_used_at, revoked_at, door, certificate, owner, subject`

func readToken(scan func(...any) error) (t access.Token, err error) {
	err = scan(asText{&t.ID}, &t.Name, &t.Role, asJSON{&t.Scope}, asTime{&t.Created}, &t.By, asTime{&t.Expires}, asTime{&t.LastUsed}, asTime{&t.Revoked}, &t.Door, &t.Certificate, &t.Owner, &t.Subject)
	return t, err
}

// TokenOf returns the token a secret belongs to, or Denied: of none, of one that was
// revoked, and of one whose time is over. It may answer from memory: see tokenCache.
func (db *DB) TokenOf(ctx context.Context, secret string) (access.Token, error) {
	hash := access.Hash(secret)
	t, began, ok := db.tokens.get(hash, db.now())
	if !ok {
		found, err := collect(ctx, db.sql, readToken, `SELECT `+tokenColumns+` FROM token WHERE hash = $1`, hash)
		if err != nil {
			return access.Token{}, db.fault(err)
		}
		if len(found) == 0 {
			return access.Token{}, &fault.Error{Kind: fault.Denied, Message: "the token is not known here", Hint: "an admin gives tokens; the first is in admin.token in the server's state directory", Err: access.ErrUnknown}
		}
		t = found[0]
		db.tokens.put(hash, t, db.now(), began)
	}
	if err := t.Good(db.now()); err != nil {
		return access.Token{}, err
	}
	db.tokens.use(t.ID, db.now())
	return t, nil
}

// Tokens lists tokens and open sessions by name; with those that were revoked or are over,
// behind the one that is good.
func (db *DB) Tokens(ctx context.Context, revoked bool) ([]access.Token, error) {
	pick, args := ` WHERE revoked_at IS NULL AND (`+ofToken+` OR expires_at > $1)`, []any{db.now()}
	if revoked {
		pick, args = "", nil
	}
	out, err := collect(ctx, db.sql, readToken, `SELECT `+tokenColumns+` FROM token`+pick+` ORDER BY name, CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, revoked_at DESC, id`, args...)
	return out, db.fault(err)
}

// ofToken picks tokens, whose names are theirs alone, from among sessions.
const ofToken = `door IN ('token', 'certificate')`

// Token returns one by its id, or the good one of a name.
func (db *DB) Token(ctx context.Context, idOrName string) (*access.Token, error) {
	t, err := token(ctx, db.sql, idOrName)
	return t, db.fault(err)
}

func token(ctx context.Context, q queryer, idOrName string) (*access.Token, error) {
	pick, key := "name = $1 AND revoked_at IS NULL AND "+ofToken, idOrName
	if isID(idOrName) {
		pick, key = "id = $1", strings.ToLower(idOrName)
	}
	found, err := collect(ctx, q, readToken, `SELECT `+tokenColumns+` FROM token WHERE `+pick, key)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("there is no token %q", idOrName).WithHint("'rackwright token list' shows them")
	}
	return &found[0], nil
}

// AddToken keeps a new token; of its secret only the hash. It is Conflict when the name is
// another's, and Invalid for a scope of what there is not.
func (db *DB) AddToken(ctx context.Context, g access.Grant, secret, actor string) (*access.Token, error) {
	if err := g.Check(db.now()); err != nil {
		return nil, err
	}
	var out *access.Token
	err := db.tx(ctx, func(tx *txn) error {
		if err := scopeKnown(ctx, tx, g.Scope); err != nil {
			return err
		}
		switch _, err := token(ctx, tx, g.Name); {
		case err == nil:
			return fault.Conflictf("there is a token %s already", g.Name).WithHint("'rackwright token rotate %s' gives it another secret, 'rackwright token revoke %s' ends it", g.Name, g.Name)
		case !fault.Is(err, fault.NotFound):
			return err
		}
		out = &access.Token{ID: newID(), Name: g.Name, Role: g.Role, Scope: g.Scope, Created: db.now(), By: actor, Expires: g.Expires.UTC().Truncate(time.Microsecond), Door: access.ByToken, Owner: g.Owner}
		if g.Certificate != "" {
			out.Door, out.Certificate = access.ByCertificate, g.Certificate
			if err := certificateFree(ctx, tx, g.Certificate); err != nil {
				return err
			}
		}
		return insertToken(ctx, tx, out, secret, "")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func insertToken(ctx context.Context, q queryer, t *access.Token, secret, giver string) error {
	_, err := exec(ctx, q, `INSERT INTO token (id, name, hash, role, scope, created_at, created_by, expires_at, door, certificate, owner, subject, giver) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		t.ID, t.Name, access.Hash(secret), t.Role, toJSON(t.Scope), t.Created, t.By, timeOrNull(t.Expires), t.Door, t.Certificate, t.Owner, t.Subject, giver)
	return err
}

// scopeKnown is Invalid for names of a scope that nothing has: a token for a misspelt rack
// would open nothing, and say nothing.
func scopeKnown(ctx context.Context, q queryer, s access.Scope) error {
	var bad []fault.Field
	for _, l := range []struct {
		table string
		names []string
	}{{"site", s.Sites}, {"rack", s.Racks}, {"project", s.Projects}} {
		for i, name := range l.names {
			found, err := collect(ctx, q, readText, `SELECT name FROM `+l.table+` WHERE name = $1`, name)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				bad = append(bad, fault.Field{Path: fmt.Sprintf("body.scope.%ss[%d]", l.table, i), Message: fmt.Sprintf("there is no %s %.70q", l.table, name)})
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Message: "the scope names what there is not", Hint: "'rackwright rack list' and 'rackwright project list' show the names", Fields: bad}
}

// RotateToken gives a token another secret, and another end unless that is zero. The old
// secret is refused from now on: see tokenCache.
func (db *DB) RotateToken(ctx context.Context, idOrName, secret string, expires time.Time) (*access.Token, error) {
	return db.changeToken(ctx, idOrName, func(t *access.Token) error {
		if t.Door != access.ByToken {
			return fault.Conflictf("%s has no secret to be given another", t.Name).WithHint("a certificate is renewed where it was made; a session is opened by 'rackwright login'")
		}
		if !expires.IsZero() {
			t.Expires = expires.UTC().Truncate(time.Microsecond)
		}
		return t.Good(db.now())
	}, func(ctx context.Context, tx *txn, t *access.Token) error {
		_, err := exec(ctx, tx, `UPDATE token SET hash = $1, expires_at = $2 WHERE id = $3`, access.Hash(secret), timeOrNull(t.Expires), t.ID)
		return err
	})
}

// RevokeToken ends a token for good, its unused codes for racks, and the sessions its codes opened.
func (db *DB) RevokeToken(ctx context.Context, idOrName string) (*access.Token, error) {
	return db.endToken(ctx, idOrName, true)
}

// EndSession ends a session and its unused codes. What its codes opened goes on.
func (db *DB) EndSession(ctx context.Context, id string) (*access.Token, error) {
	return db.endToken(ctx, id, false)
}

func (db *DB) endToken(ctx context.Context, idOrName string, given bool) (*access.Token, error) {
	return db.changeToken(ctx, idOrName, func(t *access.Token) error {
		if t.Revoked.IsZero() {
			t.Revoked = db.now()
		}
		return nil
	}, func(ctx context.Context, tx *txn, t *access.Token) error {
		if _, err := exec(ctx, tx, `UPDATE token SET revoked_at = $1 WHERE id = $2`, t.Revoked, t.ID); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `DELETE FROM rack_code WHERE giver = $1`, t.ID); err != nil || !given {
			return err
		}
		_, err := exec(ctx, tx, `UPDATE token SET revoked_at = $1 WHERE giver = $2 AND revoked_at IS NULL`, t.Revoked, t.ID)
		return err
	})
}

func (db *DB) changeToken(ctx context.Context, idOrName string, change func(*access.Token) error, write func(context.Context, *txn, *access.Token) error) (*access.Token, error) {
	var out *access.Token
	err := db.tx(ctx, func(tx *txn) error {
		t, err := token(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		if _, err := db.lock(ctx, tx, `SELECT 1 FROM token WHERE id = $1`, t.ID); err != nil {
			return err
		}
		if t, err = token(ctx, tx, t.ID); err != nil { // as it is now that nobody else changes it
			return err
		}
		if err := change(t); err != nil {
			return fault.New(fault.Conflict, "%w", err).WithHint("%s", fault.HintOf(err))
		}
		out = t
		return write(ctx, tx, t)
	})
	db.tokens.drop()
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetToken makes a secret that of a name, whatever it had before: for who may write to the
// server's own files.
func (db *DB) SetToken(ctx context.Context, name string, role access.Role, secret string) error {
	defer db.tokens.drop()
	t := access.Token{ID: newID(), Name: name, Role: role, Created: db.now()}
	_, err := exec(ctx, db.sql, `INSERT INTO token (id, name, hash, role, scope, created_at, created_by) VALUES ($1, $2, $3, $4, '{}', $5, '')
		ON CONFLICT (name) WHERE revoked_at IS NULL AND `+ofToken+` DO UPDATE SET hash = excluded.hash, role = excluded.role, scope = excluded.scope, expires_at = NULL`,
		t.ID, t.Name, access.Hash(secret), t.Role, t.Created)
	return db.fault(err)
}

// KeepToken makes a secret that of a name unless that has one, or the secret was revoked. It
// reports whether the secret is good.
func (db *DB) KeepToken(ctx context.Context, name string, role access.Role, secret string) (good bool, err error) {
	t := access.Token{ID: newID(), Name: name, Role: role, Created: db.now()}
	if _, err := exec(ctx, db.sql, `INSERT INTO token (id, name, hash, role, scope, created_at, created_by) VALUES ($1, $2, $3, $4, '{}', $5, '')
		ON CONFLICT DO NOTHING`, t.ID, t.Name, access.Hash(secret), t.Role, t.Created); err != nil {
		return false, db.fault(err)
	}
	switch _, err := db.TokenOf(ctx, secret); {
	case fault.Is(err, fault.Denied):
		return false, nil
	default:
		return err == nil, err
	}
}

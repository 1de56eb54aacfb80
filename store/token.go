package store

import (
	"context"
	"database/sql"

	"rackwright/access"
	"rackwright/fault"
)

// TokenRole returns the token a secret belongs to, or Denied.
func (db *DB) TokenRole(ctx context.Context, secret string) (access.Token, error) {
	var t access.Token
	err := db.sql.QueryRowContext(ctx, `SELECT id, name, role, created_at FROM token WHERE hash = $1`, access.Hash(secret)).
		Scan(asText{&t.ID}, &t.Name, &t.Role, asTime{&t.Created})
	if err == sql.ErrNoRows {
		return t, fault.Deniedf("the token is not known").WithHint("use the token in the server's state directory, admin.token")
	}
	return t, db.fault(err)
}

// SetToken makes the token of a name have a secret and role; only the hash is kept.
func (db *DB) SetToken(ctx context.Context, name string, role access.Role, secret string) error {
	_, err := exec(ctx, db.sql, `INSERT INTO token (id, name, hash, role, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role`, newID(), name, access.Hash(secret), role, db.now())
	return db.fault(err)
}

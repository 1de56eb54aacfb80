package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/images"
)

// maxImports bounds the imports that have not ended; each may hold an upload.
const maxImports = 200

// keptImports is how long an import that has ended is listed.
const keptImports = 7 * 24 * time.Hour

func importContext(id string) string { return "image-import:" + id }

// ImageImports lists a part of the imports, by when they were begun, newest first, without
// what was asked.
func (db *DB) ImageImports(ctx context.Context, p Page) ([]images.Import, error) {
	return listed(ctx, db, p, byTime("created", "created_at", "id"), "-created", "true", nil, imports)
}

// ImageImport returns an import, with what was asked unless it has ended.
func (db *DB) ImageImport(ctx context.Context, id string) (*images.Import, error) {
	if !isID(id) {
		return nil, noImport(id)
	}
	found, err := imports(ctx, db.sql, "id = $1", strings.ToLower(id))
	if err != nil {
		return nil, db.fault(err)
	}
	if len(found) == 0 {
		return nil, noImport(id)
	}
	return &found[0], db.openOrder(ctx, &found[0])
}

func noImport(id string) error {
	return fault.NotFoundf("there is no import %.40q", id).WithHint("'rackwright image import list' shows them")
}

func (db *DB) openOrder(ctx context.Context, i *images.Import) error {
	var sealed string
	if err := db.sql.QueryRowContext(ctx, `SELECT order_sealed FROM image_import WHERE id = $1`, i.ID).Scan(&sealed); err != nil || sealed == "" {
		return db.fault(err)
	}
	plain, err := db.seal.Open(sealed, importContext(i.ID))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, &i.Order); err != nil {
		return fault.Internalf("order of import %s: %w", i.ID, err)
	}
	return nil
}

func imports(ctx context.Context, q queryer, pick string, args ...any) ([]images.Import, error) {
	return collect(ctx, q, func(scan func(...any) error) (i images.Import, err error) {
		err = scan(asText{&i.ID}, &i.Name, &i.Kind, &i.From, &i.State, &i.Bytes, &i.Done, &i.Digest, &i.Error, &i.Fault, &i.Hint, &i.Actor, asTime{&i.Created}, asTime{&i.Updated})
		return i, err
	}, `SELECT id, name, kind, origin, state, bytes, done_bytes, digest, error, fault, hint, actor, created_at, updated_at FROM image_import WHERE `+pick, args...)
}

// CreateImageImport begins an import: an upload (state Receiving) or what the server
// fetches (Queued). A name that an image has, too many imports at a time: Conflict.
func (db *DB) CreateImageImport(ctx context.Context, i *images.Import) error {
	err := db.tx(ctx, func(tx *txn) error {
		var open int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM image_import WHERE state NOT IN ('done', 'failed')`).Scan(&open); err != nil {
			return err
		}
		if open >= maxImports {
			return fault.Conflictf("%d imports have not ended", open).WithHint("'rackwright image import list' shows them; 'rackwright image import remove' ends one")
		}
		i.ID, i.Created = newID(), db.now()
		i.Updated = i.Created
		_, err := exec(ctx, tx, `INSERT INTO image_import (id, name, kind, origin, state, order_sealed, bytes, done_bytes, digest, error, hint, actor, lease_owner, lease_until, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', '', '', $8, '', $9, $9, $9)`,
			i.ID, i.Name, i.Kind, i.From, i.State, db.seal.Seal([]byte(toJSON(i.Order)), importContext(i.ID)), i.Bytes, i.Actor, i.Created)
		return err
	})
	if err == nil {
		db.imports.wake(everything)
	}
	return err
}

// NoteUpload writes down how much of an upload there is, and its size once that is known.
// With all of it the upload is queued. Conflict when it is no upload that receives.
func (db *DB) NoteUpload(ctx context.Context, id string, done, size int64) error {
	state := images.Receiving
	if size > 0 && done == size {
		state = images.Queued
	}
	n, err := exec(ctx, db.sql, `UPDATE image_import SET done_bytes = $1, bytes = $2, state = $3, updated_at = $4 WHERE id = $5 AND state = 'receiving'`,
		done, size, state, db.now(), id)
	if err == nil && n == 0 {
		err = fault.Conflictf("upload %s receives no more", id).WithHint("'rackwright image import show' says what became of it")
	}
	if err == nil && state == images.Queued {
		db.imports.wake(everything)
	}
	return db.fault(err)
}

// ClaimImageImport lends an import that is to be done to owner until now+ttl, with what
// was asked; nil, nil: there is none.
func (db *DB) ClaimImageImport(ctx context.Context, owner string, ttl time.Duration) (*images.Import, error) {
	id, err := db.lend(ctx, "image_import", "state IN ('queued', 'fetching', 'checking')", "", owner, ttl)
	if err != nil || id == "" {
		return nil, err
	}
	return db.ImageImport(ctx, id)
}

// lend gives the oldest row of a table of work, that is open and in nobody's hands, to owner
// until now+ttl, and changes it; "": there is none. table, open and change are words of the
// program; $3 in them is now.
func (db *DB) lend(ctx context.Context, table, open, change, owner string, ttl time.Duration) (id string, err error) {
	now := db.now()
	err = db.tx(ctx, func(tx *txn) error {
		err := tx.QueryRowContext(ctx, `UPDATE `+table+` SET lease_owner = $1, lease_until = $2, updated_at = $3`+change+`
			WHERE id = (SELECT id FROM `+table+` WHERE `+open+` AND (lease_owner = '' OR lease_until <= $3)
				ORDER BY created_at, id LIMIT 1`+db.dialect.skip+`) RETURNING id`, owner, now.Add(ttl), now).Scan(asText{&id})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return id, err
}

// NoteImageImport writes down how far an import is and keeps it for owner until now+ttl.
// Conflict when it was removed or is another's now: whoever does it stops.
func (db *DB) NoteImageImport(ctx context.Context, i *images.Import, owner string, ttl time.Duration) error {
	now := db.now()
	n, err := exec(ctx, db.sql, `UPDATE image_import SET state = $1, bytes = $2, done_bytes = $3, lease_until = $4, updated_at = $5
		WHERE id = $6 AND lease_owner = $7 AND state NOT IN ('done', 'failed')`, i.State, i.Bytes, i.Done, now.Add(ttl), now, i.ID, owner)
	return db.lentImport(i.ID, n, err)
}

// EndImageImport writes down how an import ended, forgets what was asked, and gives it up.
func (db *DB) EndImageImport(ctx context.Context, i *images.Import, owner string) error {
	n, err := exec(ctx, db.sql, `UPDATE image_import SET state = $1, bytes = $2, done_bytes = $3, digest = $4, error = $5, fault = $6, hint = $7, order_sealed = '', lease_owner = '', updated_at = $8
		WHERE id = $9 AND lease_owner = $10 AND state NOT IN ('done', 'failed')`, i.State, i.Bytes, i.Done, i.Digest, i.Error, i.Fault, i.Hint, db.now(), i.ID, owner)
	return db.lentImport(i.ID, n, err)
}

func (db *DB) lentImport(id string, n int64, err error) error {
	if err == nil && n == 0 {
		err = fault.Conflictf("import %s was cancelled, or another server does it", id)
	}
	return db.fault(err)
}

// RemoveImageImport ends an import that runs and forgets it.
func (db *DB) RemoveImageImport(ctx context.Context, id string) error {
	if !isID(id) {
		return noImport(id)
	}
	n, err := exec(ctx, db.sql, `DELETE FROM image_import WHERE id = $1`, strings.ToLower(id))
	if err == nil && n == 0 {
		return noImport(id)
	}
	return db.fault(err)
}

// ExpireImageImports fails uploads that nothing came for since then, and forgets imports
// that ended long ago.
func (db *DB) ExpireImageImports(ctx context.Context, idle time.Time) error {
	_, err := exec(ctx, db.sql, `UPDATE image_import SET state = 'failed', order_sealed = '', error = 'the upload was abandoned', fault = 'conflict', hint = 'send the file again', updated_at = $1
		WHERE state = 'receiving' AND updated_at < $2`, db.now(), idle)
	if err == nil {
		_, err = exec(ctx, db.sql, `DELETE FROM image_import WHERE state IN ('done', 'failed') AND updated_at < $1`, db.now().Add(-keptImports))
	}
	return db.fault(err)
}

// ImportDue returns a signal that an import or a job is to be done, by what this process did. The
// function ends the subscription.
func (db *DB) ImportDue() (<-chan struct{}, func()) { return db.imports.listen(everything) }

package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/journal"
)

// Images lists the images by name, without their templates.
func (db *DB) Images(ctx context.Context) ([]images.Image, error) {
	out, err := imageRows(ctx, db.sql, "true")
	for i := range out {
		out[i].Template = ""
	}
	return out, db.fault(err)
}

// Image returns an image by id or name.
func (db *DB) Image(ctx context.Context, idOrName string) (*images.Image, error) {
	i, err := image(ctx, db.sql, idOrName)
	return i, db.fault(err)
}

func image(ctx context.Context, q queryer, idOrName string) (*images.Image, error) {
	pick := "name = $1"
	if isID(idOrName) {
		pick, idOrName = "id = $1", strings.ToLower(idOrName)
	}
	found, err := imageRows(ctx, q, pick, idOrName)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("there is no image %q", idOrName).WithHint("'rackwright image list' shows them; 'rackwright image add' adds one")
	}
	return &found[0], nil
}

func imageRows(ctx context.Context, q queryer, pick string, args ...any) ([]images.Image, error) {
	return imageRowsIn(ctx, q, pick, " ORDER BY name", args...)
}

func imageRowsIn(ctx context.Context, q queryer, pick, order string, args ...any) ([]images.Image, error) {
	out, err := collect(ctx, q, func(scan func(...any) error) (i images.Image, err error) {
		err = scan(asText{&i.ID}, &i.Name, &i.Kind, &i.Digest, &i.Source, &i.Format, &i.Arch, asJSON{&i.Firmware}, &i.Bytes, &i.Stored,
			&i.Args, &i.Answers, &i.Template, &i.Signed, asTime{&i.CreatedAt})
		return i, err
	}, `SELECT id, name, kind, digest, source_digest, source_format, arch, firmware, bytes, stored_bytes, args, answers, template, signed, created_at
		FROM image WHERE `+pick+order, args...)
	if err != nil {
		return nil, err
	}
	type row struct {
		image string
		part  images.Part
	}
	rows, err := collect(ctx, q, func(scan func(...any) error) (r row, err error) {
		err = scan(asText{&r.image}, &r.part.Name, &r.part.Digest, &r.part.Bytes)
		return r, err
	}, `SELECT image_id, name, digest, bytes FROM image_part WHERE image_id IN (SELECT id FROM image WHERE `+pick+`) ORDER BY image_id, position`, args...)
	at := make(map[string]int, len(out))
	for i := range out {
		at[out[i].ID] = i
	}
	for _, r := range rows {
		if i, ok := at[r.image]; ok {
			out[i].Parts = append(out[i].Parts, r.part)
		}
	}
	return out, err
}

// AddImage records an image whose bytes are stored. The same name with the same digest is
// no change; with another it is Conflict, because a digest never changes.
func (db *DB) AddImage(ctx context.Context, i *images.Image, actor string) error {
	err := db.tx(ctx, func(tx *txn) error {
		old, err := image(ctx, tx, i.Name)
		if err == nil && old.Digest == i.Digest && old.Kind == cmp.Or(i.Kind, images.KindDisk) {
			*i = *old
			return nil
		}
		if err == nil {
			return fault.Conflictf("image %s exists with digest %s", i.Name, old.Digest).WithHint("give the new one a name of its own, e.g. with its version")
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		i.ID, i.Kind, i.CreatedAt = newID(), cmp.Or(i.Kind, images.KindDisk), db.now()
		if err := insertImage(ctx, tx, i); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{{Kind: journal.ImageAdded, Actor: actor, Summary: fmt.Sprintf("image %s added (%s)", i.Name, i.Digest)}})
	})
	db.events.wake(everything)
	return err
}

func insertImage(ctx context.Context, tx *txn, i *images.Image) error {
	if _, err := exec(ctx, tx, `INSERT INTO image (id, name, kind, digest, source_digest, source_format, arch, firmware, bytes, stored_bytes, args, answers, template, signed, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		i.ID, i.Name, i.Kind, i.Digest, i.Source, i.Format, i.Arch, toJSON(i.Firmware), i.Bytes, i.Stored, i.Args, i.Answers, i.Template, i.Signed, i.CreatedAt); err != nil {
		return err
	}
	for n, p := range i.Parts {
		if _, err := exec(ctx, tx, `INSERT INTO image_part (image_id, position, name, digest, bytes) VALUES ($1, $2, $3, $4, $5)`, i.ID, n, p.Name, p.Digest, p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// RemoveImage removes the record of an image; the caller may then drop its bytes if no
// other image has the digest. Conflict while a rollout or an operation that has not ended
// needs it: another image with the digest serves an operation as well, but not a loader or
// a rollout, which ask by name.
func (db *DB) RemoveImage(ctx context.Context, idOrName, actor string) (*images.Image, error) {
	var out *images.Image
	err := db.tx(ctx, func(tx *txn) error {
		i, err := image(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		out = i
		if _, err := db.lock(ctx, tx, `SELECT 1 FROM image WHERE digest = $1 ORDER BY id`, i.Digest); err != nil { // two names of it may go at once
			return err
		}
		if err := db.refuseNeeded(ctx, tx, i); err != nil {
			return err
		}
		n, err := exec(ctx, tx, `DELETE FROM image WHERE id = $1`, i.ID)
		if err == nil && n == 0 {
			return fault.NotFoundf("image %s was removed by another", i.Name).WithHint("'rackwright image list' shows what is there")
		}
		if err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{{Kind: journal.ImageRemoved, Actor: actor, Summary: "image " + i.Name + " removed"}})
	})
	if err != nil {
		return nil, err
	}
	db.events.wake(everything)
	return out, nil
}

// refuseNeeded names the rollout or operation that an image cannot be removed for.
func (db *DB) refuseNeeded(ctx context.Context, tx *txn, i *images.Image) error {
	going, err := fleets(ctx, tx, "kind = 'rollout' AND digest = $1 AND "+openFleets, i.Digest)
	if err != nil {
		return err
	}
	for _, f := range going {
		if f.Image == i.Name {
			return fault.Conflictf("image %s is needed by rollout %s (%s)", i.Name, f.Name, f.State).WithHint("wait for it, or 'rackwright rollout cancel %s'", f.Name)
		}
	}
	open, err := db.operations(ctx, tx, "o.digest = $1 AND o.state IN ('queued', 'running', 'parked') ORDER BY o.created_at, o.id", i.Digest)
	if err != nil || len(open) == 0 {
		return err
	}
	var twin bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM image WHERE digest = $1 AND id <> $2)`, i.Digest, i.ID).Scan(&twin); err != nil {
		return err
	}
	for _, o := range open {
		if twin && (o.Order.Image != i.Name || !o.Order.Method.Loads()) {
			continue
		}
		return fault.Conflictf("image %s is needed by %s %s on %s (%s)", i.Name, o.Kind, o.ID, o.Name, o.State).
			WithHint("wait for it, or 'rackwright operation cancel %s'; a parked one needs it too, until it is cancelled", o.ID)
	}
	return nil
}

// DigestListed reports whether an image of the catalogue has the digest.
func (db *DB) DigestListed(ctx context.Context, digest string) (bool, error) {
	var listed bool
	err := db.sql.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM image WHERE digest = $1)`, digest).Scan(&listed)
	return listed, db.fault(err)
}

// DigestUsed reports whether an image has the digest, a part of one, or an operation that
// has not ended.
func (db *DB) DigestUsed(ctx context.Context, digest string) (bool, error) {
	var used bool
	err := db.sql.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM image WHERE digest = $1) OR EXISTS (SELECT 1 FROM image_part WHERE digest = $1)
		OR EXISTS (SELECT 1 FROM operation WHERE digest = $1 AND state IN ('queued', 'running', 'parked'))`, digest).Scan(&used)
	return used, db.fault(err)
}

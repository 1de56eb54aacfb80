package store

import (
	"context"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// keptParts is how many parts that went are kept of one machine.
const keptParts = 2000

// PartFilter narrows a list of parts; one of its fields has to be given.
type PartFilter struct {
	Machine string // id or name
	Serial  string
	Page
}

// Parts lists a part of the components as they came and went, the newest first.
func (db *DB) Parts(ctx context.Context, f PartFilter) ([]inventory.Part, error) {
	where, args := "p.serial = $1", []any{f.Serial}
	if f.Machine != "" {
		m, err := db.Machine(ctx, f.Machine)
		if err != nil {
			return nil, err
		}
		where, args = "p.machine_id = $1", []any{m.ID}
	}
	within, args := db.machinesWithin(f.Scope, "m", args)
	return listed(ctx, db, f.Page, map[string]key{"seen": {columns: []string{"p.id"}, number: true}}, "-seen", where+within, args, parts)
}

func parts(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.Part, error) {
	return collect(ctx, q, readPart, `SELECT p.id, p.machine_id, m.name, p.source, p.kind, p.location, p.serial, p.model, p.seen_at, p.gone_at
		FROM part p JOIN machine m ON m.id = p.machine_id WHERE `+pick, args...)
}

func readPart(scan func(...any) error) (p inventory.Part, err error) {
	err = scan(&p.ID, asText{&p.Machine}, &p.Name, &p.Source, &p.Kind, &p.Location, &p.Serial, &p.Model, asTime{&p.Seen}, asTime{&p.Gone})
	return p, err
}

// writeParts ends the parts that facts no longer show and adds those they show first. A
// kind that the facts do not show at all was not looked at, and stays.
func (db *DB) writeParts(ctx context.Context, tx *txn, machineID string, f *inventory.Facts) error {
	present, err := collect(ctx, tx, func(scan func(...any) error) (p inventory.Part, err error) {
		err = scan(&p.Kind, &p.Location, &p.Serial, &p.Model)
		return p, err
	}, `SELECT kind, location, serial, model FROM part WHERE machine_id = $1 AND source = $2 AND gone_at IS NULL`, machineID, f.Source)
	if err != nil {
		return err
	}
	type place struct{ kind, location string }
	seen, looked := map[place]inventory.Part{}, map[string]bool{}
	for _, p := range verify.Parts(f) {
		seen[place{p.Kind, p.Location}], looked[p.Kind] = p, true
	}
	changed := false
	for _, was := range present {
		is, there := seen[place{was.Kind, was.Location}]
		if there && is.Serial == was.Serial && is.Model == was.Model {
			delete(seen, place{was.Kind, was.Location})
			continue
		}
		if !looked[was.Kind] {
			continue
		}
		changed = true
		if _, err := exec(ctx, tx, `UPDATE part SET gone_at = $1 WHERE machine_id = $2 AND source = $3 AND kind = $4 AND location = $5 AND gone_at IS NULL`,
			db.now(), machineID, f.Source, was.Kind, was.Location); err != nil {
			return err
		}
	}
	return db.addParts(ctx, tx, machineID, f, func(p inventory.Part) bool { _, isNew := seen[place{p.Kind, p.Location}]; return isNew }, changed)
}

// addParts writes the new parts in the order of the facts and forgets the oldest that went.
func (db *DB) addParts(ctx context.Context, tx *txn, machineID string, f *inventory.Facts, isNew func(inventory.Part) bool, changed bool) error {
	rows := newBatch(tx, "INSERT INTO part (machine_id, source, kind, location, serial, model, seen_at)", "", 7)
	defer rows.close()
	for _, p := range verify.Parts(f) {
		if !isNew(p) {
			continue
		}
		if err := rows.add(ctx, machineID, f.Source, p.Kind, p.Location, p.Serial, p.Model, db.now()); err != nil {
			return err
		}
	}
	if err := rows.done(ctx); err != nil || !changed {
		return err
	}
	_, err := exec(ctx, tx, `DELETE FROM part WHERE id IN (SELECT id FROM part WHERE machine_id = $1 AND gone_at IS NOT NULL ORDER BY id DESC LIMIT 1000 OFFSET $2)`,
		machineID, keptParts)
	return err
}

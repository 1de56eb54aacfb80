package store

import (
	"cmp"
	"context"

	"rackwright/inventory"
)

// Models lists the models by name.
func (db *DB) Models(ctx context.Context) ([]inventory.Model, error) {
	out, err := models(ctx, db.sql)
	return out, db.fault(err)
}

// Model reads the one of a name; nil when nobody declared it.
func (db *DB) Model(ctx context.Context, name string) (*inventory.Model, error) {
	list, err := collect(ctx, db.sql, readModel, `SELECT id, name, spec, version FROM model WHERE name = $1`, name)
	if err != nil || len(list) == 0 {
		return nil, db.fault(err)
	}
	return &list[0], nil
}

func models(ctx context.Context, q queryer) ([]inventory.Model, error) {
	return collect(ctx, q, readModel, `SELECT id, name, spec, version FROM model ORDER BY name`)
}

func readModel(scan func(...any) error) (m inventory.Model, err error) {
	err = scan(asText{&m.ID}, &m.Name, asJSON{&m.Build}, &m.Version)
	return m, err
}

func (a *application) models(ctx context.Context) error {
	changed := a.changes("model")
	for i := range a.want.Models {
		m := &a.want.Models[i]
		if !changed[m.Name] {
			continue
		}
		if m.ID == "" {
			m.ID = newID()
		}
		if _, err := exec(ctx, a.tx, `INSERT INTO model (id, name, kind, spec, version) VALUES ($1, $2, $3, $4, 1)
			ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, spec = excluded.spec, version = model.version + 1`,
			m.ID, m.Name, cmp.Or(m.Kind, inventory.KindMachine), toJSON(m.Build)); err != nil {
			return err
		}
		if err := a.factory(ctx, m.Name); err != nil {
			return err
		}
	}
	return nil
}

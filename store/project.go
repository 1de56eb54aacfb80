package store

import (
	"context"

	"rackwright/inventory"
)

// Projects lists the projects by name.
func (db *DB) Projects(ctx context.Context) ([]inventory.Project, error) {
	out, err := projects(ctx, db.sql)
	return out, db.fault(err)
}

func projects(ctx context.Context, q queryer) ([]inventory.Project, error) {
	return collect(ctx, q, func(scan func(...any) error) (p inventory.Project, err error) {
		err = scan(asText{&p.ID}, &p.Name, asJSON{&p.Labels})
		return p, err
	}, `SELECT id, name, labels FROM project ORDER BY name`)
}

func (a *application) projects(ctx context.Context) error {
	changed := a.changes("project")
	for i := range a.want.Projects {
		if p := &a.want.Projects[i]; changed[p.Name] {
			if _, err := exec(ctx, a.tx, `INSERT INTO project (id, name, labels) VALUES ($1, $2, $3)
				ON CONFLICT (id) DO UPDATE SET labels = excluded.labels`, p.ID, p.Name, toJSON(p.Labels)); err != nil {
				return err
			}
		}
	}
	return nil
}

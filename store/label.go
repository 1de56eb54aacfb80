package store

import (
	"context"
	"database/sql"
	"slices"

	"rackwright/inventory"
)

// nestedLabels is labels and tags; a tag is a label without a value.
var nestedLabels = nested[inventory.Machine]{
	columns: "l.key, l.value",
	from:    "machine_label l WHERE l.machine_id = m.id",
	read: func(m *inventory.Machine, scan func(...any) error) error {
		var key, value string
		err := scan(&key, &value)
		switch {
		case value == "":
			i, _ := slices.BinarySearch(m.Tags, key)
			m.Tags = slices.Insert(m.Tags, i, key)
		case m.Labels == nil:
			m.Labels = map[string]string{key: value}
		default:
			m.Labels[key] = value
		}
		return err
	},
}

// writeLabels writes the labels and tags of machines that have none in the database, and
// the words by which they are found.
func (db *DB) writeLabels(ctx context.Context, tx *sql.Tx, machines []*inventory.Machine) error {
	labels := db.batch(tx, `INSERT INTO machine_label (machine_id, key, value)`, "", 3)
	defer labels.close()
	for _, m := range machines {
		for key, value := range m.Labels {
			if err := labels.add(ctx, m.ID, key, value); err != nil {
				return err
			}
		}
		for _, tag := range m.Tags {
			if err := labels.add(ctx, m.ID, tag, ""); err != nil {
				return err
			}
		}
	}
	if err := labels.done(ctx); err != nil {
		return err
	}
	return writeWords(ctx, db.batch(tx, intoWords, "", 3), machines)
}

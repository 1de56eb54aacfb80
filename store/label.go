package store

import (
	"context"
	"database/sql"

	"rackwright/inventory"
)

// readLabels reads the labels and tags of the machines; a tag is a label without a value.
func readLabels(ctx context.Context, q queryer, at map[string]*inventory.Machine, clause string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (_ struct{}, err error) {
		var id, key, value string
		if err = scan(asText{&id}, &key, &value); err != nil {
			return struct{}{}, err
		}
		m := at[id]
		switch {
		case value == "":
			m.Tags = append(m.Tags, key)
		case m.Labels == nil:
			m.Labels = map[string]string{key: value}
		default:
			m.Labels[key] = value
		}
		return struct{}{}, nil
	}, `SELECT machine_id, key, value FROM machine_label WHERE `+clause+` ORDER BY machine_id, key`, args...)
	return err
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

package store

import (
	"context"

	"rackwright/inventory"
)

// writeLabels writes the labels and tags of machines that have none in the database, and
// the words by which they are found.
func (db *DB) writeLabels(ctx context.Context, tx *txn, machines []*inventory.Machine) error {
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

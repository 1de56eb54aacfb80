package store

import (
	"context"
	"database/sql"

	"rackwright/inventory"
)

// complete fills in what a migration cannot work out by itself: the spans of networks and
// the words by which machines are found. It does nothing where they are there.
func (db *DB) complete(ctx context.Context, at *sql.DB) error {
	tx, err := (&pool{DB: at}).begin(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if db.dialect.onePlan != "" {
		if _, err := exec(ctx, tx, db.dialect.onePlan); err != nil {
			return err
		}
	}
	if err := fillSpans(ctx, tx); err != nil {
		return err
	}
	if err := db.fillWords(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func fillSpans(ctx context.Context, tx *txn) error {
	without, err := collect(ctx, tx, readText, `SELECT name FROM network WHERE span_first IS NULL`)
	if err != nil || len(without) == 0 {
		return err
	}
	list, err := networks(ctx, tx)
	if err != nil {
		return err
	}
	for i := range list {
		first, last := list[i].Span()
		if _, err := exec(ctx, tx, `UPDATE network SET span_first = $1, span_last = $2 WHERE id = $3 AND span_first IS NULL`, first, last, list[i].ID); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) fillWords(ctx context.Context, tx *txn) error {
	if some, err := collect(ctx, tx, readText, `SELECT word FROM machine_word LIMIT 1`); err != nil || len(some) > 0 {
		return err
	}
	for after := ""; ; {
		list, err := db.machines(ctx, tx, `m.name > $1 AND m.phase <> 'retired' ORDER BY m.name LIMIT 1000`, after)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1].Name
		all := make([]*inventory.Machine, len(list))
		for i := range list {
			all[i] = &list[i]
		}
		if err := writeWords(ctx, db.batch(tx, intoWords, "", 3), all); err != nil {
			return err
		}
	}
}

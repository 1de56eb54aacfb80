package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
)

// Rungs are where the ladders of models stand that left their first rung, by model.
func (db *DB) Rungs(ctx context.Context) (map[string]boot.Rung, error) {
	out, err := rungs(ctx, db.sql)
	return out, db.fault(err)
}

func rungs(ctx context.Context, q queryer) (map[string]boot.Rung, error) {
	out := map[string]boot.Rung{}
	_, err := collect(ctx, q, func(scan func(...any) error) (struct{}, error) {
		var model, kind string
		var r boot.Rung
		err := scan(&model, &kind, &r.Worked)
		r.Kind, _ = boot.KindNamed(kind)
		out[model] = r
		return struct{}{}, err
	}, `SELECT model, kind, worked FROM loader_rung ORDER BY model`)
	return out, err
}

// SetRung moves the ladder of a model. Conflict: it stood elsewhere than was.
func (db *DB) SetRung(ctx context.Context, model string, was, now boot.Rung, actor string) error {
	return db.changeRung(ctx, func(tx *txn) error {
		all, err := rungs(ctx, tx)
		if err != nil {
			return err
		}
		if all[model] != was {
			return fault.Conflictf("the loader of model %.80q was changed meanwhile", model).WithHint("'rackwright loader list' shows it; say again what is wanted")
		}
		_, err = exec(ctx, tx, `INSERT INTO loader_rung (model, kind, worked, actor, changed_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (model) DO UPDATE SET kind = excluded.kind, worked = excluded.worked, actor = excluded.actor, changed_at = excluded.changed_at`,
			model, now.Kind.String(), now.Worked, actor, db.now())
		return err
	})
}

// poweredIn is how many of a machine's newest events are looked through.
const poweredIn = 1000

// Powered reports whether a machine's BMC was told of its power within a span, its ends included,
// be it that it did not confirm it.
func (db *DB) Powered(ctx context.Context, machine string, from, to time.Time) (bool, error) {
	acts, err := collect(ctx, db.sql, func(scan func(...any) error) (detail map[string]any, err error) {
		err = scan(asJSON{&detail})
		return detail, err
	}, fmt.Sprintf(`SELECT detail FROM (SELECT kind, at, detail FROM event WHERE machine_id = $1 ORDER BY id DESC LIMIT %d) AS newest
		WHERE kind IN ($2, $3) AND at >= $4 AND at <= $5`, poweredIn), machine, journal.BMCAction, journal.BMCFailed, from.UTC(), to.UTC())
	return slices.ContainsFunc(acts, func(detail map[string]any) bool { return detail["power"] != nil }), db.fault(err)
}

// ResetRung forgets what worked for a model. NotFound: nothing is remembered of it.
func (db *DB) ResetRung(ctx context.Context, model string) error {
	return db.changeRung(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `DELETE FROM loader_rung WHERE model = $1`, model)
		if err == nil && n == 0 {
			err = fault.NotFoundf("no loader is remembered for model %.80q", model).WithHint("'rackwright loader list' shows which are")
		}
		return err
	})
}

func (db *DB) changeRung(ctx context.Context, change func(*txn) error) error {
	err := db.tx(ctx, func(tx *txn) error {
		if err := change(tx); err != nil {
			return err
		}
		return bump(ctx, tx)
	})
	if err == nil {
		db.changed.wake(everything)
	}
	return err
}

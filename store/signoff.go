package store

import (
	"context"
	"fmt"

	"rackwright/fault"
	"rackwright/inventory/racking"
	"rackwright/journal"
)

// SignOffRack records that a rack is done. While a step is open or held it is Conflict.
func (db *DB) SignOffRack(ctx context.Context, rack, note, actor string) (*racking.SignOff, error) {
	var out *racking.SignOff
	err := db.tx(ctx, func(tx *txn) error {
		if err := db.holdRack(ctx, tx, rack); err != nil {
			return err
		}
		v, err := db.rackView(ctx, tx, rack)
		if err != nil {
			return err
		}
		if out, err = v.SignOff(actor, note, db.now()); err != nil {
			return err
		}
		out.ID = newID()
		if _, err := exec(ctx, tx, `INSERT INTO signoff (id, rack_id, at, actor, record) VALUES ($1, $2, $3, $4, $5)`,
			out.ID, v.Inventory.Rack(rack).ID, out.At, actor, toJSON(out)); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{{Kind: journal.RackSigned, Name: rack, Actor: actor, At: out.At,
			Summary: fmt.Sprintf("rack %s signed off: %d machines", rack, len(out.Machines)), Detail: map[string]any{"rack": rack, "signoff": out.ID}}})
	})
	if err != nil {
		return nil, err
	}
	db.events.wake(everything)
	return out, nil
}

// SignOffs lists a part of the sign-off records of a rack, newest first.
func (db *DB) SignOffs(ctx context.Context, rackName string, p Page) ([]racking.SignOff, error) {
	r, err := rack(ctx, db.sql, rackName)
	if err != nil {
		return nil, db.fault(err)
	}
	return listed(ctx, db, p, byTime("at", "at", "id"), "-at", "rack_id = $1", []any{r.ID}, signOffs)
}

// SignOff returns one record of a rack.
func (db *DB) SignOff(ctx context.Context, rackName, id string) (*racking.SignOff, error) {
	r, err := rack(ctx, db.sql, rackName)
	if err != nil {
		return nil, db.fault(err)
	}
	if isID(id) {
		found, err := signOffs(ctx, db.sql, "rack_id = $1 AND id = $2", r.ID, id)
		if err != nil || len(found) > 0 {
			return first(found), db.fault(err)
		}
	}
	return nil, fault.NotFoundf("rack %s has no sign-off %q", rackName, id).WithHint("'rackwright rack signoffs %s' shows them", rackName)
}

func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

func signOffs(ctx context.Context, q queryer, pick string, args ...any) ([]racking.SignOff, error) {
	return collect(ctx, q, func(scan func(...any) error) (s racking.SignOff, err error) {
		err = scan(asJSON{&s})
		return s, err
	}, `SELECT record FROM signoff WHERE `+pick, args...)
}

package store

import (
	"context"
	"fmt"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/journal"
)

// ScanCodes says what scanned codes mean. rack and spot say where the person stands, ""
// and nil when only the codes do. With confirm what they bind is written; what contradicts
// the plan is then Conflict.
func (db *DB) ScanCodes(ctx context.Context, codes []string, rack string, spot *racking.Spot, confirm bool, actor string) (*racking.Scan, error) {
	read, err := racking.ReadCodes(codes)
	if err != nil {
		return nil, err
	}
	if !confirm {
		s, err := db.scanned(ctx, db.sql, read, rack, spot)
		return s, db.fault(err)
	}
	var out *racking.Scan
	err = db.tx(ctx, func(tx *txn) (err error) {
		if out, err = db.bindable(ctx, tx, read, rack, spot); err != nil {
			return err
		}
		// again, now that nobody else changes what stands there
		if err = db.holdRack(ctx, tx, out.Place.Slot.Rack); err != nil {
			return err
		}
		if out, err = db.bindable(ctx, tx, read, rack, spot); err != nil {
			return err
		}
		if err = boundedRack(ctx, tx, out.Place.Slot.Rack); err != nil {
			return err
		}
		return db.bindScan(ctx, tx, out, actor)
	})
	if err != nil {
		return nil, err
	}
	out.Bound = true
	db.wakeMachine()
	return out, nil
}

// bindable is scanned, and why it cannot be bound.
func (db *DB) bindable(ctx context.Context, q queryer, codes []inventory.Code, rack string, spot *racking.Spot) (*racking.Scan, error) {
	s, err := db.scanned(ctx, q, codes, rack, spot)
	if err != nil {
		return nil, err
	}
	return s, s.Refuse()
}

// scanned reads everything that the codes may name and says what they mean.
func (db *DB) scanned(ctx context.Context, q queryer, codes []inventory.Code, rack string, spot *racking.Spot) (*racking.Scan, error) {
	l := lookup{db: db, q: q, machines: map[string]bool{}, devices: map[string]bool{}, racks: map[string]bool{rack: rack != ""}}
	for _, c := range codes {
		if err := l.find(ctx, c); err != nil {
			return nil, err
		}
	}
	inv, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	if rack != "" && inv.Rack(rack) == nil {
		return nil, noRack(rack)
	}
	v := &racking.View{Inventory: inv, Rack: rack}
	if err := db.fillView(ctx, q, v); err != nil {
		return nil, err
	}
	return v.Scan(codes, spot)
}

// bindScan writes what a confirmed scan says: the identifiers that the plan did not have,
// where they were seen, that the thing is received and mounted, and its phase.
func (db *DB) bindScan(ctx context.Context, tx *txn, s *racking.Scan, actor string) error {
	o := owner{id: s.Place.ID, name: s.Place.Owner, machine: s.Place.Kind == inventory.KindMachine}
	var said []string
	for _, set := range s.Binding.All() {
		said = append(said, set.String())
	}
	if err := db.learn(ctx, tx, o, s.Binding); err != nil {
		return err
	}
	for _, step := range []racking.StepName{racking.Receive, racking.Mount} {
		if _, err := db.act(ctx, tx, o, racking.DoDone, racking.Mark{Owner: o.id, Step: step, By: actor, At: db.now(), Codes: said}); err != nil {
			return err
		}
	}
	e := journal.Event{Kind: journal.RackScan, Name: o.name, Actor: actor,
		Summary: fmt.Sprintf("scanned at %s: %s", s.Place.Slot, strings.Join(said, ", ")),
		Detail:  map[string]any{"rack": s.Place.Slot.Rack, "u": s.Place.Slot.U, "learned": s.Binding.Set, "agree": s.Binding.Agree}}
	events := []journal.Event{e}
	if o.machine {
		events[0].Machine = o.id
	}
	if o.machine {
		moved, err := db.moveOn(ctx, tx, o.id, s.Binding, actor)
		if err != nil {
			return err
		}
		events = append(events, moved...)
	}
	return db.append(ctx, tx, events)
}

// learn writes where a machine's identifiers were seen, or the identifiers of a device.
func (db *DB) learn(ctx context.Context, tx *txn, o owner, b *racking.Binding) error {
	if !o.machine {
		for _, set := range b.Set {
			column := map[racking.Field]string{racking.Serial: "serial", racking.AssetTag: "asset_tag"}[set.Field]
			if _, err := exec(ctx, tx, `UPDATE device SET `+column+` = $1, version = version + 1 WHERE id = $2`, set.Value, o.id); err != nil {
				return err
			}
		}
		return nil
	}
	for _, set := range b.All() {
		if _, err := exec(ctx, tx, `INSERT INTO identifier (machine_id, kind, value, source, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $5)
			ON CONFLICT (machine_id, kind, value) DO UPDATE SET last_at = excluded.last_at`, o.id, string(set.Field), set.Value, racking.Scanned, db.now()); err != nil {
			return err
		}
	}
	return nil
}

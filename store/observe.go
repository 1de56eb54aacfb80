package store

import (
	"context"
	"slices"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// noticed keeps what a change of a machine's state says about its hardware, before the
// state is written: new facts go to their source, the machine gets the view of all
// sources, and it is to be compared with its plan again. facts is the JSON of the facts
// there were before.
func (db *DB) noticed(ctx context.Context, tx *txn, before *inventory.Machine, facts string, m *inventory.Machine) error {
	observed := facts != toJSON(m.Facts)
	if observed {
		if err := db.observe(ctx, tx, m); err != nil {
			return err
		}
	}
	learned := !slices.EqualFunc(before.NICs, m.NICs, func(a, b inventory.NIC) bool { return a.MAC == b.MAC })
	if m.Facts == nil || !observed && !learned && before.Phase == m.Phase && before.Erased.Equal(m.Erased) && slices.Equal(before.Conditions, m.Conditions) {
		return nil
	}
	_, err := exec(ctx, tx, `UPDATE machine SET verify_due = true WHERE id = $1`, m.ID)
	return err
}

// observe writes a machine's facts under their source, and the parts that came or went.
func (db *DB) observe(ctx context.Context, tx *txn, m *inventory.Machine) error {
	if m.Facts == nil {
		_, err := exec(ctx, tx, `DELETE FROM observation WHERE machine_id = $1`, m.ID)
		return err
	}
	seen, err := observations(ctx, tx, "machine_id = $1", []any{m.ID})
	if err != nil {
		return err
	}
	now := *m.Facts
	all := []inventory.Facts{}
	for _, old := range seen[m.ID] {
		if old.Source != now.Source {
			all = append(all, old)
		} else if len(now.LLDP) == 0 {
			now.LLDP = old.LLDP // who has just begun to listen has not heard that a neighbour went
		}
	}
	if _, err := exec(ctx, tx, `INSERT INTO observation (machine_id, source, at, facts) VALUES ($1, $2, $3, $4)
		ON CONFLICT (machine_id, source) DO UPDATE SET at = excluded.at, facts = excluded.facts`, m.ID, now.Source, db.now(), toJSON(now)); err != nil {
		return err
	}
	if err := db.writeParts(ctx, tx, m.ID, &now); err != nil {
		return err
	}
	m.Facts = verify.Merge(append([]inventory.Facts{now}, all...))
	return nil
}

// Observations returns what each source last saw of machines, by machine id.
func (db *DB) Observations(ctx context.Context, machineIDs []string) (map[string][]inventory.Facts, error) {
	out := map[string][]inventory.Facts{}
	err := db.forEach(machineIDs, "machine_id", func(clause string, args []any) error {
		part, err := observations(ctx, db.sql, clause, args)
		for id, facts := range part {
			out[id] = facts
		}
		return err
	})
	return out, db.fault(err)
}

func observations(ctx context.Context, q queryer, clause string, args []any) (map[string][]inventory.Facts, error) {
	out := map[string][]inventory.Facts{}
	_, err := collect(ctx, q, func(scan func(...any) error) (f inventory.Facts, err error) {
		var id string
		if err = scan(asText{&id}, asJSON{&f}); err == nil {
			out[id] = append(out[id], f)
		}
		return f, err
	}, `SELECT machine_id, facts FROM observation WHERE `+clause+` ORDER BY machine_id, source`, args...)
	return out, err
}

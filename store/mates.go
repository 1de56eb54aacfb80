package store

import (
	"context"
	"slices"

	"rackwright/inventory"
)

// SwitchMates lists the machines of other racks that are planned on, or were heard at, the
// switches that a rack's machines are planned on, at most limit: with what their cables
// are judged by, and no more.
func (db *DB) SwitchMates(ctx context.Context, rack string, limit int) ([]inventory.Machine, error) {
	switches, err := collect(ctx, db.sql, func(scan func(...any) error) (d inventory.Device, err error) {
		err = scan(asText{&d.ID}, &d.Name, asText{&d.LLDP})
		return d, err
	}, `SELECT DISTINCT d.id, d.name, d.spec ->> 'lldp' FROM rack k JOIN machine m ON m.rack_id = k.id JOIN cable_end a ON a.owner_id = m.id
		JOIN cable_end b ON b.cable_id = a.cable_id AND b.side <> a.side JOIN device d ON d.id = b.owner_id
		WHERE k.name = $1 AND m.phase <> 'retired' AND d.kind = 'switch'`, rack)
	if err != nil {
		return nil, db.fault(err)
	}
	ids := map[string]bool{}
	for i := range switches {
		if err := db.matesAt(ctx, ids, &switches[i], rack, limit); err != nil {
			return nil, db.fault(err)
		}
	}
	list := keys(ids)
	slices.Sort(list)
	out, err := db.heardOf(ctx, list[:min(len(list), limit)])
	return out, db.fault(err)
}

// matesAt adds the machines of other racks at one switch. What was heard of it begins with
// its name: 'leaf-1:14', 'leaf-1.example:14'.
func (db *DB) matesAt(ctx context.Context, ids map[string]bool, d *inventory.Device, rack string, limit int) error {
	const others = ` JOIN rack k ON k.id = m.rack_id WHERE k.name <> $1 AND m.phase <> 'retired' AND m.facts IS NOT NULL AND `
	found, err := collect(ctx, db.sql, readText, `SELECT m.id FROM cable_end b JOIN cable_end a ON a.cable_id = b.cable_id AND a.side <> b.side
			JOIN machine m ON m.id = a.owner_id`+others+`b.owner_id = $2
		UNION SELECT m.id FROM identifier i JOIN machine m ON m.id = i.machine_id`+others+`i.kind = 'lldp' AND i.value > $3 AND i.value < $4 LIMIT $5`,
		rack, d.ID, d.System()+".", d.System()+";", limit)
	for _, id := range found {
		ids[id] = true
	}
	return err
}

// heardOf reads of machines by id their ports, cables and neighbours, and what is held
// against their cables.
func (db *DB) heardOf(ctx context.Context, ids []string) ([]inventory.Machine, error) {
	var out []inventory.Machine
	err := db.forEach(ids, "m.id", func(clause string, args []any) error {
		list, err := collect(ctx, db.sql, func(scan func(...any) error) (m inventory.Machine, err error) {
			m.Facts = &inventory.Facts{}
			err = scan(asText{&m.ID}, &m.Name, &m.Phase, asJSON{&m.NICs}, asText{&m.Facts.Source}, asJSON{&m.Facts.NICs}, asJSON{&m.Facts.LLDP}, asConditions{&m.Conditions})
			return m, err
		}, `SELECT m.id, m.name, m.phase, m.spec -> 'nics', m.facts ->> 'source', m.facts -> 'nics', m.facts -> 'lldp', `+db.dialect.conditionsOf()+` FROM machine m WHERE `+clause, args...)
		out = append(out, list...)
		return err
	})
	return out, err
}

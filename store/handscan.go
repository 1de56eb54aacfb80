package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rackwright/fault"
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
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if out, err = db.scanned(ctx, tx, read, rack, spot); err != nil {
			return err
		}
		if err = out.Refuse(); err != nil {
			return err
		}
		// again, now that nobody else changes what stands there
		if err = db.holdRack(ctx, tx, out.Place.Slot.Rack); err != nil {
			return err
		}
		if out, err = db.scanned(ctx, tx, read, rack, spot); err != nil {
			return err
		}
		if err = out.Refuse(); err != nil {
			return err
		}
		return db.bindScan(ctx, tx, out, actor)
	})
	if err != nil {
		return nil, err
	}
	out.Bound = true
	db.events.wake(everything)
	db.changed.wake(everything)
	return out, nil
}

// scanned reads everything that the codes may name and says what they mean.
func (db *DB) scanned(ctx context.Context, q queryer, codes []inventory.Code, rack string, spot *racking.Spot) (*racking.Scan, error) {
	l := lookup{q: q, machines: map[string]bool{}, devices: map[string]bool{}, racks: map[string]bool{rack: rack != ""}}
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
		return nil, fault.NotFoundf("there is no rack %q", rack).WithHint("'rackwright rack list' shows them")
	}
	v := &racking.View{Inventory: inv, Rack: rack}
	if err := db.fillView(ctx, q, v); err != nil {
		return nil, err
	}
	return v.Scan(codes, spot)
}

// lookup gathers the machines, devices and racks that codes may name.
type lookup struct {
	q                        queryer
	machines, devices, racks map[string]bool
}

func (l *lookup) add(ctx context.Context, to map[string]bool, query string, args ...any) error {
	ids, err := collect(ctx, l.q, readText, query+" LIMIT 32", args...)
	for _, id := range ids {
		to[id] = true
	}
	return err
}

func (l *lookup) find(ctx context.Context, c inventory.Code) error {
	switch c.Kind {
	case inventory.RackCode, inventory.SlotCode:
		l.racks[c.Value] = true
		return nil
	case inventory.MachineCode:
		if err := l.add(ctx, l.machines, `SELECT id FROM machine WHERE name = $1 AND phase <> 'retired'`, c.Value); err != nil {
			return err
		}
		return l.add(ctx, l.devices, `SELECT id FROM device WHERE name = $1`, c.Value)
	case inventory.CableCode:
		return l.cable(ctx, c.Value)
	}
	return l.hardware(ctx, c.Value)
}

// cable finds who plans a cable of that label, or at that end.
func (l *lookup) cable(ctx context.Context, label string) error {
	name, port, _ := strings.Cut(label, ":")
	for _, to := range []struct {
		ids   map[string]bool
		table string
	}{{l.machines, "machine"}, {l.devices, "device"}} {
		if err := l.add(ctx, to.ids, `SELECT o.id FROM cable c JOIN cable_end e ON e.cable_id = c.id AND e.side = 'a' JOIN `+to.table+` o ON o.id = e.owner_id
			WHERE c.label = $1 OR (o.name = $2 AND e.port = $3)`, label, name, port); err != nil {
			return err
		}
	}
	return nil
}

// hardware finds who has an identifier, in the plan or by what was seen.
func (l *lookup) hardware(ctx context.Context, code string) error {
	field, value := racking.Hardware(code)
	lower := strings.ToLower(value)
	for _, text := range slices.Compact([]string{lower, strings.ToLower(code)}) {
		if err := l.add(ctx, l.machines, `SELECT m.id FROM machine m WHERE m.id IN (SELECT machine_id FROM machine_word WHERE word = $1) AND m.phase <> 'retired'`, cut(text)); err != nil {
			return err
		}
		if err := l.add(ctx, l.machines, `SELECT machine_id FROM identifier WHERE value IN ($1, $2)`, text, value); err != nil {
			return err
		}
		if err := l.add(ctx, l.devices, `SELECT id FROM device WHERE lower(serial) = $1 OR lower(asset_tag) = $1`, text); err != nil {
			return err
		}
	}
	if field == racking.UUID {
		return l.add(ctx, l.machines, `SELECT id FROM machine WHERE uuid = $1 AND phase <> 'retired'`, lower)
	}
	mac, err := inventory.ParseMAC(value)
	if err != nil {
		return nil
	}
	if err := l.add(ctx, l.machines, `SELECT machine_id FROM nic WHERE mac = $1`, mac.String()); err != nil {
		return err
	}
	return l.add(ctx, l.machines, `SELECT machine_id FROM bmc WHERE mac = $1`, mac.String())
}

// read reads what was found, with all of each rack that somebody may stand at.
func (l *lookup) read(ctx context.Context) (*inventory.Inventory, error) {
	inv := &inventory.Inventory{}
	if err := forEach(slices.Sorted(maps.Keys(l.machines)), "m.id", func(clause string, args []any) error {
		more, err := machines(ctx, l.q, clause, args...)
		inv.Machines = append(inv.Machines, more...)
		return err
	}); err != nil {
		return nil, err
	}
	if err := forEach(slices.Sorted(maps.Keys(l.devices)), "d.id", func(clause string, args []any) error {
		more, err := devices(ctx, l.q, clause, args...)
		inv.Devices = append(inv.Devices, more...)
		return err
	}); err != nil {
		return nil, err
	}
	for name, wanted := range l.racks {
		if !wanted {
			continue
		}
		here, err := rackInventory(ctx, l.q, name)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		addAll(inv, here)
	}
	return inv, nil
}

// addAll adds the racks, machines and devices of one inventory to another, each once.
func addAll(inv, more *inventory.Inventory) {
	inv.Racks, inv.Models = append(inv.Racks, more.Racks...), append(inv.Models, more.Models...)
	for _, m := range more.Machines {
		if !slices.ContainsFunc(inv.Machines, func(o inventory.Machine) bool { return o.ID == m.ID }) {
			inv.Machines = append(inv.Machines, m)
		}
	}
	for _, d := range more.Devices {
		if !slices.ContainsFunc(inv.Devices, func(o inventory.Device) bool { return o.ID == d.ID }) {
			inv.Devices = append(inv.Devices, d)
		}
	}
}

// bindScan writes what a confirmed scan says: the identifiers that the plan did not have,
// where they were seen, that the thing is received and mounted, and its phase.
func (db *DB) bindScan(ctx context.Context, tx *sql.Tx, s *racking.Scan, actor string) error {
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
		Summary: fmt.Sprintf("scanned at %s u%d: %s", s.Place.Slot.Rack, s.Place.Slot.U, strings.Join(said, ", ")),
		Detail:  map[string]any{"rack": s.Place.Slot.Rack, "u": s.Place.Slot.U, "learned": s.Binding.Set, "agree": s.Binding.Agree}}
	events := []journal.Event{e}
	if o.machine {
		events[0].Machine = o.id
	}
	if s.Binding.Phase != "" {
		moved, err := db.racked(ctx, tx, o.id, s.Binding.Phase, actor)
		if err != nil {
			return err
		}
		events = append(events, moved...)
	}
	return db.append(ctx, tx, events)
}

// learn writes identifiers of a machine or device.
func (db *DB) learn(ctx context.Context, tx *sql.Tx, o owner, b *racking.Binding) error {
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
	if len(b.Set) == 0 {
		return nil
	}
	return db.learnMachine(ctx, tx, o.id, b.Set)
}

func (db *DB) learnMachine(ctx context.Context, tx *sql.Tx, id string, set []racking.Setting) error {
	m, err := db.machineToChange(ctx, tx, id)
	if err != nil {
		return err
	}
	uuid := m.UUID
	for _, s := range set {
		switch s.Field {
		case racking.Serial:
			m.Serial = s.Value
		case racking.AssetTag:
			m.AssetTag = s.Value
		case racking.UUID:
			m.UUID = s.Value
		case racking.BMCMAC:
			if _, err := exec(ctx, tx, `UPDATE bmc SET mac = $1 WHERE machine_id = $2`, s.Value, id); err != nil {
				return err
			}
		}
	}
	if _, err := exec(ctx, tx, `UPDATE machine SET serial = $1, serial_key = $2, asset_tag = $3, uuid = $4, updated_at = $5, version = version + 1 WHERE id = $6`,
		m.Serial, orNull(m.SerialKey()), m.AssetTag, m.UUID, db.now(), id); err != nil {
		return err
	}
	if uuid != m.UUID {
		if err := bump(ctx, tx, id); err != nil {
			return err
		}
	}
	return rewriteWords(ctx, tx, m)
}

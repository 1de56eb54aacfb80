package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

// lookup gathers the machines, devices and racks that codes may name.
type lookup struct {
	db                       *DB
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
	if err := l.db.forEach(slices.Sorted(maps.Keys(l.machines)), "m.id", func(clause string, args []any) error {
		more, err := l.db.machines(ctx, l.q, clause, args...)
		inv.Machines = append(inv.Machines, more...)
		return err
	}); err != nil {
		return nil, err
	}
	if err := l.db.forEach(slices.Sorted(maps.Keys(l.devices)), "d.id", func(clause string, args []any) error {
		more, err := l.db.devices(ctx, l.q, clause, args...)
		inv.Devices = append(inv.Devices, more...)
		return err
	}); err != nil {
		return nil, err
	}
	for name, wanted := range l.racks {
		if !wanted {
			continue
		}
		here, err := l.db.rackInventory(ctx, l.q, name)
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

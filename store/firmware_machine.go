package store

import (
	"context"
	"slices"

	"rackwright/deploy"
	"rackwright/firmware"
	"rackwright/inventory"
)

// FirmwareMachines returns what decides on the firmware of machines, by name; those that
// are retired are left out.
func (db *DB) FirmwareMachines(ctx context.Context, f MachineFilter) ([]firmware.Machine, error) {
	declared, err := db.Models(ctx)
	if err != nil {
		return nil, err
	}
	busy, err := db.firmwareBusy(ctx)
	if err != nil {
		return nil, err
	}
	out := []firmware.Machine{}
	f.Limit, f.Brief = 1000, true
	for {
		page, next, err := db.MachinePage(ctx, f)
		if err != nil {
			return nil, err
		}
		part, err := db.firmwareOf(ctx, page, declared, busy)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
		if next == "" {
			return out, nil
		}
		f.After = next
	}
}

// FirmwareMachine returns it for one machine.
func (db *DB) FirmwareMachine(ctx context.Context, idOrName string) (*firmware.Machine, *inventory.Machine, error) {
	m, err := db.Machine(ctx, idOrName)
	if err != nil {
		return nil, nil, err
	}
	declared, err := db.Models(ctx)
	if err != nil {
		return nil, nil, err
	}
	busy, err := db.firmwareBusy(ctx)
	if err != nil {
		return nil, nil, err
	}
	seen, err := db.Observations(ctx, []string{m.ID})
	if err != nil {
		return nil, nil, err
	}
	out := firmware.Of(m, declaredModel(declared, m.Model), seen[m.ID])
	out.Busy = busy[m.ID]
	return &out, m, nil
}

func (db *DB) firmwareOf(ctx context.Context, page []inventory.Machine, declared []inventory.Model, busy map[string]string) ([]firmware.Machine, error) {
	ids := make([]string, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	seen, err := db.Observations(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []firmware.Machine
	for i := range page {
		m := &page[i]
		if m.Phase == inventory.Retired {
			continue
		}
		one := firmware.Of(m, declaredModel(declared, m.Model), seen[m.ID])
		one.Busy = busy[m.ID]
		out = append(out, one)
	}
	return out, nil
}

func declaredModel(declared []inventory.Model, name string) *inventory.Model {
	if at := slices.IndexFunc(declared, func(k inventory.Model) bool { return k.Name == name }); at >= 0 {
		return &declared[at]
	}
	return nil
}

// firmwareBusy is the open firmware operation of each machine that has one.
func (db *DB) firmwareBusy(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	_, err := collect(ctx, db.sql, func(scan func(...any) error) (struct{}, error) {
		var machine, id string
		err := scan(asText{&machine}, asText{&id})
		out[machine] = id
		return struct{}{}, err
	}, `SELECT machine_id, id FROM operation WHERE kind = $1 AND state IN ('queued', 'running', 'parked')`, deploy.Firmware)
	return out, db.fault(err)
}

package store

import (
	"context"

	"rackwright/inventory"
)

// deviceSpec is what a plan says of a device, as one document in its row. Its cables stand in
// a table as well: see machineSpec.
type deviceSpec struct {
	Feed     string            `json:"feed,omitempty"`
	LLDP     string            `json:"lldp,omitempty"`
	RemoteID string            `json:"remote_id,omitempty"`
	Ports    []inventory.Port  `json:"ports,omitempty"`
	PSUs     []inventory.PSU   `json:"psus,omitempty"`
	Bays     []string          `json:"bays,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Tags     []string          `json:"tags,omitempty"`
}

func specOf(d *inventory.Device) deviceSpec {
	return deviceSpec{d.Feed, d.LLDP, d.RemoteID, d.Ports, d.PSUs, d.Bays, d.Labels, d.Tags}
}

// Devices lists the devices of a rack by name; "" for those of all racks.
func (db *DB) Devices(ctx context.Context, rack string) ([]inventory.Device, error) {
	var out []inventory.Device
	var err error
	if rack == "" {
		out, err = db.devices(ctx, db.sql, "1 = 1")
	} else {
		out, err = db.devices(ctx, db.sql, "r.name = $1", rack)
	}
	return out, db.fault(err)
}

// devices reads the devices a clause picks, with their cables. It sees d, the device, and
// r, its rack.
func (db *DB) devices(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.Device, error) {
	return db.devicesIn(ctx, q, pick, " ORDER BY d.name", args...)
}

func (db *DB) devicesIn(ctx context.Context, q queryer, pick, order string, args ...any) ([]inventory.Device, error) {
	return collect(ctx, q, readDevice, `SELECT d.id, d.name, d.kind, r.name, d.u, d.height, d.face, d.full_depth, d.side, d.model, d.serial, d.asset_tag, d.spec, d.version
		FROM device d JOIN rack r ON r.id = d.rack_id WHERE `+pick+order, args...)
}

func readDevice(scan func(...any) error) (d inventory.Device, err error) {
	s, deep, slot := deviceSpec{}, false, inventory.Slot{}
	err = scan(asText{&d.ID}, &d.Name, &d.Kind, &slot.Rack, &slot.U, &slot.Height, &slot.Face, &deep, &slot.Side, &d.Model, &d.Serial, &d.AssetTag,
		asJSON{&s}, &d.Version)
	if deep {
		slot.Face = inventory.Both
	}
	d.Slot, d.Feed, d.LLDP, d.RemoteID, d.Ports, d.PSUs, d.Bays, d.Labels, d.Tags = &slot, s.Feed, s.LLDP, s.RemoteID, s.Ports, s.PSUs, s.Bays, s.Labels, s.Tags
	return d, err
}

// vacateDevices gives up what changed devices hold until they are written again.
func (a *application) vacateDevices(ctx context.Context) error {
	var ids []string
	for _, d := range a.devices {
		ids = append(ids, d.ID)
	}
	if err := a.db.forEach(ids, "device_id", func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM slot_cell WHERE `+clause, args...)
		return err
	}); err != nil {
		return err
	}
	return a.unplug(ctx, ids)
}

// writeDevices writes the changed devices.
func (a *application) writeDevices(ctx context.Context) error {
	list := a.db.batch(a.tx, `INSERT INTO device (id, name, kind, rack_id, u, height, face, full_depth, side, model, serial, asset_tag, spec, version)`,
		`ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, rack_id = excluded.rack_id, u = excluded.u, height = excluded.height, face = excluded.face,
			full_depth = excluded.full_depth, side = excluded.side, model = excluded.model, serial = excluded.serial, asset_tag = excluded.asset_tag,
			spec = excluded.spec, version = device.version + 1`, 14)
	cells := a.db.batch(a.tx, `INSERT INTO slot_cell (rack_id, face, u, side, device_id)`, "", 5)
	defer list.close()
	defer cells.close()
	for _, d := range a.devices {
		rack, face, deep := a.ids.racks[d.Slot.Rack], d.Slot.Face, d.Slot.Face == inventory.Both
		if deep {
			face = inventory.Front
		}
		if err := list.add(ctx, d.ID, d.Name, d.Kind, rack, d.Slot.U, d.Slot.Height, face, deep, d.Slot.Side, d.Model, d.Serial, d.AssetTag,
			toJSON(specOf(d)), 1); err != nil {
			return err
		}
	}
	if err := list.done(ctx); err != nil {
		return err
	}
	for _, d := range a.devices {
		for _, c := range d.Slot.Cells() {
			if err := cells.add(ctx, a.ids.racks[d.Slot.Rack], c.Face, c.U, c.Side, d.ID); err != nil {
				return err
			}
		}
	}
	return cells.done(ctx)
}

// removals takes out the devices and machines that the plan removes.
func (a *application) removals(ctx context.Context) error {
	machines, devices := a.removed("machine"), a.removed("device")
	for i := range a.have.Machines {
		if m := &a.have.Machines[i]; machines[m.Name] {
			if err := a.withdraw(ctx, m); err != nil {
				return err
			}
		}
	}
	var ids []string
	for i := range a.have.Devices {
		if d := &a.have.Devices[i]; devices[d.Name] {
			ids = append(ids, d.ID)
		}
	}
	if err := a.db.cut(ctx, a.tx, ids); err != nil {
		return err
	}
	return a.db.forEach(ids, "id", func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM device WHERE `+clause, args...)
		return err
	})
}

// withdraw retires a machine that only the plan knew.
func (a *application) withdraw(ctx context.Context, m *inventory.Machine) error {
	if err := inventory.Move(m.Phase, inventory.Retired); err != nil {
		return err
	}
	a.gone = append(a.gone, m.ID)
	gone := *m
	gone.Phase = inventory.Retired
	n, err := exec(ctx, a.tx, `UPDATE machine SET phase = $1, updated_at = $2, version = version + 1 WHERE id = $3 AND version = $4`,
		gone.Phase, a.db.now(), m.ID, m.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return changedMeanwhile(m.Name, "run plan again")
	}
	return a.db.retire(ctx, a.tx, &gone)
}

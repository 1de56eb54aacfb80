package store

import (
	"context"

	"rackwright/inventory"
)

// vacateMachines gives up what changed machines alone may hold until they are written
// again.
func (a *application) vacateMachines(ctx context.Context) error {
	known, ids := map[string]bool{}, []string(nil)
	for i := range a.have.Machines {
		known[a.have.Machines[i].ID] = true
	}
	for _, m := range a.machines {
		if known[m.ID] {
			ids = append(ids, m.ID)
		}
	}
	if err := a.unplug(ctx, ids); err != nil {
		return err
	}
	for _, free := range []struct{ column, statement string }{
		{"machine_id", `DELETE FROM slot_cell WHERE `},
		{"machine_id", `DELETE FROM nic WHERE `},
		{"machine_id", `DELETE FROM bond WHERE `},
		{"machine_id", `DELETE FROM vlan WHERE `},
		{"machine_id", `DELETE FROM machine_address WHERE `},
		{"machine_id", `DELETE FROM machine_label WHERE `},
		{"machine_id", `DELETE FROM machine_word WHERE `},
		{"machine_id", `DELETE FROM condition WHERE type = '` + inventory.BMCUnusable + `' AND `}, // the new way to its BMC is tried at once
		{"machine_id", `UPDATE bmc SET address = CAST(machine_id AS text), mac = NULL WHERE `},
		{"id", `UPDATE machine SET serial_key = NULL, asset_tag = '', chassis_id = NULL WHERE `},
	} {
		if err := a.db.forEach(ids, free.column, func(clause string, args []any) error {
			_, err := exec(ctx, a.tx, free.statement+clause, args...)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// adoptStrangers removes the records of machines that were seen unplanned and whose MAC
// the plan now gives to a machine. Their events stay, found with that machine's.
func (a *application) adoptStrangers(ctx context.Context) error {
	planned, named := map[inventory.MAC]*inventory.Machine{}, map[string]bool{}
	for i := range a.want.Machines {
		m := &a.want.Machines[i]
		named[m.Name] = true
		for j := range m.NICs {
			if mac := m.NICs[j].MAC; !mac.IsZero() {
				planned[mac] = m
			}
		}
	}
	var ids []string
	for i := range a.have.Machines {
		m := &a.have.Machines[i]
		if m.Slot != nil || named[m.Name] {
			continue
		}
		for j := range m.NICs {
			if owner := planned[m.NICs[j].MAC]; owner != nil {
				ids = append(ids, m.ID)
				a.adopted = append(a.adopted, [2]string{owner.ID, m.ID})
				break
			}
		}
	}
	a.gone = append(a.gone, ids...)
	return a.db.forEach(ids, "id", func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM machine WHERE `+clause, args...)
		return err
	})
}

// rememberStrangers notes whom the strangers turned out to be.
func (a *application) rememberStrangers(ctx context.Context) error {
	for _, is := range a.adopted {
		if err := remember(ctx, a.tx, is[0], is[1]); err != nil {
			return err
		}
	}
	return nil
}

// writeMachines writes the changed machines and what hangs on them, but for their cables.
func (a *application) writeMachines(ctx context.Context) error {
	if err := a.db.writePlanned(ctx, a.tx, a.ids, a.machines); err != nil {
		return err
	}
	cells := a.db.batch(a.tx, `INSERT INTO slot_cell (rack_id, face, u, side, machine_id)`, "", 5)
	defer cells.close()
	for _, m := range a.machines {
		if m.Slot == nil {
			continue
		}
		for _, c := range m.Slot.Cells() {
			if err := cells.add(ctx, a.ids.racks[m.Slot.Rack], c.Face, c.U, c.Side, m.ID); err != nil {
				return err
			}
		}
	}
	if err := cells.done(ctx); err != nil {
		return err
	}
	if err := a.writeBMCs(ctx); err != nil {
		return err
	}
	return a.db.writeLabels(ctx, a.tx, a.machines)
}

// writePlanned writes what plans say of machines, with their ports; of those that exist
// the state is left alone.
func (db *DB) writePlanned(ctx context.Context, tx *txn, ids identities, machines []*inventory.Machine) error {
	list := db.batch(tx, `INSERT INTO machine (id, name, phase, rack_id, u, height, face, full_depth, side, chassis_id, bay, firmware, arch, vendor, model,
			serial, serial_key, uuid, spec, asset_tag, batch, project_id, power, image, version, created_at, updated_at)`,
		`ON CONFLICT (id) DO UPDATE SET rack_id = excluded.rack_id, u = excluded.u, height = excluded.height, face = excluded.face,
			full_depth = excluded.full_depth, side = excluded.side, chassis_id = excluded.chassis_id, bay = excluded.bay, firmware = excluded.firmware,
			arch = excluded.arch, vendor = excluded.vendor, model = excluded.model, serial = excluded.serial, serial_key = excluded.serial_key,
			uuid = excluded.uuid, spec = excluded.spec, asset_tag = excluded.asset_tag,
			batch = excluded.batch, project_id = excluded.project_id, updated_at = excluded.updated_at, version = machine.version + 1
		WHERE machine.version = excluded.version`, 27)
	defer list.close()
	now := db.now()
	for _, m := range machines {
		if m.Version == 0 {
			m.CreatedAt, m.UpdatedAt, m.Version = now, now, 1
		}
		if err := list.add(ctx, append(append([]any{m.ID, m.Name, m.Phase}, slotColumns(ids, m.Slot)...), m.Firmware, m.Arch, m.Vendor, m.Model,
			m.Serial, orNull(m.SerialKey()), m.UUID, toJSON(specOfMachine(m)), m.AssetTag, m.Batch,
			orNull(ids.projects[m.Project]), m.Power, m.Image, m.Version, m.CreatedAt, now)...); err != nil {
			return err
		}
	}
	if err := list.done(ctx); err != nil {
		return err
	}
	if list.written != int64(len(machines)) {
		return changedMeanwhile("a machine of the plan", "run plan again")
	}
	if err := db.writeNICs(ctx, tx, ids, machines); err != nil {
		return err
	}
	return db.writeBonds(ctx, tx, ids, machines)
}

// slotColumns are rack_id, u, height, face, full_depth, side, chassis_id, bay.
func slotColumns(ids identities, s *inventory.Slot) []any {
	if s == nil {
		return []any{nil, nil, nil, nil, false, "", nil, ""}
	}
	face, deep := s.Face, s.Face == inventory.Both
	if deep {
		face = inventory.Front
	}
	return []any{ids.racks[s.Rack], s.U, s.Height, face, deep, s.Side, orNull(ids.devices[s.Chassis]), s.Bay}
}

func (db *DB) writeNICs(ctx context.Context, tx *txn, ids identities, machines []*inventory.Machine) error {
	nics := db.batch(tx, `INSERT INTO nic (machine_id, mac, position, name, network_id, address, address6, boot, connector, bond)`, "", 10)
	defer nics.close()
	for _, m := range machines {
		for i := range m.NICs {
			n := &m.NICs[i]
			if err := nics.add(ctx, m.ID, macOrNull(n.MAC), i, n.Name, orNull(ids.networks[n.Network]), addrOrNull(n.Address), addrOrNull(n.Address6), n.Boot, n.Connector, n.Bond); err != nil {
				return err
			}
		}
	}
	return nics.done(ctx)
}

// writeBMCs writes the BMCs of the changed machines and seals the passwords that are new.
// A new one takes the place of what a claim left, which is kept as the former: it may
// still be the one that opens the BMC. A new account with no new password leaves a claimed
// BMC's in force, whose password is of no use to another, until the next claim.
func (a *application) writeBMCs(ctx context.Context) error {
	bmcs := a.db.batch(a.tx, `INSERT INTO bmc (machine_id, address, username, planned_username, password_sealed, planned_sealed, certificate_sha256, planned_certificate, mac)`,
		`ON CONFLICT (machine_id) DO UPDATE SET address = excluded.address, certificate_sha256 = excluded.certificate_sha256,
			planned_certificate = excluded.planned_certificate, mac = excluded.mac,
			planned_username = excluded.planned_username,
			username = CASE WHEN excluded.password_sealed <> '' OR bmc.claimed_at IS NULL THEN excluded.username ELSE bmc.username END,
			former_username = CASE WHEN excluded.password_sealed = '' OR bmc.claimed_at IS NULL THEN bmc.former_username ELSE bmc.username END,
			former_sealed = CASE WHEN excluded.password_sealed = '' OR bmc.claimed_at IS NULL THEN bmc.former_sealed ELSE bmc.password_sealed END,
			claimed_at = CASE excluded.password_sealed WHEN '' THEN bmc.claimed_at ELSE NULL END,
			planned_sealed = CASE excluded.password_sealed WHEN '' THEN bmc.planned_sealed ELSE excluded.planned_sealed END,
			password_sealed = CASE excluded.password_sealed WHEN '' THEN bmc.password_sealed ELSE excluded.password_sealed END`, 9)
	defer bmcs.close()
	var without []string
	for _, m := range a.machines {
		if m.BMC == nil {
			without = append(without, m.ID)
			continue
		}
		sealed := ""
		if p := a.want.Passwords[m.Name]; p != "" && !a.have.HasPassword(m.ID, p) {
			sealed = a.db.seal.Seal([]byte(p), sealContext(m.ID))
		}
		if err := bmcs.add(ctx, m.ID, m.BMC.Address, m.BMC.Username, m.BMC.Username, sealed, sealed, m.BMC.CertificateSHA256, m.BMC.PlannedCertificate, macOrNull(m.BMC.MAC)); err != nil {
			return err
		}
	}
	if err := bmcs.done(ctx); err != nil {
		return err
	}
	return a.db.forEach(without, "machine_id", func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM bmc WHERE `+clause, args...)
		return err
	})
}

// insertMachine writes a machine that no plan knows, with its ports.
func (db *DB) insertMachine(ctx context.Context, tx *txn, m *inventory.Machine) error {
	list, err := networks(ctx, tx)
	if err != nil {
		return err
	}
	ids := identities{networks: map[string]string{}}
	for _, n := range list {
		ids.networks[n.Name] = n.ID
	}
	one := []*inventory.Machine{m}
	if err := db.writePlanned(ctx, tx, ids, one); err != nil {
		return err
	}
	return db.writeLabels(ctx, tx, one)
}

func values[T any](list []*T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = *v
	}
	return out
}

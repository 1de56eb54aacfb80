package store

import (
	"context"
	"database/sql"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Machine returns a machine by id or name.
func (db *DB) Machine(ctx context.Context, idOrName string) (m *inventory.Machine, err error) {
	switch _, joint := ctx.Value(jointKey{db.sql}).(*txn); {
	case joint || db.byName == nil:
		m, err = db.machine(ctx, db.sql, idOrName)
	case isID(idOrName):
		m, err = db.byID.ask(ctx, strings.ToLower(idOrName))
	default:
		m, err = db.byName.ask(ctx, idOrName)
	}
	return m, db.fault(err)
}

func (db *DB) machine(ctx context.Context, q queryer, idOrName string) (*inventory.Machine, error) {
	pick := "m.name = $1 AND m.phase <> 'retired'"
	if isID(idOrName) {
		pick, idOrName = "m.id = $1", strings.ToLower(idOrName)
	}
	found, err := db.machines(ctx, q, pick, idOrName)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noMachine(idOrName)
	}
	return &found[0], nil
}

func noMachine(idOrName string) error {
	return fault.NotFoundf("there is no machine %q", idOrName).WithHint("'rackwright machine list' shows them")
}

// machines reads the machines a clause picks, with all that hangs on them. It sees m, the
// machine, and r, its rack.
func (db *DB) machines(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.Machine, error) {
	return db.machinesWith(ctx, q, "m.facts", pick, args...)
}

// machinesWith reads machines like machines, with what is written for their facts.
func (db *DB) machinesWith(ctx context.Context, q queryer, facts, pick string, args ...any) ([]inventory.Machine, error) {
	return collect(ctx, q, readMachine, `SELECT m.id, m.name, m.phase,
		(SELECT name FROM rack WHERE id = m.rack_id), m.u, m.height, m.face, m.full_depth, m.side, (SELECT name FROM device WHERE id = m.chassis_id), m.bay,
		m.firmware, m.arch, m.vendor, m.model, m.serial, m.uuid, m.spec, m.asset_tag, m.batch, (SELECT name FROM project WHERE id = m.project_id),
		m.hold_by, m.hold_reason, m.hold_since, m.hold_until, m.replaces, m.erased_at, m.power, `+facts+`, m.image, m.version, m.created_at, m.updated_at,
		b.address, CASE b.planned_username WHEN '' THEN b.username ELSE b.planned_username END, b.certificate_sha256, b.mac,
		CASE WHEN b.planned_username IN ('', b.username) THEN b.claimed_at END, b.planned_certificate, `+db.dialect.conditionsOf()+`
		FROM machine m LEFT JOIN bmc b ON b.machine_id = m.id
		WHERE `+pick, args...)
}

func readMachine(scan func(...any) error) (m inventory.Machine, err error) {
	var rack, face, chassis, project, way sql.NullString
	var bmc inventory.BMC
	var u, height sql.NullInt64
	var slot inventory.Slot
	var deep bool
	var hold inventory.Hold
	var s machineSpec
	err = scan(asText{&m.ID}, &m.Name, &m.Phase, &rack, &u, &height, &face, &deep, &slot.Side, &chassis, &slot.Bay,
		&m.Firmware, &m.Arch, &m.Vendor, &m.Model, &m.Serial, &m.UUID, asJSON{&s}, &m.AssetTag, &m.Batch, &project,
		&hold.By, &hold.Reason, asTime{&hold.Since}, asTime{&hold.Until}, asText{&m.Replaces}, asTime{&m.Erased}, &m.Power, asJSON{&m.Facts}, &m.Image, &m.Version,
		asTime{&m.CreatedAt}, asTime{&m.UpdatedAt},
		&way, asText{&bmc.Username}, asText{&bmc.CertificateSHA256}, asMAC{&bmc.MAC}, asTime{&bmc.Claimed}, asText{&bmc.PlannedCertificate}, asConditions{&m.Conditions})
	m.Project = project.String
	s.tell(&m)
	if way.Valid {
		bmc.Address = way.String
		m.BMC = &bmc
	}
	if u.Valid {
		slot.Rack, slot.U, slot.Height, slot.Face, slot.Chassis = rack.String, int(u.Int64), int(height.Int64), inventory.Face(face.String), chassis.String
		if deep {
			slot.Face = inventory.Both
		}
		m.Slot = &slot
	}
	if !hold.Until.IsZero() {
		m.Hold = &hold
	}
	return m, err
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Machine returns a machine by id or name.
func (db *DB) Machine(ctx context.Context, idOrName string) (*inventory.Machine, error) {
	m, err := machine(ctx, db.sql, idOrName)
	return m, db.fault(err)
}

func machine(ctx context.Context, q queryer, idOrName string) (*inventory.Machine, error) {
	pick := "m.name = $1 AND m.phase <> 'retired'"
	if isID(idOrName) {
		pick, idOrName = "m.id = $1", strings.ToLower(idOrName)
	}
	found, err := machines(ctx, q, pick, idOrName)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("there is no machine %q", idOrName).WithHint("'rackwright machine list' shows them")
	}
	return &found[0], nil
}

// machines reads the machines a clause picks, with all that hangs on them, in a few
// queries for each some hundred of them.
func machines(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.Machine, error) {
	return machinesWith(ctx, q, "m.facts", pick, args...)
}

// machinesWith reads machines like machines, with what is written for their facts.
func machinesWith(ctx context.Context, q queryer, column, pick string, args ...any) ([]inventory.Machine, error) {
	var facts []string
	list, err := collect(ctx, q, func(scan func(...any) error) (inventory.Machine, error) {
		m, raw, err := readMachine(scan)
		facts = append(facts, raw)
		return m, err
	}, `SELECT m.id, m.name, m.phase, r.name, m.u, m.height, m.face, m.full_depth, m.side, d.name, m.bay,
		m.firmware, m.arch, m.vendor, m.model, m.serial, m.uuid, m.root_disk, m.psus, m.waivers, m.asset_tag, m.batch, p.name,
		m.hold_by, m.hold_reason, m.hold_since, m.hold_until, m.replaces, m.erased_at, m.power, `+column+`, m.image, m.version, m.created_at, m.updated_at
		FROM machine m LEFT JOIN rack r ON r.id = m.rack_id LEFT JOIN device d ON d.id = m.chassis_id LEFT JOIN project p ON p.id = m.project_id
		WHERE `+pick, args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	decoded := make(chan error, 1)
	go func() { decoded <- decodeFacts(list, facts) }()
	return list, cmp.Or(hangOn(ctx, q, list), <-decoded)
}

// decodeFacts reads the facts of machines, while their other parts come from the database:
// it is half of the work.
func decodeFacts(list []inventory.Machine, facts []string) error {
	for i, raw := range facts {
		if err := (asJSON{&list[i].Facts}).Scan(raw); err != nil {
			return err
		}
	}
	return nil
}

// hangOn reads what machines have many of, in two strands where the queryer takes two
// questions at a time.
func hangOn(ctx context.Context, q queryer, list []inventory.Machine) error {
	at, ids := make(map[string]*inventory.Machine, len(list)), make([]string, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	var plugs []func() // when all ports are there
	ports := func(q queryer) error { return readAll(ctx, q, at, ids, readNICs, readBonds, readVLANs) }
	others := func(q queryer) error {
		plug := func(owner, port string, c *inventory.Cable) {
			plugs = append(plugs, func() { plugMachine(at[owner], port, c) })
		}
		if err := readAll(ctx, q, at, ids, readBMCs, readConditions, readLabels); err != nil {
			return err
		}
		return readCables(ctx, q, ids, plug)
	}
	err := ask(ctx, q, ports, others)
	for _, plug := range plugs {
		plug()
	}
	return err
}

// readAll reads some of what machines have many of.
func readAll(ctx context.Context, q queryer, at map[string]*inventory.Machine, ids []string, reads ...func(context.Context, queryer, map[string]*inventory.Machine, string, []any) error) error {
	return forEach(ids, "machine_id", func(clause string, args []any) error {
		for _, read := range reads {
			if err := read(ctx, q, at, clause, args); err != nil {
				return err
			}
		}
		return nil
	})
}

func readMachine(scan func(...any) error) (m inventory.Machine, facts string, err error) {
	var rack, face, chassis, project sql.NullString
	var u, height sql.NullInt64
	var slot inventory.Slot
	var deep bool
	var hold inventory.Hold
	err = scan(asText{&m.ID}, &m.Name, &m.Phase, &rack, &u, &height, &face, &deep, &slot.Side, &chassis, &slot.Bay,
		&m.Firmware, &m.Arch, &m.Vendor, &m.Model, &m.Serial, &m.UUID, asJSON{&m.RootDisk}, asJSON{&m.PSUs}, asJSON{&m.Waivers}, &m.AssetTag, &m.Batch, &project,
		&hold.By, &hold.Reason, asTime{&hold.Since}, asTime{&hold.Until}, asText{&m.Replaces}, asTime{&m.Erased}, &m.Power, asText{&facts}, &m.Image, &m.Version,
		asTime{&m.CreatedAt}, asTime{&m.UpdatedAt})
	m.Project = project.String
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
	return m, facts, err
}

func readNICs(ctx context.Context, q queryer, at map[string]*inventory.Machine, clause string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (n inventory.NIC, err error) {
		var id string
		var network sql.NullString
		err = scan(asText{&id}, &n.Name, asMAC{&n.MAC}, &network, asAddr{&n.Address}, asAddr{&n.Address6}, &n.Boot, &n.Connector, &n.Bond)
		n.Network = network.String
		if m := at[id]; m != nil {
			m.NICs = append(m.NICs, n)
		}
		return n, err
	}, `SELECT n.machine_id, n.name, n.mac, w.name, n.address, n.address6, n.boot, n.connector, n.bond FROM nic n LEFT JOIN network w ON w.id = n.network_id
		WHERE n.`+clause+` ORDER BY n.machine_id, n.position`, args...)
	return err
}

func readBMCs(ctx context.Context, q queryer, at map[string]*inventory.Machine, clause string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (b inventory.BMC, err error) {
		var id string
		err = scan(asText{&id}, &b.Address, &b.Username, &b.CertificateSHA256, asMAC{&b.MAC}, asTime{&b.Claimed}, &b.PlannedCertificate)
		if m := at[id]; m != nil {
			m.BMC = &b
		}
		return b, err
	}, `SELECT machine_id, address, CASE planned_username WHEN '' THEN username ELSE planned_username END, certificate_sha256, mac,
			CASE WHEN planned_username IN ('', username) THEN claimed_at END, planned_certificate FROM bmc WHERE `+clause, args...)
	return err
}

func readConditions(ctx context.Context, q queryer, at map[string]*inventory.Machine, clause string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (c inventory.Condition, err error) {
		var id string
		err = scan(asText{&id}, &c.Type, &c.Subject, &c.Reason, &c.Evidence, &c.Hint, asTime{&c.Since}, &c.Waived.By, &c.Waived.Reason, asTime{&c.Waived.At})
		if m := at[id]; m != nil {
			m.Conditions = append(m.Conditions, c)
		}
		return c, err
	}, `SELECT machine_id, type, subject, reason, evidence, hint, since, waived_by, waived_reason, waived_at
		FROM condition WHERE `+clause+` ORDER BY since, type, subject`, args...)
	return err
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// MachineFilter narrows a list of machines; empty fields do not.
type MachineFilter struct {
	Rack, Phase, MAC string
	Names            []string
	After            string // name of the last one seen
	Limit            int    // 0: all
}

// Machines lists machines by name.
func (db *DB) Machines(ctx context.Context, f MachineFilter) ([]inventory.Machine, error) {
	where, args := []string{"m.name > $1"}, []any{f.After}
	arg := func(clause string, v any) {
		args = append(args, v)
		where = append(where, strings.ReplaceAll(clause, "$", fmt.Sprintf("$%d", len(args))))
	}
	if f.Rack != "" {
		arg("m.rack_id IN (SELECT id FROM rack WHERE name = $)", f.Rack)
	}
	if f.Phase != "" {
		arg("m.phase = $", f.Phase)
	}
	if f.MAC != "" {
		mac, err := inventory.ParseMAC(f.MAC)
		if err != nil {
			return nil, err
		}
		arg("m.id IN (SELECT machine_id FROM nic WHERE mac = $)", mac.String())
	}
	if len(f.Names) > 0 {
		marks := make([]string, len(f.Names))
		for i, n := range f.Names {
			args = append(args, n)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		where = append(where, "m.name IN ("+strings.Join(marks, ", ")+")")
	}
	pick := strings.Join(where, " AND ") + " ORDER BY m.name"
	if f.Limit > 0 {
		pick += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	out, err := machines(ctx, db.sql, pick, args...)
	return out, db.fault(err)
}

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

// machines reads the machines a clause picks, with all that hangs on them, in four
// queries whatever their number.
func machines(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.Machine, error) {
	list, err := collect(ctx, q, readMachine, `SELECT m.id, m.name, m.phase, r.name, m.u, m.height, m.face, m.firmware, m.arch, m.vendor, m.model,
		m.serial, m.uuid, m.root_disk, m.power, m.facts, m.image, m.version, m.created_at, m.updated_at
		FROM machine m LEFT JOIN rack r ON r.id = m.rack_id WHERE `+pick, args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	at := make(map[string]*inventory.Machine, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	in := ` WHERE machine_id IN (SELECT m.id FROM machine m WHERE ` + pick + `)`
	if err := readNICs(ctx, q, at, in, args); err != nil {
		return nil, err
	}
	if err := readBMCs(ctx, q, at, in, args); err != nil {
		return nil, err
	}
	return list, readConditions(ctx, q, at, in, args)
}

func readMachine(scan func(...any) error) (m inventory.Machine, err error) {
	var rack, face sql.NullString
	var u, height sql.NullInt64
	err = scan(asText{&m.ID}, &m.Name, &m.Phase, &rack, &u, &height, &face, &m.Firmware, &m.Arch, &m.Vendor, &m.Model,
		&m.Serial, &m.UUID, asJSON{&m.RootDisk}, &m.Power, asJSON{&m.Facts}, &m.Image, &m.Version, asTime{&m.CreatedAt}, asTime{&m.UpdatedAt})
	if u.Valid {
		m.Slot = &inventory.Slot{Rack: rack.String, U: int(u.Int64), Height: int(height.Int64), Face: inventory.Face(face.String)}
	}
	return m, err
}

func readNICs(ctx context.Context, q queryer, at map[string]*inventory.Machine, in string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (n inventory.NIC, err error) {
		var id string
		var network sql.NullString
		err = scan(asText{&id}, &n.Name, asMAC{&n.MAC}, &network, asAddr{&n.Address}, &n.Boot)
		n.Network = network.String
		if m := at[id]; m != nil {
			m.NICs = append(m.NICs, n)
		}
		return n, err
	}, `SELECT n.machine_id, n.name, n.mac, w.name, n.address, n.boot FROM nic n LEFT JOIN network w ON w.id = n.network_id`+in+
		` ORDER BY n.machine_id, n.position`, args...)
	return err
}

func readBMCs(ctx context.Context, q queryer, at map[string]*inventory.Machine, in string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (b inventory.BMC, err error) {
		var id string
		err = scan(asText{&id}, &b.Address, &b.Username, &b.CertificateSHA256, asMAC{&b.MAC})
		if m := at[id]; m != nil {
			m.BMC = &b
		}
		return b, err
	}, `SELECT machine_id, address, username, certificate_sha256, mac FROM bmc`+in, args...)
	return err
}

func readConditions(ctx context.Context, q queryer, at map[string]*inventory.Machine, in string, args []any) error {
	_, err := collect(ctx, q, func(scan func(...any) error) (c inventory.Condition, err error) {
		var id string
		err = scan(asText{&id}, &c.Type, &c.Subject, &c.Reason, &c.Evidence, &c.Hint, asTime{&c.Since}, &c.Waived.By, &c.Waived.Reason, asTime{&c.Waived.At})
		if m := at[id]; m != nil {
			m.Conditions = append(m.Conditions, c)
		}
		return c, err
	}, `SELECT machine_id, type, subject, reason, evidence, hint, since, waived_by, waived_reason, waived_at
		FROM condition`+in+` ORDER BY since, type, subject`, args...)
	return err
}

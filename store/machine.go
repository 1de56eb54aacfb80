package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
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
		m.Slot = &inventory.Slot{Rack: rack.String, U: int(u.Int64), Height: int(height.Int64), Face: face.String}
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
		err = scan(asText{&id}, &c.Type, &c.Reason, &c.Evidence, &c.Hint, asTime{&c.Since})
		if m := at[id]; m != nil {
			m.Conditions = append(m.Conditions, c)
		}
		return c, err
	}, `SELECT machine_id, type, reason, evidence, hint, since FROM condition`+in+` ORDER BY since, type`, args...)
	return err
}

// ChangeMachine reads a machine, lets change alter it, and writes phase, power, facts,
// image, conditions and observed identity back in one transaction together with the
// events change returns. Of several writers each sees what the one before it left; change
// may be run more than once and must do nothing else. The machine is not written when
// change leaves it as it was.
func (db *DB) ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error) {
	var out *inventory.Machine
	err := db.tx(ctx, func(tx *sql.Tx) error {
		m, err := db.machineToChange(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		before := *m
		before.Conditions = slices.Clone(m.Conditions)
		facts := toJSON(m.Facts)
		events, err := change(m)
		if err != nil {
			return err
		}
		out = m
		if err := db.writeState(ctx, tx, &before, facts, m); err != nil {
			return err
		}
		return db.append(ctx, tx, named(events, m))
	})
	if err == nil {
		db.events.wake(everything)
		db.changed.wake(everything)
	}
	return out, err
}

// machineToChange reads a machine that no other transaction changes until this one ends.
func (db *DB) machineToChange(ctx context.Context, tx *sql.Tx, idOrName string) (*inventory.Machine, error) {
	m, err := machine(ctx, tx, idOrName)
	if err != nil || db.dialect.lock == "" {
		return m, err
	}
	if _, err := db.lock(ctx, tx, `SELECT 1 FROM machine WHERE id = $1`, m.ID); err != nil {
		return nil, err
	}
	return machine(ctx, tx, m.ID) // as it is now that it is held
}

// named fills in whose events they are.
func named(events []journal.Event, m *inventory.Machine) []journal.Event {
	for i := range events {
		events[i].Machine, events[i].Name = m.ID, m.Name
	}
	return events
}

func (db *DB) writeState(ctx context.Context, tx *sql.Tx, before *inventory.Machine, facts string, m *inventory.Machine) error {
	moved, conditions := before.Phase != m.Phase, !slices.Equal(before.Conditions, m.Conditions)
	same := !moved && !conditions && before.Power == m.Power && facts == toJSON(m.Facts) && before.Image == m.Image &&
		before.Serial == m.Serial && before.UUID == m.UUID
	if same {
		return nil
	}
	if moved {
		if err := inventory.Move(before.Phase, m.Phase); err != nil {
			return err
		}
	}
	n, err := exec(ctx, tx, `UPDATE machine SET phase = $1, power = $2, facts = $3, image = $4, serial = $5, serial_key = $6, uuid = $7, updated_at = $8,
			version = version + 1 WHERE id = $9 AND version = $10`,
		m.Phase, m.Power, jsonOrNull(m.Facts), m.Image, m.Serial, orNull(m.SerialKey()), m.UUID, db.now(), m.ID, before.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return changedMeanwhile(m.Name, "try again")
	}
	m.Version, m.UpdatedAt = before.Version+1, db.now()
	if conditions {
		if err := db.writeConditions(ctx, tx, m); err != nil {
			return err
		}
	}
	if moved && m.Phase == inventory.Retired {
		if err := retire(ctx, tx, m); err != nil {
			return err
		}
	}
	if moved || before.UUID != m.UUID {
		return bump(ctx, tx)
	}
	return nil
}

func changedMeanwhile(name, hint string) error {
	return &fault.Error{Kind: fault.Conflict, Message: name + " was changed by somebody else meanwhile", Hint: hint, Err: errStale}
}

func (db *DB) writeConditions(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	if _, err := exec(ctx, tx, `DELETE FROM condition WHERE machine_id = $1`, m.ID); err != nil {
		return err
	}
	for i := range m.Conditions {
		c := &m.Conditions[i]
		if c.Since.IsZero() {
			c.Since = db.now()
		}
		if _, err := exec(ctx, tx, `INSERT INTO condition (machine_id, type, reason, evidence, hint, since) VALUES ($1, $2, $3, $4, $5, $6)`,
			m.ID, c.Type, c.Reason, c.Evidence, c.Hint, c.Since); err != nil {
			return err
		}
	}
	return nil
}

// retire gives up what a machine held, so that its slot, MACs, addresses and BMC are
// free for others and its credentials are gone. Work on it must have ended.
func retire(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	open, err := collect(ctx, tx, readText, `SELECT id FROM operation WHERE machine_id = $1 AND state IN ('queued', 'running', 'parked') ORDER BY id`, m.ID)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return fault.Conflictf("%s cannot retire while operation %s has not ended", m.Name, open[0]).WithHint("wait for it, or 'rackwright operation cancel %s'", open[0])
	}
	for _, table := range []string{"slot_cell", "nic", "bmc"} {
		if _, err := exec(ctx, tx, `DELETE FROM `+table+` WHERE machine_id = $1`, m.ID); err != nil {
			return err
		}
	}
	m.Slot, m.NICs, m.BMC = nil, nil, nil
	_, err = exec(ctx, tx, `UPDATE machine SET rack_id = NULL, u = NULL, height = NULL, face = NULL WHERE id = $1`, m.ID)
	return err
}

// MachineByMAC returns the machine a NIC belongs to, NotFound for a stranger.
func (db *DB) MachineByMAC(ctx context.Context, mac inventory.MAC) (*inventory.Machine, error) {
	found, err := machines(ctx, db.sql, "m.id IN (SELECT machine_id FROM nic WHERE mac = $1)", mac.String())
	if err != nil {
		return nil, db.fault(err)
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("no machine has MAC %s", mac)
	}
	return &found[0], nil
}

// AddStranger records a machine that is in no plan, seen by one of its MACs on a
// network; a second call for the same MAC returns the same machine.
func (db *DB) AddStranger(ctx context.Context, mac inventory.MAC, uuid, network string) (*inventory.Machine, error) {
	if m, err := db.MachineByMAC(ctx, mac); !fault.Is(err, fault.NotFound) {
		return m, err
	}
	var out *inventory.Machine
	err := db.tx(ctx, func(tx *sql.Tx) error {
		found, err := machines(ctx, tx, "m.id IN (SELECT machine_id FROM nic WHERE mac = $1)", mac.String())
		if err != nil {
			return err
		}
		if len(found) > 0 { // another packet of it came first
			out = &found[0]
			return nil
		}
		out = &inventory.Machine{ID: newID(), Name: "unknown-" + mac.Plain(), Phase: inventory.Discovered, Power: inventory.PowerUnknown, UUID: uuid,
			NICs: []inventory.NIC{{Name: "nic1", MAC: mac, Network: network, Boot: true}}}
		return db.insertStranger(ctx, tx, out, network)
	})
	if err != nil {
		return nil, err
	}
	db.changed.wake(everything)
	db.events.wake(everything)
	return out, nil
}

func (db *DB) insertStranger(ctx context.Context, tx *sql.Tx, m *inventory.Machine, network string) error {
	if err := db.insertMachine(ctx, tx, m); err != nil {
		return err
	}
	if err := db.writeNICs(ctx, tx, m); err != nil {
		return err
	}
	if err := bump(ctx, tx); err != nil {
		return err
	}
	mac := m.NICs[0].MAC
	return db.append(ctx, tx, []journal.Event{{Kind: journal.MachineSeen, Machine: m.ID, Name: m.Name, MAC: mac, Actor: "server",
		Summary: fmt.Sprintf("unknown machine %s seen on network %s", mac, network)}})
}

// BMCAccess returns how to reach a machine's BMC, password opened.
func (db *DB) BMCAccess(ctx context.Context, machineID string) (bmc.Access, error) {
	var a bmc.Access
	var sealed string
	err := db.sql.QueryRowContext(ctx, `SELECT address, username, password_sealed, certificate_sha256 FROM bmc WHERE machine_id = $1`, machineID).
		Scan(&a.Address, &a.Username, &sealed, &a.CertificateSHA256)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fault.NotFoundf("the machine has no BMC").WithHint("give it a bmc in the plan")
	}
	if err != nil {
		return a, db.fault(err)
	}
	if sealed != "" {
		plain, err := db.seal.Open(sealed, sealContext(machineID))
		if err != nil {
			return a, err
		}
		a.Password = string(plain)
	}
	return a, nil
}

func sealContext(machineID string) string { return "bmc/" + machineID + "/password" }

// PinCertificate keeps the certificate a BMC showed at first contact; one that is
// pinned already stays.
func (db *DB) PinCertificate(ctx context.Context, machineID, sha256 string) error {
	_, err := exec(ctx, db.sql, `UPDATE bmc SET certificate_sha256 = $1 WHERE machine_id = $2 AND certificate_sha256 = ''`, sha256, machineID)
	return db.fault(err)
}

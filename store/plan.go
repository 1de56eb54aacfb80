package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"fmt"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Racks lists the racks by name.
func (db *DB) Racks(ctx context.Context) ([]inventory.Rack, error) {
	out, err := racks(ctx, db.sql)
	return out, db.fault(err)
}

func racks(ctx context.Context, q queryer) ([]inventory.Rack, error) {
	return collect(ctx, q, func(scan func(...any) error) (r inventory.Rack, err error) {
		err = scan(asText{&r.ID}, &r.Name, &r.Site, &r.Units, &r.Version)
		return r, err
	}, `SELECT r.id, r.name, s.name, r.units, r.version FROM rack r JOIN site s ON s.id = r.site_id ORDER BY r.name`)
}

// Networks lists the networks by name.
func (db *DB) Networks(ctx context.Context) ([]inventory.Network, error) {
	out, err := networks(ctx, db.sql)
	return out, db.fault(err)
}

func networks(ctx context.Context, q queryer) ([]inventory.Network, error) {
	return collect(ctx, q, func(scan func(...any) error) (n inventory.Network, err error) {
		var prefix string
		err = scan(asText{&n.ID}, &n.Name, asText{&prefix}, asAddr{&n.Gateway}, asJSON{&n.DNS}, asJSON{&n.NTP}, &n.Domain, &n.MTU, &n.Purpose,
			&n.DHCP, &n.Strangers, asAddr{&n.Pool.First}, asAddr{&n.Pool.Last}, &n.LeaseSeconds, &n.RouterAdverts,
			&n.VLAN, &n.RoutingDomain, &n.Version)
		if err == nil {
			err = n.Prefix.UnmarshalText([]byte(prefix))
		}
		return n, err
	}, `SELECT id, name, cidr, gateway, dns, ntp, domain, mtu, purpose, dhcp, strangers, pool_first, pool_last, lease_seconds, router_adverts, vlan, routing_domain, version
		FROM network ORDER BY name`)
}

func (db *DB) inventoryOf(ctx context.Context, q queryer) (have inventory.Inventory, err error) {
	have.Sites, err = collect(ctx, q, func(scan func(...any) error) (s inventory.Site, err error) {
		err = scan(asText{&s.ID}, &s.Name)
		return s, err
	}, `SELECT id, name FROM site ORDER BY name`)
	if err != nil {
		return have, err
	}
	if have.Networks, err = networks(ctx, q); err != nil {
		return have, err
	}
	if have.Racks, err = racks(ctx, q); err != nil {
		return have, err
	}
	if have.Machines, err = machines(ctx, q, "m.phase <> 'retired' ORDER BY m.name"); err != nil {
		return have, err
	}
	have.HasPassword, err = db.passwords(ctx, q)
	return have, err
}

// passwords returns a function that tells whether a machine's BMC has that password.
func (db *DB) passwords(ctx context.Context, q queryer) (func(machineID, password string) bool, error) {
	sealed := map[string]string{}
	_, err := collect(ctx, q, func(scan func(...any) error) (id string, err error) {
		var s string
		err = scan(asText{&id}, &s)
		sealed[id] = s
		return id, err
	}, `SELECT machine_id, password_sealed FROM bmc WHERE password_sealed <> ''`)
	return func(id, password string) bool {
		if sealed[id] == "" {
			return false
		}
		old, err := db.seal.Open(sealed[id], sealContext(id))
		return err == nil && subtle.ConstantTimeCompare(old, []byte(password)) == 1
	}, err
}

// DiffPlan says what applying a plan would do, and changes nothing.
func (db *DB) DiffPlan(ctx context.Context, p inventory.Plan) (*inventory.Diff, error) {
	want, err := p.Resolve()
	if err != nil {
		return nil, err
	}
	have, err := db.inventoryOf(ctx, db.sql)
	if err != nil {
		return nil, db.fault(err)
	}
	return want.Against(have)
}

// ApplyPlan makes the inventory as the plan says, whole or not at all. A hash that is not
// empty must be that of the changes now to be made. Passwords are sealed before they are
// written; the same plan applied again changes nothing.
func (db *DB) ApplyPlan(ctx context.Context, p inventory.Plan, hash, actor string) (*inventory.Diff, error) {
	var diff *inventory.Diff
	err := db.tx(ctx, func(tx *sql.Tx) error {
		want, err := p.Resolve() // anew at each try: Against fills identities in
		if err != nil {
			return err
		}
		if db.dialect.onePlan != "" {
			if _, err := exec(ctx, tx, db.dialect.onePlan); err != nil {
				return err
			}
		}
		have, err := db.inventoryOf(ctx, tx)
		if err != nil {
			return err
		}
		if diff, err = want.Against(have); err != nil {
			return err
		}
		if hash != "" && hash != diff.Hash {
			return fault.Conflictf("the inventory changed since the plan was shown (hash %s is now %s)", hash, diff.Hash).
				WithHint("run plan again, read it, and apply the new hash")
		}
		return db.applyWanted(ctx, tx, want, have, diff, actor)
	})
	if err != nil {
		return nil, err
	}
	db.changed.wake(everything)
	db.events.wake(everything)
	return diff, nil
}

func (db *DB) applyWanted(ctx context.Context, tx *sql.Tx, want *inventory.Wanted, have inventory.Inventory, diff *inventory.Diff, actor string) error {
	changed := map[string]bool{}
	for _, c := range diff.Changes {
		changed[c.Noun+" "+c.Name] = true
	}
	if changed["site "+want.Site] {
		if _, err := exec(ctx, tx, `INSERT INTO site (id, name) VALUES ($1, $2)`, newID(), want.Site); err != nil {
			return err
		}
	}
	for i := range want.Networks { // so that two of them can swap
		if n := &want.Networks[i]; n.ID != "" && changed["network "+n.Name] {
			if _, err := exec(ctx, tx, `UPDATE network SET span_first = NULL, span_last = NULL WHERE id = $1`, n.ID); err != nil {
				return err
			}
		}
	}
	for i := range want.Networks {
		if n := &want.Networks[i]; changed["network "+n.Name] {
			if err := db.writeNetwork(ctx, tx, n); err != nil {
				return err
			}
		}
	}
	for i := range want.Racks {
		if r := &want.Racks[i]; changed["rack "+r.Name] {
			if err := writeRack(ctx, tx, r); err != nil {
				return err
			}
		}
	}
	if err := db.applyMachines(ctx, tx, want, have, changed); err != nil {
		return err
	}
	if len(diff.Changes) == 0 {
		return nil
	}
	if err := bump(ctx, tx); err != nil {
		return err
	}
	return db.append(ctx, tx, planEvents(diff, want, actor))
}

func planEvents(diff *inventory.Diff, want *inventory.Wanted, actor string) []journal.Event {
	ids := map[string]string{}
	for _, m := range want.Machines {
		ids[m.Name] = m.ID
	}
	var events []journal.Event
	for _, c := range diff.Changes {
		e := journal.Event{Kind: journal.MachinePlan, Actor: actor, Summary: fmt.Sprintf("plan applied: %s %s %s", c.Action, c.Noun, c.Name),
			Detail: map[string]any{"fields": c.Fields, "hash": diff.Hash}}
		if c.Noun == "machine" {
			e.Machine, e.Name = ids[c.Name], c.Name
		}
		events = append(events, e)
	}
	return events
}

// applyMachines first frees what the changed machines hold, so that a plan can swap two
// machines' slots or MACs, then writes what they hold now.
func (db *DB) applyMachines(ctx context.Context, tx *sql.Tx, want *inventory.Wanted, have inventory.Inventory, changed map[string]bool) error {
	if err := adoptStrangers(ctx, tx, want, have); err != nil {
		return err
	}
	for i := range want.Machines {
		if m := &want.Machines[i]; m.ID != "" && changed["machine "+m.Name] {
			if err := vacate(ctx, tx, m.ID); err != nil {
				return err
			}
		}
	}
	for i := range want.Machines {
		m := &want.Machines[i]
		if changed["machine "+m.Name] {
			if err := db.writeMachine(ctx, tx, m); err != nil {
				return err
			}
		}
		if err := db.writePassword(ctx, tx, m, want.Passwords[m.Name]); err != nil {
			return err
		}
	}
	return nil
}

// vacate gives up what only one machine may hold until it is written again.
func vacate(ctx context.Context, tx *sql.Tx, machineID string) error {
	for _, free := range []string{
		`DELETE FROM slot_cell WHERE machine_id = $1`,
		`DELETE FROM nic WHERE machine_id = $1`,
		`UPDATE bmc SET address = CAST(machine_id AS text), mac = NULL WHERE machine_id = $1`,
		`UPDATE machine SET serial_key = NULL WHERE id = $1`,
	} {
		if _, err := exec(ctx, tx, free, machineID); err != nil {
			return err
		}
	}
	return nil
}

// adoptStrangers removes the records of machines that were seen unplanned and whose MAC
// the plan now gives to a machine. Their events stay, found by MAC.
func adoptStrangers(ctx context.Context, tx *sql.Tx, want *inventory.Wanted, have inventory.Inventory) error {
	planned, named := map[inventory.MAC]bool{}, map[string]bool{}
	for _, m := range want.Machines {
		named[m.Name] = true
		for _, n := range m.NICs {
			planned[n.MAC] = true
		}
	}
	for _, m := range have.Machines {
		if m.Slot != nil || named[m.Name] {
			continue
		}
		for _, n := range m.NICs {
			if planned[n.MAC] {
				if _, err := exec(ctx, tx, `DELETE FROM machine WHERE id = $1`, m.ID); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func (db *DB) writeNetwork(ctx context.Context, tx *sql.Tx, n *inventory.Network) error {
	if n.ID == "" {
		n.ID = newID()
	}
	first, last := n.Span()
	_, err := exec(ctx, tx, `INSERT INTO network (id, name, cidr, gateway, dns, ntp, domain, mtu, purpose, dhcp, strangers, pool_first, pool_last,
			lease_seconds, router_adverts, vlan, routing_domain, span_first, span_last, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1)
		ON CONFLICT (id) DO UPDATE SET cidr = excluded.cidr, gateway = excluded.gateway, dns = excluded.dns, ntp = excluded.ntp, domain = excluded.domain,
			mtu = excluded.mtu, purpose = excluded.purpose, dhcp = excluded.dhcp, strangers = excluded.strangers, pool_first = excluded.pool_first,
			pool_last = excluded.pool_last, lease_seconds = excluded.lease_seconds, router_adverts = excluded.router_adverts,
			vlan = excluded.vlan, routing_domain = excluded.routing_domain, span_first = excluded.span_first, span_last = excluded.span_last,
			version = network.version + 1`,
		n.ID, n.Name, n.Prefix.String(), addrOrNull(n.Gateway), toJSON(n.DNS), toJSON(n.NTP), n.Domain, n.MTU, n.Purpose, n.DHCP, n.Strangers,
		addrOrNull(n.Pool.First), addrOrNull(n.Pool.Last), n.LeaseSeconds, n.RouterAdverts, n.VLAN, n.RoutingDomain, first, last)
	return err
}

func writeRack(ctx context.Context, tx *sql.Tx, r *inventory.Rack) error {
	if r.ID == "" {
		r.ID = newID()
	}
	_, err := exec(ctx, tx, `INSERT INTO rack (id, site_id, name, units, version) SELECT $1, id, $2, $3, 1 FROM site WHERE name = $4
		ON CONFLICT (id) DO UPDATE SET units = excluded.units, version = rack.version + 1`, r.ID, r.Name, r.Units, r.Site)
	return err
}

func (db *DB) writeMachine(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	var err error
	if m.ID == "" {
		m.ID = newID()
		err = db.insertMachine(ctx, tx, m)
	} else {
		err = db.updatePlanned(ctx, tx, m)
	}
	if err != nil {
		return err
	}
	for _, c := range m.Slot.Cells() {
		if _, err := exec(ctx, tx, `INSERT INTO slot_cell (rack_id, face, u, side, machine_id) SELECT id, $1, $2, $3, $4 FROM rack WHERE name = $5`,
			c.Face, c.U, c.Side, m.ID, m.Slot.Rack); err != nil {
			return err
		}
	}
	if err := db.writeNICs(ctx, tx, m); err != nil {
		return err
	}
	return writeBMC(ctx, tx, m)
}

func (db *DB) insertMachine(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	now := db.now()
	m.CreatedAt, m.UpdatedAt, m.Version = now, now, 1
	slot, rack := slotArgs(m)
	_, err := exec(ctx, tx, `INSERT INTO machine (id, name, phase, rack_id, u, height, face, firmware, arch, vendor, model, serial, serial_key, uuid, root_disk, power, image,
			version, created_at, updated_at)
		VALUES ($1, $2, $3, (SELECT id FROM rack WHERE name = $4), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $18, $18)`,
		append(append([]any{m.ID, m.Name, m.Phase, rack}, slot...), m.Firmware, m.Arch, m.Vendor, m.Model, m.Serial, orNull(m.SerialKey()), m.UUID,
			toJSON(m.RootDisk), m.Power, m.Image, now)...)
	return err
}

// updatePlanned writes what the plan says of a machine and leaves its state alone.
func (db *DB) updatePlanned(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	slot, rack := slotArgs(m)
	n, err := exec(ctx, tx, `UPDATE machine SET rack_id = (SELECT id FROM rack WHERE name = $1), u = $2, height = $3, face = $4, firmware = $5, arch = $6,
			vendor = $7, model = $8, serial = $9, serial_key = $10, uuid = $11, root_disk = $12, updated_at = $13, version = version + 1
		WHERE id = $14 AND version = $15`,
		append(append([]any{rack}, slot...), m.Firmware, m.Arch, m.Vendor, m.Model, m.Serial, orNull(m.SerialKey()), m.UUID,
			toJSON(m.RootDisk), db.now(), m.ID, m.Version)...)
	if err == nil && n == 0 {
		return changedMeanwhile(m.Name, "run plan again")
	}
	return err
}

func slotArgs(m *inventory.Machine) (cells []any, rack any) {
	if m.Slot == nil {
		return []any{nil, nil, nil}, nil
	}
	return []any{m.Slot.U, m.Slot.Height, m.Slot.Face}, m.Slot.Rack
}

func (db *DB) writeNICs(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	for i, n := range m.NICs {
		if _, err := exec(ctx, tx, `INSERT INTO nic (mac, machine_id, position, name, network_id, address, boot)
			VALUES ($1, $2, $3, $4, (SELECT id FROM network WHERE name = $5), $6, $7)`,
			macOrNull(n.MAC), m.ID, i, n.Name, orNull(n.Network), addrOrNull(n.Address), n.Boot); err != nil {
			return err
		}
	}
	return nil
}

func writeBMC(ctx context.Context, tx *sql.Tx, m *inventory.Machine) error {
	if m.BMC == nil {
		_, err := exec(ctx, tx, `DELETE FROM bmc WHERE machine_id = $1`, m.ID)
		return err
	}
	b := m.BMC
	if err := forgetBMC(ctx, tx, m.ID); err != nil {
		return err
	}
	_, err := exec(ctx, tx, `INSERT INTO bmc (machine_id, address, username, password_sealed, certificate_sha256, mac) VALUES ($1, $2, $3, '', $4, $5)
		ON CONFLICT (machine_id) DO UPDATE SET address = excluded.address, username = excluded.username,
			certificate_sha256 = excluded.certificate_sha256, mac = excluded.mac`,
		m.ID, b.Address, b.Username, b.CertificateSHA256, macOrNull(b.MAC))
	return err
}

// writePassword seals a BMC password unless it is the one that is there.
func (db *DB) writePassword(ctx context.Context, tx *sql.Tx, m *inventory.Machine, password string) error {
	if password == "" || m.BMC == nil {
		return nil
	}
	var sealed string
	if err := tx.QueryRowContext(ctx, `SELECT password_sealed FROM bmc WHERE machine_id = $1`, m.ID).Scan(&sealed); err != nil {
		return err
	}
	if sealed != "" {
		if old, err := db.seal.Open(sealed, sealContext(m.ID)); err == nil && string(old) == password {
			return nil
		}
	}
	if err := forgetBMC(ctx, tx, m.ID); err != nil {
		return err
	}
	_, err := exec(ctx, tx, `UPDATE bmc SET password_sealed = $1 WHERE machine_id = $2`, db.seal.Seal([]byte(password), sealContext(m.ID)), m.ID)
	return err
}

// forgetBMC drops what was concluded from the old way to reach a BMC, so that the new
// one is tried at once.
func forgetBMC(ctx context.Context, tx *sql.Tx, machineID string) error {
	_, err := exec(ctx, tx, `DELETE FROM condition WHERE machine_id = $1 AND type = $2`, machineID, inventory.BMCUnusable)
	return err
}

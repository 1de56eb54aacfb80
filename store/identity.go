package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// Bounds of what is kept of by what a machine was seen.
const (
	mostIdentifiers = 128
	seenAgain       = time.Minute // an identifier seen again sooner is not written again
)

// Identifiers lists by what a machine was seen, by kind and value.
func (db *DB) Identifiers(ctx context.Context, machineID string) ([]inventory.Identifier, error) {
	out, err := identifiers(ctx, db.sql, machineID)
	return out, db.fault(err)
}

func identifiers(ctx context.Context, q queryer, machineID string) ([]inventory.Identifier, error) {
	return collect(ctx, q, func(scan func(...any) error) (i inventory.Identifier, err error) {
		err = scan(&i.Kind, &i.Value, &i.Source, asTime{&i.First}, asTime{&i.Last})
		return i, err
	}, `SELECT kind, value, source, first_at, last_at FROM identifier WHERE machine_id = $1 ORDER BY kind, value`, machineID)
}

// Witness keeps what a machine was seen by, the newest so many, and returns the evidence
// with the switch ports of the plan that it names.
func (db *DB) Witness(ctx context.Context, machineID string, e inventory.Evidence) (inventory.Evidence, error) {
	err := db.tx(ctx, func(tx *txn) error { return db.keepIdentifiers(ctx, tx, machineID, e.Identifiers()) })
	if err != nil {
		return e, err
	}
	e, err = db.locate(ctx, db.sql, e)
	return e, db.fault(err)
}

func (db *DB) keepIdentifiers(ctx context.Context, tx *txn, machineID string, list []inventory.Identifier) error {
	now := db.now()
	for _, i := range list {
		if _, err := exec(ctx, tx, `INSERT INTO identifier (machine_id, kind, value, source, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $5)
			ON CONFLICT (machine_id, kind, value) DO UPDATE SET source = excluded.source, last_at = excluded.last_at
			WHERE identifier.source <> excluded.source OR identifier.last_at < $6`, machineID, i.Kind, i.Value, i.Source, now, now.Add(-seenAgain)); err != nil {
			return err
		}
	}
	_, err := exec(ctx, tx, `DELETE FROM identifier WHERE machine_id = $1 AND (kind, value) NOT IN (
		SELECT kind, value FROM identifier WHERE machine_id = $1 ORDER BY last_at DESC, kind, value LIMIT $2)`, machineID, mostIdentifiers)
	return err
}

// locate finds the switch ports of the plan that evidence names.
func (db *DB) locate(ctx context.Context, q queryer, e inventory.Evidence) (inventory.Evidence, error) {
	var where []string
	var args []any
	for _, n := range e.LLDP {
		args = append(args, strings.ToLower(n.System))
		where = append(where, fmt.Sprintf("lower(d.name) = $%d OR lower(d.spec ->> 'lldp') = $%d", len(args), len(args)))
	}
	if e.Circuit != "" {
		where = append(where, `CAST(d.spec AS text) LIKE '%"circuit"%' OR CAST(d.spec AS text) LIKE '%"remote_id"%'`)
	}
	if len(where) == 0 {
		return e, nil
	}
	near, err := db.devices(ctx, q, "("+strings.Join(where, " OR ")+")", args...)
	return e.Locate(near, func(a, b string) bool { return verify.PortKey(a) == verify.PortKey(b) }), err
}

// alike reads the machines in a slot that share an identifier with the evidence.
func (db *DB) alike(ctx context.Context, q queryer, e inventory.Evidence) ([]inventory.Machine, error) {
	var where []string
	var args []any
	add := func(clause string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			clause = strings.Replace(clause, "$", fmt.Sprintf("@%d", len(args)), 1)
		}
		where = append(where, strings.ReplaceAll(clause, "@", "$"))
	}
	for _, mac := range append(slices.Clone(e.MACs), e.BMCs...) {
		add("m.id IN (SELECT machine_id FROM nic WHERE mac = $)", mac.String())
		add("m.id IN (SELECT machine_id FROM bmc WHERE mac = $)", mac.String())
	}
	if !inventory.JunkSerial(e.Serial) {
		add("lower(m.serial) = $", strings.ToLower(strings.TrimSpace(e.Serial)))
	}
	if !inventory.JunkUUID(e.UUID) {
		add("m.uuid = $", strings.ToLower(strings.TrimSpace(e.UUID)))
	}
	if !inventory.JunkSerial(e.AssetTag) {
		add("lower(m.asset_tag) = $", strings.ToLower(strings.TrimSpace(e.AssetTag)))
	}
	for _, p := range e.Ports {
		add(`m.id IN (SELECT far.owner_id FROM device d JOIN cable_end near ON near.owner_id = d.id
			JOIN cable_end far ON far.cable_id = near.cable_id AND far.side <> near.side WHERE d.name = $ AND near.port = $)`, p.At.Owner, p.At.Port)
	}
	if len(where) == 0 {
		return nil, nil
	}
	return db.machines(ctx, q, "m.rack_id IS NOT NULL AND m.phase <> 'retired' AND ("+strings.Join(where, " OR ")+") ORDER BY m.name", args...)
}

// Recognise weighs all that a machine nobody planned was seen by, and e that was seen now,
// against the plan. The one planned machine with which two identifiers agree adopts it and
// is returned: it learns MACs, serial and UUID, gets facts and operations, and the
// stranger's record goes. Where several may be meant, or something disagrees, both sides
// get a condition that names the evidence, and nothing is bound.
func (db *DB) Recognise(ctx context.Context, stranger string, e inventory.Evidence) (*inventory.Machine, error) {
	var planned *inventory.Machine
	err := db.tx(ctx, func(tx *txn) error {
		planned = nil
		if err := db.onePlan(ctx, tx); err != nil {
			return err
		}
		s, err := db.machineToChange(ctx, tx, stranger)
		if err != nil || s.Slot != nil || s.Phase == inventory.Retired {
			return err
		}
		if err := db.keepIdentifiers(ctx, tx, s.ID, e.Identifiers()); err != nil {
			return err
		}
		if e, err = db.allOf(ctx, tx, s.ID, e); err != nil {
			return err
		}
		list, err := db.alike(ctx, tx, e)
		if err != nil {
			return err
		}
		the, candidates := inventory.Candidates(e, list)
		if the == nil {
			return db.doubt(ctx, tx, s, e, candidates)
		}
		planned, err = db.adopt(ctx, tx, s, the.ID, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	db.wakeMachine()
	if planned != nil {
		db.work.wake(everything)
	}
	return planned, nil
}

// allOf adds to evidence what the machine was seen by before.
func (db *DB) allOf(ctx context.Context, tx *txn, machineID string, e inventory.Evidence) (inventory.Evidence, error) {
	seen, err := identifiers(ctx, tx, machineID)
	if err != nil {
		return e, err
	}
	all := inventory.Gather(seen)
	all.Source, all.Vendor = e.Source, e.Vendor
	if len(e.LLDP) > 0 {
		all.LLDP = e.LLDP // it may have been moved since, and these have the names of ports
	}
	for _, now := range []struct{ to, from *string }{{&all.Serial, &e.Serial}, {&all.UUID, &e.UUID}, {&all.AssetTag, &e.AssetTag}} {
		if *now.from != "" {
			*now.to = *now.from
		}
	}
	if e.Circuit != "" {
		all.Circuit, all.Remote = e.Circuit, e.Remote // one relay's words
	}
	return db.locate(ctx, tx, all)
}

// doubt puts the condition of inventory.Doubt on all that are concerned. A single
// candidate that nothing speaks against was seen where it is planned.
func (db *DB) doubt(ctx context.Context, tx *txn, s *inventory.Machine, e inventory.Evidence, list []inventory.Candidate) error {
	c := inventory.Doubt(list, s.Name, e.Source, db.now())
	concerned := []string{s.ID}
	for _, one := range list {
		concerned = append(concerned, one.Machine.ID)
	}
	slices.Sort(concerned[1:])
	var events []journal.Event
	for _, id := range concerned {
		m, err := db.machineToChange(ctx, tx, id)
		if err != nil {
			return err
		}
		was, said := stateOf(m), ""
		if c != nil || m.ID == s.ID {
			inventory.SetDoubt(m, c)
			if c != nil && !slices.Equal(was.Conditions, m.Conditions) {
				said = "not bound: " + c.Evidence
			}
		} else {
			said, _ = inventory.Bind(m, e, db.now())
		}
		if err := db.writeState(ctx, tx, was, m); err != nil {
			return err
		}
		if said != "" {
			events = append(events, named([]journal.Event{{Kind: journal.PhaseMoved, Actor: e.Source, Summary: said}}, m)...)
		}
	}
	return db.append(ctx, tx, events)
}

// adopt makes a stranger's record part of a planned machine's.
func (db *DB) adopt(ctx context.Context, tx *txn, s *inventory.Machine, plannedID string, e inventory.Evidence) (*inventory.Machine, error) {
	p, err := db.machineToChange(ctx, tx, plannedID)
	if err != nil {
		return nil, err
	}
	if the, list := inventory.Candidates(e, []inventory.Machine{*p}); the == nil { // another was adopted meanwhile
		return nil, db.doubt(ctx, tx, s, e, list)
	}
	if err := oneWork(ctx, tx, s, p, db.now()); err != nil {
		return nil, err
	}
	was := stateOf(p)
	agree, _ := e.Match(p) // before it learns: what it takes over is no evidence for itself
	said, _ := inventory.Bind(p, e, db.now())
	learned := inventory.Learn(p, s.Facts, e)
	if s.Facts != nil {
		p.Facts, p.Power = s.Facts, s.Power
	}
	for _, statement := range []string{
		`UPDATE operation SET machine_id = $1 WHERE machine_id = $2`,
		`UPDATE identifier SET machine_id = $1 WHERE machine_id = $2 AND NOT EXISTS (
			SELECT 1 FROM identifier o WHERE o.machine_id = $1 AND o.kind = identifier.kind AND o.value = identifier.value)`,
	} {
		if _, err := exec(ctx, tx, statement, p.ID, s.ID); err != nil {
			return nil, err
		}
	}
	if err := remember(ctx, tx, p.ID, s.ID); err != nil {
		return nil, err
	}
	if err := db.forget(ctx, tx, s); err != nil {
		return nil, err
	}
	if err := db.writeState(ctx, tx, was, p); err != nil {
		return nil, err
	}
	if err := bump(ctx, tx, s.ID, p.ID); err != nil {
		return nil, err
	}
	if said == "" {
		said = "seen: " + strings.Join(agree, " and ") + " agree"
	}
	events := named([]journal.Event{{Kind: journal.PhaseMoved, Actor: e.Source, MAC: firstMAC(s), Summary: said + "; " + s.Name + " is this machine",
		Detail: map[string]any{"stranger": s.ID, "stranger_name": s.Name, "agree": agree, "learned": learned}}}, p)
	return p, db.append(ctx, tx, events)
}

// oneWork leaves one open operation where a machine may have but one: the stranger's
// inspection, by the network's policy, gives way to the work that waits for the planned
// machine, which goes on with the agent that runs already. Its secrets and what was seen
// are that work's from now on.
func oneWork(ctx context.Context, tx *txn, s, p *inventory.Machine, now time.Time) error {
	open := func(m *inventory.Machine) ([]string, error) {
		return collect(ctx, tx, readText, `SELECT id FROM operation WHERE machine_id = $1 AND exclusive AND state IN ('queued', 'running', 'parked')`, m.ID)
	}
	mine, err := open(p)
	if err != nil || len(mine) == 0 {
		return err
	}
	other, err := open(s)
	if err != nil || len(other) == 0 {
		return err
	}
	if _, err := exec(ctx, tx, `DELETE FROM boot_secret WHERE operation_id = $1`, mine[0]); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE boot_secret SET operation_id = $1 WHERE operation_id = $2`,
		`DELETE FROM evidence WHERE operation_id = $1 AND kind IN (SELECT kind FROM evidence WHERE operation_id = $2)`,
		`UPDATE evidence SET operation_id = $1 WHERE operation_id = $2`,
	} {
		if _, err := exec(ctx, tx, statement, mine[0], other[0]); err != nil {
			return err
		}
	}
	if _, err := exec(ctx, tx, `DELETE FROM operation WHERE id = $1`, other[0]); err != nil {
		return err
	}
	_, err = exec(ctx, tx, `UPDATE operation SET due = CASE WHEN due > $1 THEN $1 ELSE due END, woken = true WHERE id = $2 AND state IN ('queued', 'running')`, now, mine[0])
	return err
}

// forget removes a stranger's record and the doubts about it. Its events stay, found
// with those of whoever adopted it.
func (db *DB) forget(ctx context.Context, tx *txn, s *inventory.Machine) error {
	if _, err := exec(ctx, tx, `DELETE FROM condition WHERE type = $1 AND reason = 'candidates-disagree' AND evidence LIKE $2`,
		inventory.IdentityMismatch, s.Name+",%"); err != nil {
		return err
	}
	_, err := exec(ctx, tx, `DELETE FROM machine WHERE id = $1`, s.ID)
	return err
}

func firstMAC(m *inventory.Machine) (mac inventory.MAC) {
	if len(m.NICs) > 0 {
		mac = m.NICs[0].MAC
	}
	return mac
}

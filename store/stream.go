package store

import (
	"context"
	"fmt"
	"strings"

	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
)

// LastEvent is the id of the newest event, 0 when there is none.
func (db *DB) LastEvent(ctx context.Context) (id int64, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT COALESCE(max(id), 0) FROM event`).Scan(&id)
	return id, db.fault(err)
}

const placedFrom = ` FROM event e LEFT JOIN machine m ON m.id = e.machine_id
	LEFT JOIN rack r ON r.id = COALESCE(m.rack_id, m.left_rack_id) LEFT JOIN site s ON s.id = r.site_id LEFT JOIN project p ON p.id = m.project_id`

// PlacedEvents lists events with where their machines stand now, or stood
// when they retired.
func (db *DB) PlacedEvents(ctx context.Context, f EventFilter) ([]journal.Placed, error) {
	where, args := []string{"e.id > $1", "e.id <= $2"}, []any{f.After, f.until()}
	if f.Machine != "" {
		id, was, macs, err := db.whose(ctx, f.Machine)
		if err != nil || id == "" {
			return nil, db.fault(err)
		}
		args = append(args, id)
		clause := "e.machine_id IN (" + strings.Join(append([]string{"$3"}, was...), ", ") + ")"
		if len(macs) > 0 {
			clause = "(" + clause + " OR e.mac IN (" + macs + ") AND m.id IS NULL)"
		}
		where = append(where, clause)
	}
	if f.Operation != "" {
		if !isID(f.Operation) {
			return nil, nil
		}
		args = append(args, strings.ToLower(f.Operation))
		where = append(where, fmt.Sprintf("e.operation_id = $%d", len(args)))
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	out, err := collect(ctx, db.sql, readPlaced, `SELECT e.id, e.at, e.kind, e.machine_id, e.machine_name, e.mac, e.operation_id, e.actor, e.summary, e.detail,
		COALESCE(s.name, ''), COALESCE(r.name, ''), COALESCE(p.name, '')`+placedFrom+` WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(" ORDER BY e.id%s LIMIT %d", map[bool]string{true: " DESC"}[f.Newest], f.Limit), args...)
	return out, db.fault(err)
}

func (f *EventFilter) until() int64 {
	if f.Until > 0 {
		return f.Until
	}
	return 1<<63 - 1
}

func readPlaced(scan func(...any) error) (p journal.Placed, err error) {
	e := &p.Event
	err = scan(&e.ID, asTime{&e.At}, &e.Kind, asText{&e.Machine}, &e.Name, asMAC{&e.MAC}, asText{&e.Operation}, &e.Actor, &e.Summary, asJSON{&e.Detail},
		&p.Place.Site, &p.Place.Rack, &p.Place.Project)
	if e.Kind == journal.RackSigned && e.Machine == "" {
		p.Place.Rack = e.Name
	}
	return p, err
}

// Told is something of which an event told last.
type Told struct {
	ID    string
	Event int64
}

// OperationsTold lists the operations of which events with ids above after and up to until
// tell, and none after those, in the order of their last event.
func (db *DB) OperationsTold(ctx context.Context, after, until int64) ([]Told, error) {
	return db.told(ctx, "operation_id", after, until)
}

// MachinesTold is OperationsTold of machines.
func (db *DB) MachinesTold(ctx context.Context, after, until int64) ([]Told, error) {
	return db.told(ctx, "machine_id", after, until)
}

func (db *DB) told(ctx context.Context, column string, after, until int64) ([]Told, error) {
	out, err := collect(ctx, db.sql, func(scan func(...any) error) (t Told, err error) {
		err = scan(asText{&t.ID}, &t.Event)
		return t, err
	}, strings.ReplaceAll(`SELECT c, last FROM (SELECT COL AS c, max(id) AS last FROM event WHERE id > $1 AND id <= $2 AND COL IS NOT NULL GROUP BY COL) t
		WHERE NOT EXISTS (SELECT 1 FROM event n WHERE n.COL = t.c AND n.id > $2) ORDER BY last`, "COL", column), after, until)
	return out, db.fault(err)
}

// OperationsOf returns the operations of those ids that there are.
func (db *DB) OperationsOf(ctx context.Context, ids []string) ([]deploy.Operation, error) {
	out, err := gather(db, ids, "o.id", func(clause string, args []any) ([]deploy.Operation, error) {
		return db.operations(ctx, db.sql, clause, args...)
	})
	return out, db.fault(err)
}

// MachinesOf returns the machines of those ids that there are, without their facts.
func (db *DB) MachinesOf(ctx context.Context, ids []string) ([]inventory.Machine, error) {
	out, err := gather(db, ids, "m.id", func(clause string, args []any) ([]inventory.Machine, error) {
		return db.machinesWith(ctx, db.sql, "NULL", clause, args...)
	})
	return out, db.fault(err)
}

// Places returns where machines stand, by their ids.
func (db *DB) Places(ctx context.Context, machines []string) (map[string]journal.Place, error) {
	out := make(map[string]journal.Place, len(machines))
	err := db.forEach(machines, "m.id", func(clause string, args []any) error {
		_, err := collect(ctx, db.sql, func(scan func(...any) error) (p journal.Place, err error) {
			var id string
			err = scan(asText{&id}, &p.Site, &p.Rack, &p.Project)
			out[id] = p
			return p, err
		}, `SELECT m.id, COALESCE(s.name, ''), COALESCE(r.name, ''), COALESCE(p.name, '') FROM machine m
			LEFT JOIN rack r ON r.id = COALESCE(m.rack_id, m.left_rack_id) LEFT JOIN site s ON s.id = r.site_id LEFT JOIN project p ON p.id = m.project_id
			WHERE `+clause, args...)
		return err
	})
	return out, db.fault(err)
}

// OpenVersions returns the versions of the operations that have not ended, the newest so
// many: progress is saved without an event.
func (db *DB) OpenVersions(ctx context.Context, limit int) (map[string]int64, error) {
	out := map[string]int64{}
	_, err := collect(ctx, db.sql, func(scan func(...any) error) (id string, err error) {
		var version int64
		err = scan(asText{&id}, &version)
		out[id] = version
		return id, err
	}, `SELECT id, version FROM operation WHERE state IN ('queued', 'running', 'parked') ORDER BY updated_at DESC LIMIT $1`, limit)
	return out, db.fault(err)
}

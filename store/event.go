package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rackwright/journal"
)

// EventFilter narrows a list of events; empty fields do not.
type EventFilter struct {
	After     int64  // ids greater than this
	Until     int64  // and up to this; 0: to the newest
	Machine   string // id or name
	Operation string
	Newest    bool // newest first instead of oldest first
	Limit     int  // 0: 100
}

// Events lists events.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]journal.Event, error) {
	where, args := []string{"id > $1", "id <= $2"}, []any{f.After, f.until()}
	arg := func(clause string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	if f.Machine != "" {
		id, was, macs, err := db.whose(ctx, f.Machine)
		if err != nil || id == "" {
			return []journal.Event{}, db.fault(err)
		}
		clause := "machine_id IN (" + strings.Join(append([]string{"$%d"}, was...), ", ") + ")"
		if len(macs) > 0 {
			clause = "(" + clause + " OR mac IN (" + macs + ") AND NOT EXISTS (SELECT 1 FROM machine m WHERE m.id = event.machine_id))"
		}
		arg(clause, id)
	}
	if f.Operation != "" {
		if !isID(f.Operation) {
			return []journal.Event{}, nil
		}
		arg("operation_id = $%d", strings.ToLower(f.Operation))
	}
	order := "id"
	if f.Newest {
		order = "id DESC"
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	out, err := collect(ctx, db.sql, readEvent, `SELECT id, at, kind, machine_id, machine_name, mac, operation_id, actor, summary, detail FROM event WHERE `+
		strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY %s LIMIT %d", order, f.Limit), args...)
	return out, db.fault(err)
}

// whose returns a machine's id, "" if there is none, and for IN the records that turned
// out to be it and its MACs: what was seen of those before the machine was planned is part
// of its story.
func (db *DB) whose(ctx context.Context, idOrName string) (id string, was []string, macs string, err error) {
	if isID(idOrName) {
		id = strings.ToLower(idOrName)
	} else {
		found, err := collect(ctx, db.sql, readText, `SELECT id FROM machine WHERE name = $1 AND phase <> 'retired'`, idOrName)
		if err != nil || len(found) == 0 {
			return "", nil, "", err
		}
		id = found[0]
	}
	if was, err = adopted(ctx, db.sql, id); err != nil {
		return "", nil, "", err
	}
	for i := range was {
		was[i] = "'" + was[i] + "'"
	}
	list, err := collect(ctx, db.sql, readText, `SELECT mac FROM nic WHERE machine_id = $1 AND mac IS NOT NULL`, id)
	for i, mac := range list {
		list[i] = "'" + mac + "'"
	}
	return id, was, strings.Join(list, ", "), err
}

func readText(scan func(...any) error) (s string, err error) {
	err = scan(asText{&s})
	return s, err
}

func readEvent(scan func(...any) error) (e journal.Event, err error) {
	err = scan(&e.ID, asTime{&e.At}, &e.Kind, asText{&e.Machine}, &e.Name, asMAC{&e.MAC}, asText{&e.Operation}, &e.Actor, &e.Summary, asJSON{&e.Detail})
	return e, err
}

// AppendEvents writes events in one transaction.
func (db *DB) AppendEvents(ctx context.Context, events []journal.Event) error {
	err := db.tx(ctx, func(tx *txn) error { return db.append(ctx, tx, events) })
	db.events.wake(everything)
	return err
}

// eventRows are written by one statement. SQLite's driver looks for each parameter among all:
// with 100 rows an event takes three times as long as with 10.
const eventRows = 20

// append writes events; it is the last thing a transaction does. A reader that has seen
// an id has seen all smaller ones, so writers take turns from here to their commit.
func (db *DB) append(ctx context.Context, tx *txn, events []journal.Event) error {
	const columns = 9
	if len(events) > 0 && db.dialect.inOrder != "" {
		if _, err := exec(ctx, tx, db.dialect.inOrder); err != nil {
			return err
		}
	}
	for len(events) > 0 {
		batch := events[:min(len(events), eventRows)]
		events = events[len(batch):]
		var rows []string
		var args []any
		for _, e := range batch {
			if e.At.IsZero() {
				e.At = db.now()
			}
			marks := make([]string, columns)
			for i := range marks {
				marks[i] = fmt.Sprintf("$%d", len(args)+i+1)
			}
			rows = append(rows, "("+strings.Join(marks, ", ")+")")
			args = append(args, e.At.UTC(), e.Kind, orNull(e.Machine), e.Name, macOrNull(e.MAC), orNull(e.Operation), e.Actor, e.Summary, detail(e.Detail))
		}
		if _, err := exec(ctx, tx, `INSERT INTO event (at, kind, machine_id, machine_name, mac, operation_id, actor, summary, detail) VALUES `+
			strings.Join(rows, ", "), args...); err != nil {
			return err
		}
	}
	return nil
}

// detail encodes an event's facts. What does not encode is left out: the summary stands.
func detail(d map[string]any) any {
	if len(d) == 0 {
		return nil
	}
	b, err := json.Marshal(d)
	if err != nil {
		return nil
	}
	return string(noNUL(b))
}

// NewEvents returns a signal, sent each time this process appended events, or PostgreSQL
// told it that another did (see Listener); the function ends the subscription.
func (db *DB) NewEvents() (<-chan struct{}, func()) { return db.events.listen(everything) }

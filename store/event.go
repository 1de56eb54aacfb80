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
	Machine   string // id or name
	Operation string
	Newest    bool // newest first instead of oldest first
	Limit     int  // 0: 100
}

// Events lists events.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]journal.Event, error) {
	where, args := []string{"id > $1"}, []any{f.After}
	arg := func(clause string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	switch {
	case isID(f.Machine):
		arg("machine_id = $%d", f.Machine)
	case f.Machine != "":
		arg("machine_id IN (SELECT id FROM machine WHERE name = $%d AND phase <> 'retired')", f.Machine)
	}
	if f.Operation != "" {
		arg("operation_id = $%d", f.Operation)
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

func readEvent(scan func(...any) error) (e journal.Event, err error) {
	err = scan(&e.ID, asTime{&e.At}, &e.Kind, asText{&e.Machine}, &e.Name, asMAC{&e.MAC}, asText{&e.Operation}, &e.Actor, &e.Summary, asJSON{&e.Detail})
	return e, err
}

// AppendEvents writes events in one transaction.
func (db *DB) AppendEvents(ctx context.Context, events []journal.Event) error {
	err := db.append(ctx, db.sql, events)
	db.events.wake()
	return db.fault(err)
}

func (db *DB) append(ctx context.Context, q queryer, events []journal.Event) error {
	const columns = 9
	for len(events) > 0 {
		batch := events[:min(len(events), 100)]
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
		if _, err := exec(ctx, q, `INSERT INTO event (at, kind, machine_id, machine_name, mac, operation_id, actor, summary, detail) VALUES `+
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
	return string(b)
}

// NewEvents returns a signal, sent each time this process appended events; the function
// ends the subscription.
func (db *DB) NewEvents() (<-chan struct{}, func()) { return db.events.listen() }

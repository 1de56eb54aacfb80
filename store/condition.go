package store

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"rackwright/inventory"
)

// conditionsOf are the conditions of machine m as one column, the text of a JSON array.
func (d dialect) conditionsOf() string {
	return `(SELECT ` + d.aggregate + `(` + d.object + `('type', c.type, 'subject', c.subject, 'reason', c.reason, 'evidence', c.evidence, 'hint', c.hint,
		'since', c.since, 'by', c.waived_by, 'why', c.waived_reason, 'at', c.waived_at)) FROM condition c WHERE c.machine_id = m.id)`
}

// asConditions reads that column, the oldest condition first.
type asConditions struct{ to *[]inventory.Condition }

// Scan implements sql.Scanner.
func (s asConditions) Scan(v any) error {
	var list []struct {
		Type, Subject, Reason, Evidence, Hint, By, Why string
		Since, At                                      jsonTime
	}
	if err := (asJSON{&list}).Scan(v); err != nil {
		return err
	}
	for _, c := range list {
		*s.to = append(*s.to, inventory.Condition{Type: c.Type, Subject: c.Subject, Reason: c.Reason, Evidence: c.Evidence, Hint: c.Hint,
			Since: c.Since.Time, Waived: inventory.Waived{By: c.By, Reason: c.Why, At: c.At.Time}})
	}
	slices.SortFunc(*s.to, func(a, b inventory.Condition) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Subject, b.Subject))
	})
	return nil
}

// jsonTime is a time within JSON that a database made: PostgreSQL's text, or SQLite's
// microseconds since 1970.
type jsonTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *jsonTime) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		err := t.Time.UnmarshalJSON(b)
		t.Time = t.UTC()
		return err
	}
	var micros *int64
	if err := json.Unmarshal(b, &micros); err != nil || micros == nil {
		return err
	}
	return asTime{&t.Time}.Scan(*micros)
}

package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// nested is what a noun has many of. It comes with the noun's row, as one column: the text of
// a JSON array of rows, each an array. A statement of their own for each kind was most of the
// work of reading a machine.
type nested[T any] struct {
	columns string
	from    string // with what ties them to the noun's row
	order   string
	read    func(to *T, scan func(...any) error) error // one row
}

// columns are those of parts, behind others.
func columns[T any](d dialect, parts []nested[T]) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, ",\n\t(SELECT "+d.rows+" FROM %s)", p.columns, p.order, p.from)
	}
	return b.String()
}

// scanWith scans a row: the columns of parts, and with own those before them.
func scanWith[T any](scan func(...any) error, to *T, parts []nested[T], own func(scan func(...any) error) error) error {
	texts := make([]string, len(parts))
	err := own(func(dest ...any) error {
		for i := range texts {
			dest = append(dest, asText{&texts[i]})
		}
		return scan(dest...)
	})
	for i := range parts {
		if err == nil && len(texts[i]) > len("[]") {
			err = eachRow(texts[i], func(scan func(...any) error) error { return parts[i].read(to, scan) })
		}
	}
	return err
}

// eachRow calls read for each row of a part. What is scanned into is a pointer to what
// encoding/json fills, and NULL leaves it as it is.
func eachRow(text string, read func(scan func(...any) error) error) error {
	var rows []json.RawMessage
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return err
	}
	for _, row := range rows {
		if err := read(func(dest ...any) error { return json.Unmarshal(row, &dest) }); err != nil {
			return err
		}
	}
	return nil
}

// asBool reads a boolean, which SQLite writes as 0 or 1.
type asBool struct{ to *bool }

// UnmarshalJSON implements json.Unmarshaler.
func (s *asBool) UnmarshalJSON(b []byte) error {
	*s.to = len(b) > 0 && (b[0] == 't' || b[0] == '1')
	return nil
}

// UnmarshalJSON reads a time within a part: microseconds since 1970, or PostgreSQL's text.
func (s *asTime) UnmarshalJSON(b []byte) error {
	var micros int64
	if len(b) > 0 && b[0] == '"' {
		err := json.Unmarshal(b, s.to)
		*s.to = s.to.UTC()
		return err
	}
	if err := json.Unmarshal(b, &micros); err != nil || micros == 0 {
		return err
	}
	*s.to = time.UnixMicro(micros).UTC()
	return nil
}

// UnmarshalJSON reads JSON within a part: PostgreSQL's is a value, SQLite's a text.
func (s *asJSON) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		b = []byte(text)
	}
	return json.Unmarshal(b, s.to)
}

package store

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nested is what a noun has many of. It comes with the noun's row, as one column: the text of
// a JSON array of rows, each an array. A statement of their own for each kind was most of the
// work of reading a machine.
type nested[T any] struct {
	place   string // column with a number by which rows are read in order; empty: any order
	columns string
	from    string                                     // with what ties them to the noun's row
	read    func(to *T, scan func(...any) error) error // one row
}

// columns are those of parts, behind others.
func columns[T any](d dialect, parts []nested[T]) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, ",\n\t(SELECT "+d.rows+" FROM %s)", cmp.Or(p.place, "0")+", "+p.columns, p.from)
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

// eachRow calls read for each row of a part, in the order of their first columns, which are
// whole numbers. What is scanned into is a pointer to what encoding/json fills, and NULL
// leaves it as it is. Ordering here is quicker than a sorter of SQLite for each part.
func eachRow(text string, read func(scan func(...any) error) error) error {
	type placed struct {
		row   string
		place int
	}
	var rows []placed
	err := each(text, func(row string) error {
		first, _, _ := strings.Cut(strings.TrimLeft(row, space+"["), ",")
		place, err := strconv.Atoi(strings.Trim(first, space))
		rows = append(rows, placed{row, place})
		return err
	})
	slices.SortStableFunc(rows, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	for i := 0; i < len(rows) && err == nil; i++ {
		err = read(func(dest ...any) error { return scanRow(rows[i].row, dest) })
	}
	return err
}

// scanRow scans the columns behind the first.
func scanRow(row string, dest []any) error {
	i := 0
	return each(row, func(value string) error {
		if i++; i == 1 {
			return nil
		}
		if i-2 >= len(dest) {
			return errors.New("more columns than were asked for")
		}
		return fill(dest[i-2], value)
	})
}

// each calls f with the text of each element of a JSON array, as a database writes it.
func each(text string, f func(value string) error) error {
	d := strings.Trim(text, space)
	if !strings.HasPrefix(d, "[") || !strings.HasSuffix(d, "]") {
		return fmt.Errorf("%.20q is no array", text)
	}
	for d = strings.Trim(d[1:len(d)-1], space); d != ""; {
		n := valueEnd(d)
		if n == 0 {
			return fmt.Errorf("%.20q is no value", d)
		}
		if err := f(d[:n]); err != nil {
			return err
		}
		next, more := strings.CutPrefix(strings.TrimLeft(d[n:], space), ",")
		if d = strings.TrimLeft(next, space); more != (d != "") {
			return fmt.Errorf("%.20q is not the end of an array", next)
		}
	}
	return nil
}

const space = " \t\r\n"

// valueEnd is how long the value is that a text begins with; what is within is judged when
// it is read.
func valueEnd(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			if depth--; depth <= 0 {
				return i + 1 + depth
			}
		case depth == 0 && (c == ',' || strings.IndexByte(space, c) >= 0):
			return i
		}
	}
	if quoted || depth > 0 {
		return 0
	}
	return len(s)
}

// fill puts a value where it goes. Most are texts without an escape.
func fill(dest any, value string) error {
	if value == "null" {
		return nil
	}
	plain := len(value) > 1 && value[0] == '"' && strings.IndexByte(value, '\\') < 0
	switch to := dest.(type) {
	case *string:
		if plain {
			*to = value[1 : len(value)-1]
			return nil
		}
	case encoding.TextUnmarshaler:
		if plain {
			return to.UnmarshalText([]byte(value[1 : len(value)-1]))
		}
	}
	return json.Unmarshal([]byte(value), dest)
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

package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	quick "github.com/go-json-experiment/json/v1"

	"rackwright/inventory"
)

// The two databases hand back the same column in different Go types; these readers and
// writers make them one. Each reader leaves its target zero on NULL.

// asTime reads timestamptz, or SQLite's microseconds since 1970.
type asTime struct{ to *time.Time }

// Scan implements sql.Scanner.
func (s asTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.to = time.Time{}
	case time.Time:
		*s.to = v.UTC()
	case int64:
		*s.to = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time cannot be read from %T", v)
	}
	return nil
}

// asText reads any of the textual types into a string.
type asText struct{ to *string }

// Scan implements sql.Scanner.
func (s asText) Scan(v any) error {
	t, err := plainText(v)
	*s.to = t
	return err
}

// asJSON decodes a jsonb or text column.
type asJSON struct{ to any }

// Scan implements sql.Scanner.
func (s asJSON) Scan(v any) error {
	t, err := plainText(v)
	if err != nil || t == "" {
		return err
	}
	return quick.Unmarshal([]byte(t), s.to)
}

// asAddr reads inet or text.
type asAddr struct{ to *netip.Addr }

// Scan implements sql.Scanner.
func (s asAddr) Scan(v any) error {
	t, err := plainText(v)
	*s.to = netip.Addr{}
	if err != nil || t == "" {
		return err
	}
	t, _, _ = strings.Cut(t, "/")
	*s.to, err = netip.ParseAddr(t)
	return err
}

// asMAC reads macaddr or text.
type asMAC struct{ to *inventory.MAC }

// Scan implements sql.Scanner.
func (s asMAC) Scan(v any) error {
	t, err := plainText(v)
	if err != nil {
		return err
	}
	return s.to.UnmarshalText([]byte(t))
}

func plainText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case fmt.Stringer:
		return v.String(), nil
	}
	return "", fmt.Errorf("text cannot be read from %T", v)
}

// orNull writes the empty string as NULL.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func addrOrNull(a netip.Addr) any {
	if !a.IsValid() {
		return nil
	}
	return a.String()
}

func macOrNull(m inventory.MAC) any {
	if m.IsZero() {
		return nil
	}
	return m.String()
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// toJSON encodes a value that is known to encode.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("store: a value of the domain does not encode as JSON: " + err.Error())
	}
	return string(noNUL(b))
}

// storable replaces what PostgreSQL's text cannot hold, NUL and broken UTF-8: both come
// in from the wire, and no packet may keep an event from being written.
func storable(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

// noNUL replaces in encoded JSON the escape of NUL, which jsonb refuses.
func noNUL(b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if bytes.HasPrefix(b[i:], []byte(`\u0000`)) {
			copy(b[i:], `\ufffd`)
		}
		i++ // the escaped character
	}
	return b
}

func jsonOrNull[T any](v *T) any {
	if v == nil {
		return nil
	}
	return toJSON(v)
}

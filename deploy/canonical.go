package deploy

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"rackwright/fault"
)

// canonical is a JSON text by the JSON Canonicalization Scheme (RFC 8785). Of a member that
// is there twice the last counts; an integer that a double does not hold is an error
// (section 3.1, RFC 7493 section 2.2).
func canonical(text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return appendCanonical(nil, v)
}

func appendCanonical(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendText(b, v), nil
	case json.Number:
		return appendNumber(b, v.String())
	case []any:
		return appendList(b, v)
	case map[string]any:
		return appendMembers(b, v)
	}
	return nil, fault.Internalf("no JSON value: %T", v)
}

func appendList(b []byte, list []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendCanonical(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendMembers writes the members by their names' UTF-16 code units (section 3.2.3).
func appendMembers(b []byte, members map[string]any) (_ []byte, err error) {
	names := slices.SortedFunc(maps.Keys(members), func(x, y string) int { return slices.Compare(utf16.Encode([]rune(x)), utf16.Encode([]rune(y))) })
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		if b, err = appendCanonical(b, members[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText escapes what must be and nothing else (section 3.2.2.2).
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ':
			b = append(b, string(r)...)
		case strings.ContainsRune("\b\t\n\f\r", r):
			b = append(b, '\\', map[rune]byte{'\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r'}[r])
		default:
			b = append(b, '\\', 'u', '0', '0', "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		}
	}
	return append(b, '"')
}

// appendNumber writes a double as ECMAScript does (section 3.2.2.3).
func appendNumber(b []byte, text string) ([]byte, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (n > 1<<53 || n < -1<<53) {
		return nil, fault.Invalidf("the number %s is larger than JSON holds exactly", text)
	}
	f, err := strconv.ParseFloat(text, 64)
	size := math.Abs(f)
	switch {
	case err != nil:
		return nil, fault.Invalidf("the number %.40s is none that JSON holds", text)
	case f == 0: // minus zero too
		return append(b, '0'), nil
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(b, f, 'f', -1, 64), nil
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	return append(b, mantissa+"e"+exponent[:1]+strings.TrimLeft(exponent[1:], "0")...), nil
}

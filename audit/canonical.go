package audit

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"rackwright/fault"
)

// maxDepth bounds how deep a value may be nested.
const maxDepth = 64

// Canonical writes a value in the one form that JSON Canonicalization Scheme has for it (RFC
// 8785): no spaces, members in the order of their names' UTF-16 units, numbers as
// ECMAScript prints them, and of escapes in texts only those that are needed.
func Canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Invalidf("a value does not encode as JSON: %w", err)
	}
	return CanonicalText(text)
}

// CanonicalText is Canonical of a JSON text. One that names a member twice, or has anything
// behind its end, is Invalid (RFC 8785 section 3.1 asks for I-JSON, RFC 7493).
func CanonicalText(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, fault.Invalidf("the text is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	c := &canon{in: d}
	if err := c.value(0); err != nil {
		return nil, err
	}
	if d.More() || len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return nil, fault.Invalidf("something follows behind the JSON value")
	}
	return c.out, nil
}

// canon writes what it reads.
type canon struct {
	in  *json.Decoder
	out []byte
}

func (c *canon) value(depth int) error {
	t, err := c.in.Token()
	if err != nil {
		return fault.Invalidf("this is no JSON: %w", err)
	}
	if depth > maxDepth {
		return fault.Invalidf("the JSON is nested deeper than %d", maxDepth)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return c.object(depth)
		}
		return c.array(depth)
	case string:
		c.out = appendText(c.out, t)
	case json.Number:
		return c.number(t)
	case bool:
		c.out = strconv.AppendBool(c.out, t)
	case nil:
		c.out = append(c.out, "null"...)
	}
	return nil
}

func (c *canon) array(depth int) error {
	c.out = append(c.out, '[')
	for first := true; c.in.More(); first = false {
		if !first {
			c.out = append(c.out, ',')
		}
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
	return c.end(']')
}

// member is one of an object, its value written already.
type member struct {
	name  string
	value []byte
}

func (c *canon) object(depth int) error {
	var members []member
	whole := c.out
	for c.in.More() {
		t, err := c.in.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return fault.Invalidf("this is no JSON: a member has no name")
		}
		c.out = nil
		if err := c.value(depth + 1); err != nil {
			return err
		}
		members = append(members, member{name, c.out})
	}
	c.out = append(whole, '{')
	slices.SortFunc(members, func(a, b member) int {
		return slices.Compare(utf16.Encode([]rune(a.name)), utf16.Encode([]rune(b.name)))
	})
	for i, m := range members {
		if i > 0 {
			if m.name == members[i-1].name {
				return fault.Invalidf("the JSON names a member twice")
			}
			c.out = append(c.out, ',')
		}
		c.out = append(append(appendText(c.out, m.name), ':'), m.value...)
	}
	return c.end('}')
}

func (c *canon) end(mark byte) error {
	if _, err := c.in.Token(); err != nil {
		return fault.Invalidf("this is no JSON: %w", err)
	}
	c.out = append(c.out, mark)
	return nil
}

// number prints a double as ECMAScript does (RFC 8785 section 3.2.2.3). Go's JSON does it
// the same way, but for the sign of zero.
func (c *canon) number(n json.Number) error {
	f, err := n.Float64()
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return fault.Invalidf("a number is larger than a double holds")
	}
	text, err := json.Marshal(f + 0) // -0 + 0 is 0
	if err != nil {
		return fault.Invalidf("a number does not encode: %w", err)
	}
	c.out = append(c.out, text...)
	return nil
}

// appendText quotes a text (RFC 8785 section 3.2.2.2).
func appendText(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(s) {
		b := s[i]
		switch {
		case b == '"' || b == '\\':
			out = append(out, '\\', b)
		case b >= ' ':
			out = append(out, b)
		case b == '\b':
			out = append(out, `\b`...)
		case b == '\t':
			out = append(out, `\t`...)
		case b == '\n':
			out = append(out, `\n`...)
		case b == '\f':
			out = append(out, `\f`...)
		case b == '\r':
			out = append(out, `\r`...)
		default:
			out = append(out, `\u00`...)
			out = append(out, hex[b>>4], hex[b&15])
		}
	}
	return append(out, '"')
}

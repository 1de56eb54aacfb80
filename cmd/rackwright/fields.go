package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"

	"rackwright/fault"
)

// picked is what --fields leaves of an answer.
type picked struct {
	value  any
	fields []string
	rows   []map[string]any // the things themselves
	list   bool
}

// pick leaves the fields named by dotted paths of a thing, or of each thing of a list.
func pick(v any, fields []string) (*picked, error) {
	for _, f := range fields {
		if err := known(reflect.TypeOf(v), f); err != nil {
			return nil, err
		}
	}
	text, err := compact(v)
	if err != nil {
		return nil, err
	}
	p := &picked{fields: fields, list: bytes.HasPrefix(text, []byte("["))}
	if !p.list {
		text = append(append([]byte("["), text...), ']')
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&p.rows); err != nil {
		return nil, fault.Invalidf("this answer has no fields").WithHint("leave --fields out")
	}
	out := []map[string]any{}
	for _, row := range p.rows {
		left := map[string]any{}
		for _, f := range fields {
			keep(left, row, strings.Split(f, "."))
		}
		out = append(out, left)
	}
	if p.value = out; !p.list {
		p.value = out[0]
	}
	return p, nil
}

// keep copies what stands at a path.
func keep(to, from map[string]any, path []string) {
	v, ok := from[path[0]]
	if !ok {
		return
	}
	if len(path) == 1 {
		to[path[0]] = v
		return
	}
	switch v := v.(type) {
	case map[string]any:
		below, ok := to[path[0]].(map[string]any)
		if !ok {
			below = map[string]any{}
			to[path[0]] = below
		}
		keep(below, v, path[1:])
	case []any:
		below, ok := to[path[0]].([]any)
		if !ok {
			below = make([]any, len(v))
			to[path[0]] = below
		}
		for i, item := range v {
			one, ok := below[i].(map[string]any)
			if !ok {
				one = map[string]any{}
				below[i] = one
			}
			if item, ok := item.(map[string]any); ok {
				keep(one, item, path[1:])
			}
		}
	}
}

// print shows a list as a table, a thing as pairs.
func (p *picked) print(out io.Writer) {
	var rows [][]string
	var facts []string
	for _, r := range p.rows {
		var row []string
		for _, f := range p.fields {
			text := valueText(r, strings.Split(f, "."))
			row, facts = append(row, text), append(facts, f, text)
		}
		rows = append(rows, row)
	}
	if !p.list {
		pairs(out, facts...)
		return
	}
	heading := make([]string, len(p.fields))
	for i, f := range p.fields {
		heading[i] = strings.ToUpper(f)
	}
	table(out, heading, rows)
}

// valueText is what stands at a path, for people.
func valueText(v any, path []string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		if len(path) > 0 {
			return valueText(v[path[0]], path[1:])
		}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, valueText(item, path))
		}
		return strings.Join(all, ", ")
	case string:
		return v
	}
	text, _ := compact(v)
	return string(text)
}

// known refuses a path that a type's JSON cannot have.
func known(t reflect.Type, path string) error {
	for _, name := range strings.Split(path, ".") {
		for t != nil && !writesItself(t) && slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array}, t.Kind()) {
			t = t.Elem()
		}
		switch {
		case t == nil || writesItself(t) || t.Kind() == reflect.Map || t.Kind() == reflect.Interface:
			return nil // only the answer tells what is in it
		case t.Kind() != reflect.Struct:
			return fault.Invalidf("there is no field %q", path).WithHint("what stands before .%s has no fields", name)
		}
		fields := map[string]reflect.Type{}
		jsonFields(t, fields)
		below, ok := fields[name]
		if !ok {
			return fault.Invalidf("there is no field %q", path).WithHint("%s", nearest(name, fields))
		}
		t = below
	}
	return nil
}

func nearest(name string, fields map[string]reflect.Type) string {
	var all []string
	for f := range fields {
		all = append(all, f)
	}
	slices.Sort(all)
	best, near := "", 3
	for _, f := range all {
		if d := fault.Distance(name, f); d < near {
			best, near = f, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "the fields are " + strings.Join(all, ", ")
}

// writesItself reports whether a type has a JSON of its own.
func writesItself(t reflect.Type) bool {
	for _, i := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// jsonFields collects the fields of a struct by their names in JSON.
func jsonFields(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			jsonFields(inner, into)
		case !f.IsExported() || name == "-":
		case name == "":
			into[f.Name] = f.Type
		default:
			into[name] = f.Type
		}
	}
}

package fuzzapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rackwright/api"
)

// schema is a node of the document.
type schema = map[string]any

// parameter is a part of a request that is not its body.
type parameter struct {
	Name, In string
	Required bool
	Explode  *bool
	Schema   schema
}

// operation is what the document says of a route.
type operation struct {
	id, method, path string
	params           []parameter
	kind             string // of the body; "": it takes none
	body             schema // of a JSON body
	answers          map[string]map[string]schema
	open             bool
}

// list reports whether a query parameter may be repeated.
func (o *operation) list(name string) bool {
	return slices.ContainsFunc(o.params, func(p parameter) bool {
		return p.In == "query" && p.Name == name && slices.Contains(types(p.Schema), "array") && (p.Explode == nil || *p.Explode)
	})
}

// document is the interface's own description.
type document struct {
	ops     []*operation
	schemas map[string]schema
}

func readDocument(t *testing.T) *document {
	t.Helper()
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	type content map[string]struct{ Schema schema }
	var in struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []parameter
			RequestBody struct{ Content content }
			Responses   map[string]struct{ Content content }
			Reach       string `json:"x-reach"`
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	d := &document{schemas: in.Components.Schemas}
	for _, path := range slices.Sorted(maps.Keys(in.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(in.Paths[path])) {
			said := in.Paths[path][method]
			o := &operation{id: said.OperationID, method: strings.ToUpper(method), path: path, params: said.Parameters, answers: map[string]map[string]schema{}, open: said.Reach == string(api.Open)}
			for kind, c := range said.RequestBody.Content {
				if o.kind = kind; kind == "application/json" {
					o.body = c.Schema
				}
			}
			for status, r := range said.Responses {
				o.answers[status] = map[string]schema{}
				for kind, c := range r.Content {
					o.answers[status][kind] = c.Schema
				}
			}
			d.ops = append(d.ops, o)
		}
	}
	return d
}

// whole follows references.
func (d *document) whole(s schema) schema {
	for range 5 {
		ref, ok := s["$ref"].(string)
		if !ok {
			break
		}
		s = d.schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
	}
	return s
}

// types are those that a schema allows; none: all.
func types(s schema) (out []string) {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		for _, v := range t {
			out = append(out, v.(string))
		}
	}
	return out
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
	}
	return "number"
}

// check names the first place where a value is not as its schema says.
func (d *document) check(s schema, v any, at string) error {
	s = d.whole(s)
	kind := typeOf(v)
	if allowed := types(s); len(allowed) > 0 && !slices.Contains(allowed, kind) && !(kind == "integer" && slices.Contains(allowed, "number")) {
		return fmt.Errorf("%s is of type %s, not %v", at, kind, allowed)
	}
	if words, ok := s["enum"].([]any); ok && kind != "null" && !slices.Contains(words, v) {
		return fmt.Errorf("%s is %v, none of %v", at, v, words)
	}
	switch v := v.(type) {
	case string:
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			return fmt.Errorf("%s is %.50q, not of the form %s", at, v, p)
		}
		if n, ok := s["maxLength"].(float64); ok && float64(utf8.RuneCountInString(v)) > n {
			return fmt.Errorf("%s is longer than %v", at, n)
		}
	case float64:
		if n, ok := s["minimum"].(float64); ok && v < n {
			return fmt.Errorf("%s is %v, less than %v", at, v, n)
		}
		if n, ok := s["maximum"].(float64); ok && v > n {
			return fmt.Errorf("%s is %v, more than %v", at, v, n)
		}
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, item := range v {
			if err := d.check(items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.checkObject(s, v, at)
	}
	return nil
}

func (d *document) checkObject(s schema, v map[string]any, at string) error {
	known, _ := s["properties"].(map[string]any)
	needed, _ := s["required"].([]any)
	for _, name := range needed {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s has no %v", at, name)
		}
	}
	rest, more := s["additionalProperties"].(map[string]any)
	for name, value := range v {
		p, ok := known[name].(map[string]any)
		switch {
		case ok:
		case more:
			p = rest
		case len(known) > 0 && s["additionalProperties"] != true:
			return fmt.Errorf("%s has %q, which the document does not know", at, name)
		default:
			continue
		}
		if err := d.check(p, value, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

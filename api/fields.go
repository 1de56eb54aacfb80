package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"rackwright/api/wire"
	"rackwright/fault"
)

// Limits of one selection.
const (
	mostFields  = 100
	deepestName = 8
)

// fieldTree is which properties of an answer are wanted; one without names is all of it.
type fieldTree struct {
	names []string
	below map[string]*fieldTree
	whole bool // asked for by itself: it contains its parts
	list  bool // the answer is a list: the selection is of its items
}

// add wants a path of names.
func (t *fieldTree) add(path []string) {
	for _, name := range path {
		if t.whole {
			return
		}
		if t.below == nil {
			t.below = map[string]*fieldTree{}
		}
		if t.below[name] == nil {
			t.below[name] = &fieldTree{}
			t.names = append(t.names, name)
		}
		t = t.below[name]
	}
	t.whole = true
}

// pick leaves of a JSON text what is wanted.
func (t *fieldTree) pick(text []byte) []byte {
	if t == nil {
		return text
	}
	if !t.list {
		return append(t.of(text), '\n')
	}
	var page map[string]json.RawMessage
	if json.Unmarshal(text, &page) != nil {
		return text
	}
	page["items"] = (&fieldTree{names: t.names, below: t.below}).of(page["items"])
	out, err := json.Marshal(page)
	if err != nil {
		return text
	}
	return append(out, '\n')
}

// of is pick for one value; of an array for each of its elements.
func (t *fieldTree) of(text json.RawMessage) json.RawMessage {
	text = bytes.TrimSpace(text)
	if t.whole || len(t.names) == 0 || len(text) == 0 {
		return text
	}
	switch text[0] {
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(text, &items) != nil {
			return text
		}
		for i := range items {
			items[i] = t.of(items[i])
		}
		out, _ := json.Marshal(items)
		return out
	case '{':
		var have map[string]json.RawMessage
		if json.Unmarshal(text, &have) != nil {
			return text
		}
		out := []byte{'{'}
		for _, name := range t.names {
			value, ok := have[name]
			if !ok {
				continue
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			key, _ := json.Marshal(name)
			out = append(append(append(out, key...), ':'), t.below[name].of(value)...)
		}
		return append(out, '}')
	}
	return text
}

// known judges what a request asks for in its query and Accept header, which every route
// takes alike. Unknown parameters and names are refused with the one that was meant.
func (s *server) known(c huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(c)
	o := c.Operation()
	p := strayQuery(c.Context(), r, o)
	if p == nil {
		p = unacceptable(c.Context(), r, o)
	}
	if p == nil && r.Method != http.MethodPost {
		p = s.selection(c.Context(), r, o)
	}
	if p != nil {
		p.write(w)
		return
	}
	next(c)
}

// suggestion names what was meant, or what there is.
func suggestion(name string, names []string) string {
	best, near := "", 3
	for _, n := range names {
		d := fault.Distance(name, n)
		if strings.HasPrefix(n, name) && len(name) > 1 {
			d = min(d, 1)
		}
		if d < near || d == near && n < best {
			best, near = n, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %s?", best)
	case len(names) == 0:
		return "leave it out"
	}
	slices.Sort(names)
	return "there are " + strings.Join(names, ", ")
}

// selection reads the fields parameter against the schema of the route's answer.
func (s *server) selection(ctx context.Context, r *http.Request, o *huma.Operation) *problem {
	text := r.URL.Query().Get("fields")
	a := replyOf(ctx)
	if text == "" || a == nil {
		return nil
	}
	schema := s.resolve(answerSchema(o))
	tree := &fieldTree{}
	if schema != nil && schema.Properties["items"] != nil && schema.Properties["next_page_token"] != nil {
		tree.list, schema = true, s.resolve(schema.Properties["items"].Items)
	}
	list := strings.Split(text, ",")
	if len(list) > mostFields {
		return coded(ctx, "unknown-field", fmt.Sprintf("more than %d fields are asked for", mostFields), "leave fields out")
	}
	for _, name := range list {
		path := strings.Split(strings.TrimSpace(name), ".")
		if bad, names := s.unknownField(schema, path); bad != "" {
			p := coded(ctx, "unknown-field", fmt.Sprintf("the answer has no field %q", name), suggestion(bad, names))
			p.Errors = []wire.ProblemField{{Location: "query.fields", Message: fmt.Sprintf("no field %s", name)}}
			return p
		}
		tree.add(path)
	}
	a.fields = tree
	return nil
}

// answerSchema describes the JSON a route answers with, if it does.
func answerSchema(o *huma.Operation) *huma.Schema {
	if ok := o.Responses["200"]; ok != nil && ok.Content["application/json"] != nil {
		return ok.Content["application/json"].Schema
	}
	return nil
}

// resolve follows references, and arrays to what they hold.
func (s *server) resolve(schema *huma.Schema) *huma.Schema {
	for range deepestName {
		switch {
		case schema == nil:
			return nil
		case schema.Ref != "":
			schema = s.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		case schema.Items != nil:
			schema = schema.Items
		default:
			return schema
		}
	}
	return schema
}

// unknownField returns the part of a path that there is not, and those that there are.
func (s *server) unknownField(schema *huma.Schema, path []string) (bad string, names []string) {
	if len(path) > deepestName {
		return path[deepestName], nil
	}
	for _, name := range path {
		schema = s.resolve(schema)
		if schema == nil || name == "" {
			return "?", nil
		}
		if of, ok := schema.AdditionalProperties.(*huma.Schema); ok {
			schema = of
			continue
		}
		found := schema.Properties[name]
		if found == nil {
			for n := range schema.Properties {
				names = append(names, n)
			}
			return name, names
		}
		schema = found
	}
	return "", nil
}

// unacceptable refuses a request whose Accept header has none of the kinds of answers the
// route gives (RFC 9110 section 12.5.1). Problems come as problems whatever is accepted.
func unacceptable(ctx context.Context, r *http.Request, o *huma.Operation) *problem {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if header == "" {
		return nil
	}
	var kinds []string
	for status, answer := range o.Responses {
		if strings.HasPrefix(status, "2") {
			for kind := range answer.Content {
				kinds = append(kinds, kind)
			}
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	for part := range strings.SplitSeq(header, ",") {
		name, q := weighted(part)
		if q == 0 {
			continue
		}
		group, wild := strings.CutSuffix(strings.ToLower(name), "*")
		for _, kind := range kinds {
			if kind == group || wild && (group == "*/" || group == "" || strings.HasPrefix(kind, group)) {
				return nil
			}
		}
	}
	slices.Sort(kinds)
	return coded(ctx, "not-acceptable", "nothing of what is accepted can be had here", "accept "+strings.Join(kinds, " or "))
}

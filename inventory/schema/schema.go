// Package schema describes a rack plan as JSON Schema (draft 2020-12), for editors and
// for programs that write plans. It is made from the Go types that read the plan, so it
// cannot fall behind them; it says the form of a plan, not the rules between its parts.
package schema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

//go:generate go run rackwright/cmd/rackwright schema --out ../../docs/plan.schema.json

// node is one schema; the order of its fields is the order they are printed in.
type node struct {
	Schema      string           `json:"$schema,omitempty"`
	Ref         string           `json:"$ref,omitempty"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description,omitempty"`
	Type        any              `json:"type,omitempty"` // a name or several
	Enum        []any            `json:"enum,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	Minimum     *float64         `json:"minimum,omitempty"`
	Maximum     *float64         `json:"maximum,omitempty"`
	Items       *node            `json:"items,omitempty"`
	Properties  map[string]*node `json:"properties,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Additional  any              `json:"additionalProperties,omitempty"` // false, or a schema
	Not         *node            `json:"not,omitempty"`
	Defs        map[string]*node `json:"$defs,omitempty"`
}

// Plan returns the schema of a plan as it is written in files.
func Plan() ([]byte, error) {
	d := describer{defs: map[string]*node{}}
	root := d.object(reflect.TypeFor[plan.Plan]())
	root.Schema, root.Title = "https://json-schema.org/draft/2020-12/schema", "Rackwright plan"
	root.Description = "Networks, racks and what stands in them. Several documents and files make one plan; one of them says the site."
	root.Required, root.Defs = nil, d.defs
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fault.Internalf("describe the plan: %w", err)
	}
	return append(text, '\n'), nil
}

// Name is what a type is called in a document. A plan's entries have the names of the nouns
// they plan, so there they are PlannedMachine beside Machine.
func Name(t reflect.Type) string {
	if t.PkgPath() != reflect.TypeFor[plan.Plan]().PkgPath() {
		return t.Name()
	}
	switch t.Name() {
	case "Plan", "Diff", "Change", "FieldChange", "Warning":
		return t.Name()
	}
	return "Planned" + t.Name()
}

// describer makes a definition of each struct once.
type describer struct{ defs map[string]*node }

// of is the schema of a type: a reference for a struct.
func (d *describer) of(t reflect.Type) *node {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n := known(t); n != nil {
		return n
	}
	switch t.Kind() {
	case reflect.Struct:
		name := Name(t)
		if d.defs[name] == nil {
			d.defs[name] = &node{} // for a type that holds itself
			*d.defs[name] = *d.object(t)
		}
		return &node{Ref: "#/$defs/" + name}
	case reflect.Slice:
		return &node{Type: "array", Items: d.of(t.Elem())}
	case reflect.Map:
		return &node{Type: "object", Additional: &node{Type: []string{"string", "number", "boolean"}}}
	case reflect.Bool:
		return &node{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint8:
		return &node{Type: "integer", Minimum: at(0)}
	case reflect.Float64:
		return &node{Type: "number", Minimum: at(0)}
	}
	// YAML reads 7 as a number; the command takes its text.
	return &node{Type: []string{"string", "number"}}
}

func at(f float64) *float64 { return &f }

// known is the schema of a type that writes itself as text, or has few values.
func known(t reflect.Type) *node {
	if values := enums[t]; values != nil {
		return &node{Type: "string", Enum: values}
	}
	if t == reflect.TypeFor[inventory.End]() {
		return &node{Type: "string", Pattern: `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:.+$`}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return &node{Type: "string"}
	}
	return nil
}

// object describes a struct by its yaml tags, with those of what it embeds.
func (d *describer) object(t reflect.Type) *node {
	out := &node{Type: "object", Properties: map[string]*node{}, Additional: false}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case strings.Contains(options, "inline"):
			for key, n := range d.object(f.Type).Properties {
				out.Properties[key] = n
			}
		default:
			out.Properties[name] = d.field(t, f, name)
			if !strings.Contains(options, "omitempty") {
				out.Required = append(out.Required, name)
			}
		}
	}
	if t == reflect.TypeFor[plan.BMC]() || t == reflect.TypeFor[plan.FactoryLogin]() {
		out.Properties["password_file"] = &node{Type: "string", Description: "File with the password, beside the plan; the command reads and sends it"}
		out.Not = &node{Required: []string{"password", "password_file"}}
	}
	return out
}

// field describes one field: the schema of its type, narrowed by what is known of it.
func (d *describer) field(t reflect.Type, f reflect.StructField, name string) *node {
	n := d.of(f.Type)
	if narrow := forms[Name(t)+"."+name]; narrow != nil {
		n = narrow(n)
	} else if values := f.Tag.Get("enum"); values != "" && len(n.Enum) == 0 {
		n = valuesOf(n, strings.Split(values, ","))
	}
	n.Description = f.Tag.Get("doc")
	return n
}

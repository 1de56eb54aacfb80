package main

import (
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
	"rackwright/inventory/plan"
)

// strictWalk goes through a document beside the Go type it is to become: it refuses
// keys the type does not have, remembers where everything stands, and puts the content
// of password files in their place. The decoder alone would name no line for a type's
// unknown key in a document that was changed, and know nothing of password files.
type strictWalk struct {
	file, dir string
	base      map[string]int    // list -> length before this document
	lines     map[string]string // path -> file:line
	warn      func(string)
	bad       []fault.Field
	nodes     int
}

// maxNodes bounds a document whose aliases repeat its parts.
const maxNodes = 2_000_000

func (c *strictWalk) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", c.file, n.Line) }

func (c *strictWalk) fail(n *yaml.Node, format string, args ...any) {
	if len(c.bad) < 20 {
		c.bad = append(c.bad, fault.Field{Path: c.at(n), Message: fmt.Sprintf(format, args...)})
	}
}

func (c *strictWalk) walk(path string, n *yaml.Node, t reflect.Type, depth int) {
	if c.nodes++; c.nodes > maxNodes || depth > 20 {
		if c.nodes == maxNodes+1 || depth > 20 {
			c.fail(n, "is too large or too deep")
		}
		return
	}
	c.lines[path] = c.at(n)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode:
		c.walk(path, n.Alias, t, depth+1)
	case n.Kind == yaml.ScalarNode && isText(t): // it has a form of its own, e.g. a cable's end
	case isText(t):
		c.fail(n, "%s is not a single value", shownPath(path))
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		c.entries(path, n, t, depth)
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		c.mapping(path, n, t, depth)
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, item := range n.Content {
			c.walk(fmt.Sprintf("%s[%d]", path, i+c.base[path]), item, t.Elem(), depth+1)
		}
	case n.Tag == "!!null":
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		c.fail(n, "%s is not a mapping of keys to values", shownPath(path))
	case t.Kind() == reflect.Slice:
		c.fail(n, "%s is not a list", shownPath(path))
	case n.Kind != yaml.ScalarNode:
		c.fail(n, "%s is not a single value", shownPath(path))
	}
}

// isText reports whether a type is read from one text of a form of its own.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// entries walks a mapping whose keys are free, e.g. labels.
func (c *strictWalk) entries(path string, n *yaml.Node, t reflect.Type, depth int) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key, value := n.Content[i], n.Content[i+1]; key.Tag == "!!merge" {
			c.walk(path, value, t, depth+1)
		} else {
			c.walk(path+"."+key.Value, value, t.Elem(), depth+1)
		}
	}
}

func shownPath(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

func (c *strictWalk) mapping(path string, n *yaml.Node, t reflect.Type, depth int) {
	fields := yamlFields(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch f, known := fields[key.Value]; {
		case key.Tag == "!!merge":
			c.walk(path, value, t, depth+1)
		case known:
			c.walk(strings.TrimPrefix(path+"."+key.Value, "."), value, f, depth+1)
		case key.Value == "password_file" && hasPassword(t):
			c.password(n, key, value)
		default:
			c.fail(key, "there is no key %q here: use %s", key.Value, strings.Join(keysOf(t), ", "))
		}
	}
}

// hasPassword reports whether a password file may stand in such a mapping.
func hasPassword(t reflect.Type) bool {
	return t == reflect.TypeFor[plan.BMC]() || t == reflect.TypeFor[plan.FactoryLogin]()
}

// password replaces password_file by the password it holds.
func (c *strictWalk) password(bmc, key, value *yaml.Node) {
	for i := 0; i+1 < len(bmc.Content); i += 2 {
		if bmc.Content[i].Value == "password" {
			c.fail(key, "password and password_file are both given")
			return
		}
	}
	name := value.Value
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.dir, name)
	}
	info, err := os.Stat(name)
	if err == nil && info.Size() > 4096 {
		err = fmt.Errorf("%s is larger than any password", name)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		c.fail(value, "password_file: %s", err)
		return
	}
	if info.Mode().Perm()&0o004 != 0 {
		c.warn(fmt.Sprintf("%s holds a password and everybody on this host can read it; chmod 600 it", name))
	}
	key.Value = "password"
	*value = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimRight(string(text), "\r\n"), Line: value.Line}
}

// yamlFields are the keys of a struct and their types; the fields of one that stands
// inline are its own, and one named "-" is no key.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	eachField(t, func(name string, of reflect.Type) { out[name] = of })
	return out
}

func eachField(t reflect.Type, f func(name string, of reflect.Type)) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			eachField(t.Field(i).Type, f)
		case name != "-":
			f(name, t.Field(i).Type)
		}
	}
}

// keysOf lists the keys of a struct in the order it has them.
func keysOf(t reflect.Type) []string {
	var out []string
	eachField(t, func(name string, _ reflect.Type) { out = append(out, name) })
	if hasPassword(t) {
		out = slices.Insert(out, slices.Index(out, "password")+1, "password_file")
	}
	return out
}

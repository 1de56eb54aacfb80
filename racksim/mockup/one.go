package mockup

import (
	"embed"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"rackwright/fault"
)

// trees are written by hand from the public schemas and documents, not recorded.
//
//go:embed trees/*.json
var trees embed.FS

// Vendors lists the trees that are built in.
func Vendors() []string {
	files, err := fs.Glob(trees, "trees/*.json")
	if err != nil {
		panic(err) // the pattern is ours
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".json"))
	}
	return names
}

// Open finds a tree: a vendor's by name, a folder in DMTF's layout, or one JSON file (see
// Parse). NotFound names the vendors there are.
func Open(name string) (*Tree, error) {
	if slices.Contains(Vendors(), name) {
		return vendor(name)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fault.NotFoundf("mockup %q is neither a folder nor a vendor", name).
			WithHint("name a folder that holds redfish/v1, or one of %s", strings.Join(Vendors(), ", "))
	case info.IsDir():
		return Load(os.DirFS(name))
	case info.Size() > maxTree:
		return nil, fault.Invalidf("mockup %s is larger than %d bytes", name, maxTree)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.Invalidf("mockup: %w", err)
	}
	return Parse(text)
}

func vendor(name string) (*Tree, error) {
	text, err := trees.ReadFile("trees/" + name + ".json")
	if err != nil {
		return nil, fault.NotFoundf("mockup: %w", err)
	}
	return Parse(text)
}

// Parse reads a tree in one JSON object: the resources by URI. What follows from a URI may
// be left out: @odata.id, Id, and the number of a collection's members. "@extends" names a
// built-in tree that the object is laid over, member by member; null takes a resource away.
func Parse(text []byte) (*Tree, error) {
	if len(text) > maxTree {
		return nil, fault.Invalidf("mockup is larger than %d bytes", maxTree)
	}
	all, err := parse(text)
	if err != nil {
		return nil, err
	}
	t := &Tree{bodies: map[string]body{}, other: map[string][]byte{}}
	if base := textAt(all, "@extends"); base != "" {
		if base, err := plainVendor(base); err == nil {
			t.bodies = maps.Clone(base.bodies)
		} else {
			return nil, err
		}
	}
	delete(all, "@extends")
	for uri, v := range all {
		if err := t.lay(uri, v); err != nil {
			return nil, err
		}
	}
	return t.whole()
}

// plainVendor is a built-in tree that extends no other: two floors are enough.
func plainVendor(name string) (*Tree, error) {
	text, err := trees.ReadFile("trees/" + path.Base(name) + ".json")
	if err != nil {
		return nil, fault.Invalidf("mockup extends %q, which is not built in", name).WithHint("use one of %s", strings.Join(Vendors(), ", "))
	}
	if b, err := parse(text); err != nil || b["@extends"] != nil {
		return nil, fault.Invalidf("mockup extends %q, which extends another", name).WithHint("extend that one")
	}
	return Parse(text)
}

// lay puts a resource over what is there.
func (t *Tree) lay(uri string, v any) error {
	b, ok := v.(body)
	switch {
	case path.Clean(uri) != uri || uri != root && !strings.HasPrefix(uri, root+"/"):
		return fault.Invalidf("mockup: %.200q is no URI of a resource", uri).WithHint("write it like /redfish/v1/Systems, without a slash at the end")
	case v == nil:
		delete(t.bodies, uri)
		return nil
	case !ok:
		return fault.Invalidf("mockup: %s is no JSON object", uri)
	}
	whole := body{"@odata.id": uri}
	if old := t.bodies[uri]; old != nil {
		whole = clone(old).(body)
	} else if b["Members"] == nil {
		whole["Id"] = path.Base(uri)
	}
	merge(whole, b)
	if list, ok := whole["Members"].([]any); ok {
		whole["Members@odata.count"] = number(len(list))
	}
	t.bodies[uri] = whole
	return nil
}

package mockup

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rackwright/fault"
)

// body is a resource's JSON object; numbers are json.Number, as they were recorded.
type body = map[string]any

const root = "/redfish/v1"

// Limits of a tree.
const (
	maxResource = 8 << 20   // bytes of one; the largest real ones (registries) are 3 MiB
	maxTree     = 256 << 20 // bytes in all
	maxFiles    = 20000
	maxDepth    = 64 // of folders, and of JSON
)

// Tree is a BMC's resources as recorded. It does not change, and many BMCs may share it.
type Tree struct {
	bodies map[string]body // by URI without a trailing slash
	other  map[string][]byte
	files  int
	bytes  int
}

// Load reads a mockup of DMTF's layout: each resource in PATH/index.json. The tree's root
// holds redfish/v1, or v1, or is the service root itself. headers.json files are left
// alone: a live service makes its own. Invalid when it is no mockup or too large.
func Load(fsys fs.FS) (*Tree, error) {
	prefix, ok := prefixOf(fsys)
	if !ok {
		return nil, fault.Invalidf("no Redfish mockup: neither redfish/v1/index.json, v1/index.json nor a service root in index.json").
			WithHint("name the folder that holds redfish/v1; 'rackwright bmc record' makes one")
	}
	t := &Tree{bodies: map[string]body{}, other: map[string][]byte{}}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fault.Invalidf("mockup: %w", err)
		case strings.Count(name, "/") > maxDepth:
			return fault.Invalidf("mockup: %s is more than %d folders deep", name, maxDepth)
		case entry.IsDir() || entry.Name() != "index.json" && entry.Name() != "index.xml":
			return nil
		}
		text, err := t.open(fsys, name)
		if err != nil {
			return err
		}
		uri := path.Join(prefix, path.Dir("/"+name))
		if entry.Name() == "index.xml" {
			t.other[uri] = text
			return nil
		}
		return t.put(uri, text)
	})
	if err != nil {
		return nil, err
	}
	return t.whole()
}

// prefixOf says which URI the tree's root stands for.
func prefixOf(fsys fs.FS) (string, bool) {
	for name, prefix := range map[string]string{"redfish/v1/index.json": "/", "v1/index.json": "/redfish"} {
		if f, err := fs.Stat(fsys, name); err == nil && !f.IsDir() {
			return prefix, true
		}
	}
	text, err := fs.ReadFile(fsys, "index.json")
	if err != nil || len(text) > maxResource {
		return "", false
	}
	b, err := parse(text)
	return root, err == nil && strings.TrimSuffix(textAt(b, "@odata.id"), "/") == root
}

// open reads one file within the limits.
func (t *Tree) open(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fault.Invalidf("mockup: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxResource+1))
	t.files++
	t.bytes += len(text)
	switch {
	case err != nil:
		return nil, fault.Invalidf("mockup: %s: %w", name, err)
	case len(text) > maxResource:
		return nil, fault.Invalidf("mockup: %s is larger than %d bytes", name, maxResource)
	case t.files > maxFiles || t.bytes > maxTree:
		return nil, fault.Invalidf("mockup: more than %d resources or %d bytes", maxFiles, maxTree)
	}
	return text, nil
}

func (t *Tree) put(uri string, text []byte) error {
	b, err := parse(text)
	if err != nil {
		return fault.Invalidf("mockup: %s: %w", uri, err).WithHint("each index.json is one JSON object")
	}
	if list, ok := b["Members"].([]any); ok && b["Members@odata.nextLink"] != nil {
		delete(b, "Members@odata.nextLink") // the pages behind the first were not recorded
		b["Members@odata.count"] = number(len(list))
	}
	t.bodies[uri] = b
	return nil
}

// whole checks what no BMC is without.
func (t *Tree) whole() (*Tree, error) {
	for _, key := range []string{"Systems", "Managers"} {
		uri := follow(t.bodies[root], key)
		if t.bodies[uri] == nil {
			return nil, fault.Invalidf("mockup: the service root links no %s that is there", key).
				WithHint("the tree is cut short: record it anew")
		}
	}
	return t, nil
}

// parse reads one JSON object.
func parse(text []byte) (body, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) // some tools write a byte order mark
	d.UseNumber()
	var b body
	if err := d.Decode(&b); err != nil {
		return nil, fault.Invalidf("no JSON object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF || b == nil {
		return nil, fault.Invalidf("no JSON object alone")
	}
	if depth(b) > maxDepth {
		return nil, fault.Invalidf("nested more than %d deep", maxDepth)
	}
	return b, nil
}

func depth(v any) (most int) {
	switch v := v.(type) {
	case body:
		for _, e := range v {
			most = max(most, depth(e))
		}
	case []any:
		for _, e := range v {
			most = max(most, depth(e))
		}
	}
	return most + 1
}

// URIs lists the resources.
func (t *Tree) URIs() []string {
	var all []string
	for uri := range t.bodies {
		all = append(all, uri)
	}
	slices.Sort(all)
	return all
}

// Dangling lists the links that lead nowhere in the tree, as "where -> to". Recorded trees
// have many: what the account could not read, and what was left out.
func (t *Tree) Dangling() []string {
	var all []string
	for uri, b := range t.bodies {
		each(b, func(to string) {
			to, _, _ = strings.Cut(to, "#")
			if to = strings.TrimSuffix(to, "/"); strings.HasPrefix(to, "/") && t.bodies[to] == nil && t.other[to] == nil {
				all = append(all, uri+" -> "+to)
			}
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// each calls see for every link in v.
func each(v any, see func(string)) {
	switch v := v.(type) {
	case body:
		for k, e := range v {
			if to, ok := e.(string); ok && k == "@odata.id" {
				see(to)
				continue
			}
			each(e, see)
		}
	case []any:
		for _, e := range v {
			each(e, see)
		}
	}
}

package mockup

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// get is a resource as it is now, to read; nil when there is none.
func (b *BMC) get(uri string) body {
	if c, ok := b.changed[uri]; ok {
		return c
	}
	return b.cfg.Tree.bodies[uri]
}

// edit is a resource to change; nil when there is none. What lies over the tree is a copy.
func (b *BMC) edit(uri string) body {
	if c, ok := b.changed[uri]; ok {
		return c
	}
	recorded := b.cfg.Tree.bodies[uri]
	if recorded == nil {
		return nil
	}
	c := clone(recorded).(body)
	b.changed[uri] = c
	return c
}

// add makes a resource in a collection, which counts it.
func (b *BMC) add(collection, id string, made body) string {
	uri := collection + "/" + id
	made["@odata.id"], made["Id"] = uri, id
	b.changed[uri] = made
	if c := b.edit(collection); c != nil {
		list, _ := c["Members"].([]any)
		c["Members"] = append(list, link(uri))
		c["Members@odata.count"] = number(len(list) + 1)
	}
	return uri
}

// remove takes a resource out of its collection, and what was planned of it.
func (b *BMC) remove(uri string) {
	b.drop(uri)
	b.changed[uri] = nil
	c := b.edit(path.Dir(uri))
	list, ok := at(c, "Members").([]any)
	if !ok {
		return
	}
	list = slices.DeleteFunc(slices.Clone(list), func(v any) bool { return follow(v) == uri })
	c["Members"], c["Members@odata.count"] = list, number(len(list))
}

// next is a free number in a collection.
func (b *BMC) next(collection string) string {
	for {
		b.serials[collection]++
		id := strconv.Itoa(b.serials[collection])
		if b.get(collection+"/"+id) == nil {
			return id
		}
	}
}

// typeOf is a resource's schema: "ComputerSystem" of "#ComputerSystem.v1_20_0.ComputerSystem".
func typeOf(v body) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(textAt(v, "@odata.type"), "#"), ".")
	return name
}

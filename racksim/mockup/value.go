package mockup

import (
	"encoding/json"
	"strings"
)

// at walks nested objects; nil when the way ends.
func at(v any, keys ...string) any {
	for _, k := range keys {
		b, ok := v.(body)
		if !ok {
			return nil
		}
		v = b[k]
	}
	return v
}

// text1 is a string below keys, or "".
func textAt(v any, keys ...string) string {
	s, _ := at(v, keys...).(string)
	return s
}

// follow is the URI that a link below keys leads to, without its trailing slash.
func follow(v any, keys ...string) string {
	return strings.TrimSuffix(textAt(at(v, keys...), "@odata.id"), "/")
}

// members are the URIs of a list of links.
func members(v any, keys ...string) []string {
	list, _ := at(v, keys...).([]any)
	var all []string
	for _, e := range list {
		if uri := follow(e); uri != "" {
			all = append(all, uri)
		}
	}
	return all
}

// texts are the strings of a list.
func texts(v any, keys ...string) []string {
	list, _ := at(v, keys...).([]any)
	var all []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// whole is a number below keys, or 0.
func whole(v any, keys ...string) int {
	n, _ := at(v, keys...).(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func number(n int) json.Number { text, _ := json.Marshal(n); return json.Number(text) }

func link(uri string) body { return body{"@odata.id": uri} }

// clone is a deep copy.
func clone(v any) any {
	switch v := v.(type) {
	case body:
		out := make(body, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

// merge is JSON Merge Patch (RFC 7386), without the removal of members by null: a PATCH
// of Redfish sets null.
func merge(into, from body) {
	for k, v := range from {
		sub, isObject := v.(body)
		old, had := into[k].(body)
		if isObject && had {
			merge(old, sub)
			continue
		}
		into[k] = clone(v)
	}
}

// sameKind reports whether two JSON values have one type; null goes with any.
func sameKind(a, b any) bool {
	kind := func(v any) string {
		switch v.(type) {
		case string:
			return "string"
		case bool:
			return "bool"
		case json.Number:
			return "number"
		case body:
			return "object"
		case []any:
			return "array"
		}
		return ""
	}
	return a == nil || b == nil || kind(a) == kind(b)
}

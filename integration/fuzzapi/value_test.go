package fuzzapi

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// maker makes values from a seed.
type maker struct {
	*rand.Rand
	doc    *document
	pool   *pool
	hushed int
}

// hush is the mark of everything that may never come back.
const hush = "hush-hush"

func pick[T any](m *maker, list []T) T { return list[m.IntN(len(list))] }

func (m *maker) one(in int) bool { return m.IntN(in) == 0 }

// value is one that a schema allows; name is of the member that it is for.
func (m *maker) value(s schema, name string, depth int) any {
	secret := s["writeOnly"] == true
	s = m.doc.whole(s)
	secret = secret || s["writeOnly"] == true
	if words, ok := s["enum"].([]any); ok {
		return pick(m, words)
	}
	kinds := types(s)
	if len(kinds) == 0 {
		return map[string]any{}
	}
	switch kinds[0] {
	case "string":
		return m.text(s, name, secret)
	case "integer", "number":
		return float64(m.number(s))
	case "boolean":
		return m.one(2)
	case "array":
		items, _ := s["items"].(map[string]any)
		n := m.IntN(3)
		if least, ok := s["minItems"].(float64); ok {
			n = max(n, int(least))
		}
		out := []any{}
		for range n {
			if depth < 6 {
				out = append(out, m.value(items, strings.TrimSuffix(name, "s"), depth+1))
			}
		}
		return out
	case "object":
		return m.object(s, secret, depth)
	}
	return nil
}

func (m *maker) object(s schema, secret bool, depth int) any {
	out := map[string]any{}
	needed, _ := s["required"].([]any)
	known, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if slices.Contains(needed, any(name)) || depth < 4 && m.one(3) {
			p := known[name].(map[string]any)
			if secret {
				p = maps.Clone(p)
				p["writeOnly"] = true
			}
			out[name] = m.value(p, name, depth+1)
		}
	}
	if rest, ok := s["additionalProperties"].(map[string]any); ok && m.one(2) {
		if secret {
			rest = maps.Clone(rest)
			rest["writeOnly"] = true
		}
		out[fmt.Sprintf("k%d", m.IntN(9))] = m.value(rest, "", depth+1)
	}
	return out
}

func (m *maker) number(s schema) int {
	low, high := -3, 1000
	if n, ok := s["minimum"].(float64); ok {
		low = int(n)
	}
	if n, ok := s["maximum"].(float64); ok {
		high = int(n)
	}
	return low + m.IntN(max(1, min(high-low, 5000)))
}

func (m *maker) text(s schema, name string, secret bool) string {
	out := ""
	switch {
	case secret:
		m.hushed++
		return fmt.Sprintf("%s-%d", hush, m.hushed)
	case s["format"] == "date-time":
		out = pick(m, []string{"2026-01-02T03:04:05Z", "2036-01-02T03:04:05.123456+02:00"})
	default:
		out = m.pool.word(m, name)
	}
	if n, ok := s["maxLength"].(float64); ok && len(out) > int(n) {
		out = out[:int(n)]
	}
	return out
}

// pool is what there is to be named: what the world began with, and what answers told of.
type pool struct {
	words map[string][]string // by the member or the parameter that names one
}

// openSession is where the secret of the last session is.
const openSession = "secret of a session"

// most bounds what is remembered of a kind.
const most = 40

func (p *pool) add(kind, word string) {
	if word == "" || slices.Contains(p.words[kind], word) {
		return
	}
	if list := p.words[kind]; len(list) >= most {
		p.words[kind] = slices.Delete(list, most/2, most/2+1) // not what the world began with
	}
	p.words[kind] = append(p.words[kind], word)
}

// word is one that fits a member of that name, mostly.
func (p *pool) word(m *maker, name string) string {
	if list := p.words[name]; len(list) > 0 && !m.one(12) {
		return pick(m, list)
	}
	return pick(m, []string{"x", "lab", "a-b", "r1", "m1", "debian", "10m", "192.0.2.77", "https://192.0.2.99/x", "0", "ä", "S-1", "name with space", "52:54:00:00:00:77"})
}

// learn remembers what an answer names.
func (p *pool) learn(o *operation, location string, v any) {
	segments := strings.Split(strings.TrimPrefix(o.path, "/api/v1/"), "/")
	if parts := strings.Split(strings.TrimPrefix(location, "/api/v1/"), "/"); location != "" && len(parts) == 2 {
		p.add(kindOf(parts[0]), parts[1])
	}
	if given, ok := v.(map[string]any); ok && o.id == "add-rack-code" {
		p.words["code"] = append(p.words["code"][:2:2], asText(given["code"]))
	}
	if given, ok := v.(map[string]any); ok && o.id == "open-session" {
		p.words[openSession] = []string{asText(given["secret"])}
	}
	if strings.Contains(o.path, "{") && !strings.HasPrefix(segments[len(segments)-1], "signoff") && segments[len(segments)-1] != "deliveries" {
		return
	}
	if o.id == "list-tokens" {
		return // the callers are to stay
	}
	kind := kindOf(segments[len(segments)-1])
	take := func(v any) {
		item, _ := v.(map[string]any)
		for _, key := range []string{"id", "name"} {
			if word, ok := item[key].(string); ok {
				p.add(kind, word)
			}
		}
		if c, ok := item["certificate"].(map[string]any); ok {
			if word, ok := c["id"].(string); ok {
				p.add(kind, word)
			}
		}
	}
	take(v)
	if list, ok := v.(map[string]any); ok {
		if items, ok := list["items"].([]any); ok {
			for _, item := range items[:min(len(items), 5)] {
				take(item)
			}
		}
	}
}

// kindOf is the parameter that names something of a collection.
func kindOf(collection string) string {
	switch collection {
	case "operations", "rollouts", "campaigns", "signoffs":
		return collection
	case "signoff":
		return "signoffs"
	case "firmware":
		return "file"
	case "imports", "uploads":
		return "import"
	case "deliveries":
		return "delivery"
	}
	return strings.TrimSuffix(collection, "s")
}

// pathKind is the pool that a parameter of a path is from.
func pathKind(o *operation, name string) string {
	before, _, _ := strings.Cut(strings.TrimPrefix(o.path, "/api/v1/"), "/{"+name+"}")
	if name == "id" || name == "name" {
		return kindOf(before[strings.LastIndexByte(before, '/')+1:])
	}
	return name
}

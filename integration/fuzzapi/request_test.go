package fuzzapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is one that is sent, and what may not come of it.
type request struct {
	op      *operation
	method  string
	path    string
	query   string
	header  http.Header
	body    []byte
	tree    any // the body, of JSON
	secret  string
	example bool   // it was made of one
	bent    string // how; "": it is as the description says
	wrong   bool   // it may not succeed
	status  int    // it may have no other status; 0: any
	unknown bool   // its method is none
}

// whole is a request as the description says it may be, of an example where there is one.
func (m *maker) whole(o *operation, examples []example, fresh int) *request {
	r := &request{op: o, method: o.method, header: http.Header{}, secret: adminSecret}
	switch list := m.pool.words[openSession]; {
	case o.id == "end-session" && len(list) > 0:
		r.secret = list[0]
	case strings.HasPrefix(o.id, "stream-"):
		r.secret = pick(m, []string{adminSecret, techSecret, viewerSecret, scopedSecret})
	}
	var e example
	if len(examples) > 0 && !m.one(4) {
		e = m.numbered(o, pick(m, examples), fresh)
		r.example = true
	}
	r.path = m.fill(o, e.at)
	r.query = e.query
	if e.query == "" && m.one(2) {
		r.query = m.queryOf(o)
	}
	switch {
	case o.body != nil:
		if e.body != "" {
			_ = json.Unmarshal([]byte(e.body), &r.tree)
		} else {
			r.tree = m.value(o.body, "", 0)
		}
		r.write()
		r.header.Set("Content-Type", "application/json")
	case o.kind != "":
		r.body = []byte(e.body)
		r.header.Set("Content-Type", o.kind)
	}
	if strings.Contains(o.path, "/uploads") {
		r.header.Set("Tus-Resumable", "1.0.0")
		r.header.Set("Upload-Offset", "0")
	}
	if slices.Contains([]string{"PUT", "PATCH", "DELETE"}, o.method) {
		r.header.Set("If-Match", "*")
	}
	if m.one(20) && o.method == "POST" {
		r.header.Set("Idempotency-Key", pick(m, []string{"k1", "k2", "a b", strings.Repeat("k", 200)}))
	}
	if m.one(20) {
		r.header.Set("If-Match", pick(m, []string{`"1"`, "*", `W/"x"`, "rubbish", `"1.0000"`, strings.Repeat(`"1",`, 400)}))
	}
	return r
}

// write writes the body anew.
func (r *request) write() { r.body, _ = json.Marshal(r.tree) }

// fill puts names in a path; at says some.
func (m *maker) fill(o *operation, at string) string {
	said, _ := url.ParseQuery(at)
	path := o.path
	for _, p := range o.params {
		if p.In == "path" {
			word := said.Get(p.Name)
			if word == "" {
				word = m.pool.word(m, pathKind(o, p.Name))
			}
			path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(word), 1)
		}
	}
	return path
}

func (m *maker) queryOf(o *operation) string {
	q := url.Values{}
	for _, p := range o.params {
		if p.In != "query" || !p.Required && !m.one(4) {
			continue
		}
		if v, ok := m.value(p.Schema, p.Name, 0).([]any); ok {
			for _, one := range v {
				q.Add(p.Name, asText(one))
			}
		} else if text := asText(m.value(p.Schema, p.Name, 0)); text != "" {
			q.Set(p.Name, text)
		}
	}
	return q.Encode()
}

func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// spot is a place in a body: its container, the key in it, and its schema.
type spot struct {
	in  any
	key any
	s   schema
}

func (p spot) set(v any) {
	switch in := p.in.(type) {
	case map[string]any:
		in[p.key.(string)] = v
	case []any:
		in[p.key.(int)] = v
	}
}

// spots are all places in a value; objects are those that take no unknown member.
func (d *document) spots(s schema, v any) (all []spot, objects []map[string]any) {
	s = d.whole(s)
	switch v := v.(type) {
	case map[string]any:
		known, _ := s["properties"].(map[string]any)
		if s["additionalProperties"] == false {
			objects = append(objects, v)
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p, _ := known[name].(map[string]any)
			all = append(all, spot{v, name, p})
			more, below := d.spots(p, v[name])
			all, objects = append(all, more...), append(objects, below...)
		}
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, item := range v {
			all = append(all, spot{v, i, items})
			more, below := d.spots(items, item)
			all, objects = append(all, more...), append(objects, below...)
		}
	}
	return all, objects
}

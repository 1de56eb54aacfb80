package fuzzapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// bend makes of a request one that is wrong, or odd.
func (m *maker) bend(r *request) {
	bends := []func(*request){m.token, m.unknownQuery, m.oddQuery, m.method, m.trick, m.headers, m.method, m.oddName}
	if r.tree != nil {
		bends = append(bends, m.unknownMember, m.unknownMember, m.leaf, m.leaf, m.leaf, m.missing, m.renamed, m.raw, m.raw, m.twice, m.kind, m.long)
	}
	pick(m, bends)(r)
}

func (m *maker) token(r *request) {
	r.bent = "token"
	r.secret = pick(m, []string{"", expiredSecret, revokedSecret, strangerSecret, scopedSecret, viewerSecret, techSecret, "\x7f", strings.Repeat("x", 5000)})
	if slices.Contains([]string{"", expiredSecret, revokedSecret, strangerSecret, "\x7f"}, r.secret) && !r.op.open {
		r.status = 401
	}
}

func (m *maker) unknownQuery(r *request) {
	r.bent, r.wrong = "unknown parameter", true
	r.query = strings.TrimPrefix(r.query+"&"+pick(m, []string{"zz=1", "limits=1", "fields%00=x", "Name_=1", "%7Bx%7D=1", "field=name"}), "&")
}

// odd are texts that somebody forgot.
func odd() []string {
	return []string{"", " ", "\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", strings.Repeat("x", 5000), "../../etc/passwd", "%", "'; DROP TABLE machine; --", "\u202e\u0301", "-1", "1e999", "9223372036854775808", "NaN", "{{.}}",
		"🙂", "<script>", "\r\nX: y", "null", "*", "%%", "_", "18446744073709551616", "2026-13-45T99:99:99Z", "0000-00-00T00:00:00Z", "[::1", "https://[", "AAAA", "eyJsIjoiIiwiYSI6W119"}
}

func (m *maker) oddQuery(r *request) {
	r.bent = "odd parameter"
	var names []string
	for _, p := range r.op.params {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		names = []string{"zz"}
		r.wrong = true
	}
	name := pick(m, names)
	value := url.QueryEscape(pick(m, odd()))
	switch m.IntN(5) {
	case 0:
		value += "&" + name + "=" + value
		r.wrong = r.wrong || !r.op.list(name)
	case 1:
		value = "%zz" + value
	case 2:
		value = ";" + value
	}
	r.query = strings.TrimPrefix(r.query+"&"+name+"="+value, "&")
}

func (m *maker) oddName(r *request) {
	r.bent = "odd name"
	path := r.op.path
	for strings.Contains(path, "{") {
		a, b := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:a] + url.PathEscape(pick(m, append(odd()[1:], "stream", "actions", "imports", "m1", "r1", strings.ToUpper("m1")))) + path[b+1:]
	}
	r.path = path
}

func (m *maker) method(r *request) {
	r.bent = "method"
	r.method = pick(m, []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"})
	r.unknown = r.method == "BREW" || r.method == "get"
}

func (m *maker) trick(r *request) {
	r.bent = "path"
	tail := strings.TrimPrefix(r.path, "/api/v1")
	r.path = pick(m, []string{"/api/v1/%2e%2e" + tail, "/api/v1/../v1" + tail, "/api/v1/" + tail, "//api/v1" + tail, "/api/v1" + tail + "/", "/api/v1" + tail + "//", "/api/v1" + tail + "%2f", "/api/v1" + tail + ";x=y",
		"/api/v1" + strings.ReplaceAll(tail, "/", "%5c"), "/api/v1" + strings.ReplaceAll(tail, "/", "%2f"), "/API/V1" + tail, "/api/v1" + tail + "%00", "/api/v1/." + tail, "/api/v1/machines/%2e%2e/tokens", "/api/v1/health/../tokens",
		"/api/v1/openapi/../tokens", "/api/v1/openapi%2f..%2ftokens", "/api/v1/docs/%2e%2e/tokens", "/api/v1/openapi-3.0.json" + tail, "/api/v1" + tail + "%", "/api/v1" + strings.Repeat("/a", 4000)})
}

func (m *maker) headers(r *request) {
	r.bent = "header"
	name := pick(m, []string{"If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id", "Accept", "Accept-Encoding", "Last-Event-Id", "Content-Encoding", "Range", "X-Rackwright-Reason", "Upload-Offset", "Upload-Length",
		"Content-Length", "Transfer-Encoding", "X-Forwarded-For", "X-HTTP-Method-Override", "Content-Type", "Host", "Authorization", "Tus-Resumable"})
	r.header.Set(name, pick(m, append(odd(), "gzip", "*/*;q=0", "text/html", "DELETE", "bytes=0-1", "application/json; charset=utf-16", "zstd;q=9, gzip;q=-1", `"1"`)))
}

func (m *maker) unknownMember(r *request) {
	_, objects := m.doc.spots(r.op.body, r.tree)
	if len(objects) == 0 {
		return
	}
	r.bent, r.wrong = "unknown member", true
	pick(m, objects)[pick(m, []string{"zz", "Name", "DRY_RUN", "machine_", "__proto__", "", "name ", "$ref"})] = pick(m, []any{nil, true, 1.0, "x", []any{}, map[string]any{}})
	r.write()
}

// leaf puts something else at one place of the body.
func (m *maker) leaf(r *request) {
	all, _ := m.doc.spots(r.op.body, r.tree)
	if len(all) == 0 {
		return
	}
	r.bent = "value"
	p := pick(m, all)
	s := m.doc.whole(p.s)
	var to []any
	for _, text := range odd() {
		to = append(to, text)
	}
	to = append(to, nil, true, []any{}, map[string]any{}, 0.0, -1.0, 1.5, 1e300, -1e300, 9223372036854775807.0, 2147483648.0, json.Number("1e999"), json.Number("-0"), json.Number(strings.Repeat("9", 400)), []any{[]any{[]any{}}}, []any{nil})
	for _, key := range []string{"minimum", "maximum"} {
		if n, ok := s[key].(float64); ok {
			to = append(to, n-1, n, n+1, n-1, n+1)
		}
	}
	if n, ok := s["maxLength"].(float64); ok && n < 300_000 {
		to = append(to, strings.Repeat("y", int(n)), strings.Repeat("y", int(n)+1), strings.Repeat("ä", int(n)))
	}
	if n, ok := s["maxItems"].(float64); ok {
		to = append(to, slices.Repeat([]any{"m1"}, int(n)), slices.Repeat([]any{"m1"}, int(n)+1))
	}
	p.set(pick(m, to))
	r.write()
}

func (m *maker) missing(r *request) {
	_, objects := m.doc.spots(r.op.body, r.tree)
	r.bent = "missing member"
	if len(objects) > 0 {
		o := pick(m, objects)
		for _, name := range slices.Sorted(maps.Keys(o)) {
			if m.one(2) {
				delete(o, name)
			}
		}
	}
	r.write()
}

func (m *maker) renamed(r *request) {
	_, objects := m.doc.spots(r.op.body, r.tree)
	if len(objects) == 0 {
		return
	}
	o := pick(m, objects)
	for _, name := range slices.Sorted(maps.Keys(o)) {
		r.bent, r.wrong = "renamed member", true
		o[strings.ToUpper(name)] = o[name]
		delete(o, name)
		break
	}
	r.write()
}

// twice writes a member two times: what is not seen first is not to slip in.
func (m *maker) twice(r *request) {
	top, _ := r.tree.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(top)) {
		if _, ok := top[name].(map[string]any); !ok && !m.one(3) {
			continue
		}
		r.bent, r.wrong = "member twice", true
		r.body = bytes.Replace(r.body, []byte("{"), []byte(fmt.Sprintf(`{%q:%s,`, name, pick(m, []string{`{"zz":1}`, `null`, `"x"`, `[]`}))), 1)
		return
	}
}

// raw writes what is no such document.
func (m *maker) raw(r *request) {
	r.bent = "raw body"
	depth := 200_000
	bodies := []string{"", "{", "null", "[]", "{} {}", "\xff", `{"a":"` + "\xff\xfe" + `"}`, `{"\ud800":1}`, "\ufeff{}", "{\"a\":\x00}", `{"a":"\u0000"}`, "1e999", strings.Repeat("[", depth), strings.Repeat(`{"a":`, depth), "{}\x00",
		strings.Repeat(" ", 2<<20), `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, string(r.body) + "x", string(r.body[:len(r.body)/2])}
	r.body = []byte(pick(m, bodies))
	if text := string(r.body); text != "" && text != "null" && text != "[]" {
		r.wrong = !json.Valid(r.body) || text[0] != '{'
	}
	if bytes.HasPrefix(r.body, []byte("[]")) || string(r.body) == "null" {
		r.wrong = false
	}
}

func (m *maker) kind(r *request) {
	r.bent = "content type"
	r.header.Set("Content-Type", pick(m, []string{"text/plain", "application/xml", "", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "APPLICATION/JSON", "application/merge-patch+json", "*/*", ";;;"}))
}

func (m *maker) long(r *request) {
	r.bent, r.wrong = "long body", true
	r.body = append(append([]byte(`{"zz":"`), bytes.Repeat([]byte("x"), (3<<20)+m.IntN(1<<20))...), `"}`...)
	if r.op.id == "diff-plan" || r.op.id == "apply-plan" {
		r.body = append(append([]byte(`{"zz":"`), bytes.Repeat([]byte("x"), 1<<20)...), `"}`...)
	}
}

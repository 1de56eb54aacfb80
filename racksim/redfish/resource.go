package redfish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// body is a JSON object of a resource.
type body = map[string]any

// link is a reference to another resource.
func link(path string) body { return body{"@odata.id": path} }

func links(paths ...string) []body {
	refs := []body{}
	for _, p := range paths {
		refs = append(refs, link(p))
	}
	return refs
}

// resource starts a resource's body. typ is like "Chassis.v1_25_0.Chassis".
func resource(path, typ, name string) body {
	id := path[strings.LastIndexByte(path, '/')+1:]
	return body{"@odata.id": path, "@odata.type": "#" + typ, "Id": id, "Name": name}
}

func status(enabled bool) body {
	if enabled {
		return body{"State": "Enabled", "Health": "OK", "HealthRollup": "OK"}
	}
	return body{"State": "Disabled", "Health": "OK"}
}

// get serves one resource, with its ETag.
func (s *Service) get(path string, build func() body) {
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { writeResource(w, r, build()) })
}

// collection serves a collection and its members, which are addressed by their Id.
func (s *Service) collection(path, typ, name string, members func() []body) {
	s.get(path, func() body {
		refs := []body{}
		for _, m := range members() {
			refs = append(refs, link(m["@odata.id"].(string)))
		}
		c := resource(path, typ+"."+typ, name)
		delete(c, "Id") // a collection has none
		c["Members"], c["Members@odata.count"] = refs, len(refs)
		return c
	})
	s.mux.HandleFunc("GET "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, m := range members() {
			if m["Id"] == r.PathValue("id") {
				writeResource(w, r, m)
				return
			}
		}
		refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
	})
}

func writeResource(w http.ResponseWriter, r *http.Request, b body) {
	etag := etagOf(b)
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b["@odata.etag"] = etag
	writeJSON(w, http.StatusOK, b)
}

// etagOf is a strong validator over the resource's content.
func etagOf(b body) string {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // bodies are built here, from strings, numbers and maps
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// patch serves changes of a resource, whose body before is build's. apply gets the
// properties sent and takes them all, then asks done, before it acts. The answer is the changed resource.
func (s *Service) patch(path, privilege string, build func() body, apply func(*changes) *problem) {
	s.mux.HandleFunc("PATCH "+path, func(w http.ResponseWriter, r *http.Request) {
		if p := s.allowed(r, privilege); p != nil {
			p.write(w)
			return
		}
		if p := checkMatch(r, build()); p != nil {
			p.write(w)
			return
		}
		sent, p := readObject(r)
		if p == nil {
			p = apply(&changes{sent: sent})
		}
		if p != nil {
			p.write(w)
			return
		}
		writeResource(w, r, build())
	})
}

// action serves a POST whose parameters are taken like properties and whose answer is 204.
func (s *Service) action(path, privilege string, do func(*changes) *problem) {
	s.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		p := s.allowed(r, privilege)
		if p == nil {
			var sent body
			if sent, p = readObject(r); p == nil {
				p = do(&changes{sent: sent})
			}
		}
		if p != nil {
			p.write(w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func checkMatch(r *http.Request, current body) *problem {
	want := r.Header.Get("If-Match")
	if want == "" || want == "*" || strings.TrimPrefix(want, "W/") == etagOf(current) {
		return nil
	}
	return refuse(http.StatusPreconditionFailed, msgPrecondition)
}

// readObject reads a JSON object; an empty body is an empty object.
func readObject(r *http.Request) (body, *problem) {
	text, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, msgMalformed)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, msgMalformed)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return body{}, nil
	}
	var b body
	if err := json.Unmarshal(text, &b); err != nil || b == nil {
		return nil, refuse(http.StatusBadRequest, msgMalformed)
	}
	return b, nil
}

// changes are the properties of one PATCH, taken one by one; what is left over is
// unknown or read-only.
type changes struct {
	sent body
	bad  *problem
}

// text takes a string property.
func (c *changes) text(name string) (string, bool) {
	v, ok := c.take(name)
	if !ok {
		return "", false
	}
	t, isText := v.(string)
	if !isText {
		c.wrong(name, v)
	}
	return t, isText
}

// flag takes a boolean property.
func (c *changes) flag(name string) (value, ok bool) {
	v, ok := c.take(name)
	if !ok {
		return false, false
	}
	b, isBool := v.(bool)
	if !isBool {
		c.wrong(name, v)
	}
	return b, isBool
}

// number takes a whole number.
func (c *changes) number(name string) (int, bool) {
	v, ok := c.take(name)
	if !ok {
		return 0, false
	}
	n, isNumber := v.(float64)
	if !isNumber || n != float64(int(n)) {
		c.wrong(name, v)
		return 0, false
	}
	return int(n), true
}

// object takes a nested object.
func (c *changes) object(name string) (*changes, bool) {
	v, ok := c.take(name)
	if !ok {
		return nil, false
	}
	o, isObject := v.(body)
	if !isObject {
		c.wrong(name, v)
	}
	return &changes{sent: o}, isObject
}

// reference takes a link to a resource; its path alone is taken too, as gofish sends it.
func (c *changes) reference(name string) string {
	if path, ok := c.sent[name].(string); ok {
		delete(c.sent, name)
		return path
	}
	o, ok := c.object(name)
	if !ok {
		return ""
	}
	path, _ := o.sent["@odata.id"].(string)
	return path
}

// also makes what is wrong with a nested object wrong here, too.
func (c *changes) also(nested *changes) {
	if c.bad == nil {
		c.bad = nested.done()
	}
}

// list takes a list of strings.
func (c *changes) list(name string) ([]string, bool) {
	v, ok := c.take(name)
	if !ok {
		return nil, false
	}
	items, isList := v.([]any)
	texts := make([]string, len(items))
	for i, item := range items {
		var isText bool
		if texts[i], isText = item.(string); !isText {
			isList = false
		}
	}
	if !isList {
		c.wrong(name, v)
	}
	return texts, isList
}

func (c *changes) take(name string) (any, bool) {
	v, ok := c.sent[name]
	delete(c.sent, name)
	return v, ok
}

func (c *changes) wrong(name string, value any) {
	if c.bad == nil {
		text, _ := json.Marshal(value)
		c.bad = refuse(http.StatusBadRequest, msgWrongType, string(text), name)
	}
}

// done is the first problem with what was sent: a wrong type, or something nobody took.
func (c *changes) done() *problem {
	if c.bad != nil {
		return c.bad
	}
	for name := range c.sent {
		if !strings.HasPrefix(name, "@odata.") && name != "Oem" {
			return refuse(http.StatusBadRequest, msgUnknownProperty, name)
		}
	}
	return nil
}

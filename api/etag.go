package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
	"rackwright/store"
)

// tag is a strong validator (RFC 9110 section 8.8.1): the version of a noun that has one,
// and a digest of the content.
type tag struct{ version, digest string }

// tagOf makes the tag of an answer; version is what its handler set, `"7"` or nothing.
func tagOf(version string, body []byte) tag {
	sum := sha256.Sum256(body)
	return tag{version: strings.Trim(version, `"`), digest: hex.EncodeToString(sum[:8])}
}

// text writes it; another coding is another representation (section 8.8.3.3).
func (t tag) text(coding string) string {
	if t.version != "" {
		t.digest = t.version + "." + t.digest
	}
	if coding != "" {
		t.digest += "-" + coding
	}
	return `"` + t.digest + `"`
}

// seen compares for If-None-Match: weakly (section 13.1.2), and whole.
func (t tag) seen(header string) bool {
	return anyTag(header, func(other string) bool { return other == "*" || strings.TrimPrefix(other, "W/") == t.text("") })
}

// holds compares for If-Match: strongly (section 13.1.1). Of a noun with a version only that
// counts: what is only seen of it, such as its power, may be another already.
func (t tag) holds(header string) bool {
	return anyTag(header, func(other string) bool {
		if other == "*" || other == t.text("") {
			return true
		}
		version, _, ok := strings.Cut(strings.Trim(other, `"`), ".")
		return t.version != "" && (version == t.version && (ok || other == `"`+t.version+`"`))
	})
}

// anyTag looks through a list of tags, without what codings added to them.
func anyTag(header string, is func(string) bool) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		for _, coding := range []string{"gzip", "zstd"} {
			if rest, ok := strings.CutSuffix(part, "-"+coding+`"`); ok {
				part = rest + `"`
			}
		}
		if part != "" && is(part) {
			return true
		}
	}
	return false
}

// readers is an adapter that also knows how to answer a GET from inside, for the tag of
// what a request is about to change.
type readers struct {
	huma.Adapter
	inner *chi.Mux
}

func (a readers) Handle(o *huma.Operation, h func(huma.Context)) {
	a.Adapter.Handle(o, h)
	if o.Method == http.MethodGet {
		a.inner.MethodFunc(o.Method, o.Path, func(w http.ResponseWriter, r *http.Request) { h(humachi.NewContext(o, r, w)) })
	}
}

// afresh hides which route a request took: it takes another.
type afresh struct{ context.Context }

func (c afresh) Value(key any) any {
	if key == chi.RouteCtxKey {
		return nil
	}
	return c.Context.Value(key)
}

// hasReader reports whether a path can be read.
func (s *server) hasReader(path string) bool {
	return s.inner.Match(chi.NewRouteContext(), http.MethodGet, path)
}

// tagNow is the tag that a GET of a path would have for this caller; false when it would
// not succeed. What of the query a GET of the path takes picks a part of it there too.
func (s *server) tagNow(r *http.Request, path string) (tag, bool) {
	a := &reply{ResponseWriter: &unsent{header: http.Header{}}}
	q := r.Clone(context.WithValue(afresh{r.Context()}, replyKey{}, a))
	q.Method, q.Body, q.ContentLength = http.MethodGet, http.NoBody, 0
	q.URL.Path, q.URL.RawPath, q.URL.RawQuery = path, "", ""
	if path == r.URL.Path {
		q.URL.RawQuery = s.picks(r).Encode()
	}
	q.Header = http.Header{}
	s.inner.ServeHTTP(a, q)
	if a.status != http.StatusOK || a.straight {
		return tag{}, false
	}
	return tagOf(a.Header().Get("ETag"), a.held.Bytes()), true
}

// blind marks a route by which something tells how it stands itself: nobody else writes
// that, so it need not have been looked at.
const blind = "blind"

// picks is what of a request's query a GET of its path takes.
func (s *server) picks(r *http.Request) url.Values {
	out := url.Values{}
	at := s.huma.OpenAPI().Paths[chi.RouteContext(r.Context()).RoutePattern()]
	if at == nil || at.Get == nil {
		return out
	}
	for name, values := range r.URL.Query() {
		if slices.ContainsFunc(at.Get.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }) {
			out[name] = values
		}
	}
	return out
}

// precondition holds a change to the state that its sender has seen. PUT, PATCH and DELETE
// of what has an ETag must say which (RFC 6585 section 3); an action may, of the resource
// it stands below. Of a part of a machine or an operation the tag of the whole is as good:
// who has seen that has seen the part.
func (s *server) precondition(c huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(c)
	given, path, must := r.Header.Get("If-Match"), r.URL.Path, false
	switch r.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		must = s.hasReader(path) && c.Operation().Metadata[blind] == nil
	case http.MethodPost:
	default:
		next(c)
		return
	}
	if given == "" && must {
		if now, ok := s.tagNow(r, path); ok {
			w.Header().Set("ETag", now.text(""))
			coded(c.Context(), "precondition-required", r.Method+" "+path+" needs If-Match", "").write(w)
			return
		}
	}
	if given == "" {
		next(c)
		return
	}
	for !must && len(path) > len(wire.Prefix) && !s.hasReader(path) {
		path = path[:strings.LastIndexByte(path, '/')]
	}
	if len(path) <= len(wire.Prefix) {
		next(c)
		return
	}
	top, whole := tag{}, false // read first: what changes behind it is found when it is written
	if of := s.wholeOf(path); of != "" {
		top, whole = s.tagNow(r, of)
	}
	now, ok := s.tagNow(r, path)
	if !ok {
		now = top
	}
	if (ok || whole) && !now.holds(given) && !(whole && top.holds(given)) {
		w.Header().Set("ETag", now.text(""))
		coded(c.Context(), "precondition-failed", path+" is not as it was any more", "").write(w)
		return
	}
	if !whole {
		top = now
	}
	if version, err := strconv.ParseInt(top.version, 10, 64); (ok || whole) && err == nil && !strings.Contains(given, "*") {
		c = huma.WithContext(c, store.Expect(c.Context(), noun(path), version))
	}
	next(c)
}

// wholeOf is the path of the machine or operation that a path is a part of; empty when it is
// none.
func (s *server) wholeOf(path string) string {
	parts := strings.SplitN(strings.TrimPrefix(path, wire.Prefix+"/"), "/", 3)
	if len(parts) < 3 || parts[0] != "machines" && parts[0] != "operations" {
		return ""
	}
	if of := wire.Prefix + "/" + parts[0] + "/" + parts[1]; s.hasReader(of) {
		return of
	}
	return ""
}

// noun is the collection a path leads into.
func noun(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, wire.Prefix+"/"), "/")
	return first
}

// versionTag is what a handler says of a noun with a version; see tagOf.
func versionTag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

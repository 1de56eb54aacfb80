package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// courteous adds what all routes take and give alike: see docs/running/status-codes.md. It
// comes after what says who may ask.
func (s *server) courteous(o *huma.Operation) {
	text := &huma.Schema{Type: huma.TypeString, MaxLength: new(4096)}
	add := func(name, in, doc string) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: in, Schema: text, Description: doc})
	}
	switch o.Method {
	case http.MethodGet:
		add("fields", "query", "Names with commas between them, a dot leads into one: only these of the answer, or of each item of a list")
		add("If-None-Match", "header", "ETag already seen: answers 304 while it is the same")
	case http.MethodPost:
		add("Idempotency-Key", "header", "A name for this request, such as a UUID: it is done once, and its answer given again, for 24 h")
		add("If-Match", "header", "ETag of the resource above: answers 412 when it is another")
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		add("If-Match", "header", "ETag of what is changed, or *; needed where a GET of the path answers: 428 without, 412 when it is another")
	}
	if r, ok := o.Metadata[retiring].(retirement); ok {
		o.Middlewares = append(o.Middlewares, r.tell)
	}
	o.Middlewares = append(o.Middlewares, s.known, s.once, s.precondition)
}

// retiring is where a route's retirement stands in its metadata.
const retiring = "retirement"

// retirement is how a route goes: docs/running/status-codes.md promises half a year between
// the two.
type retirement struct {
	since, until time.Time
	link         string // to what replaces it
}

// retire marks a route: the document says so, and each answer (RFC 9745, RFC 8594).
func retire(o huma.Operation, r retirement) huma.Operation {
	o.Deprecated = true
	if o.Metadata == nil {
		o.Metadata = map[string]any{}
	}
	o.Metadata[retiring] = r
	return o
}

func (r retirement) tell(c huma.Context, next func(huma.Context)) {
	c.SetHeader("Deprecation", "@"+strconv.FormatInt(r.since.Unix(), 10))
	c.SetHeader("Sunset", r.until.UTC().Format(http.TimeFormat))
	if r.link != "" {
		c.AppendHeader("Link", "<"+r.link+`>; rel="deprecation"`)
	}
	next(c)
}

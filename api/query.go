package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
)

// strayQuery refuses a query with a parameter that the route does not take, or takes once.
func strayQuery(ctx context.Context, r *http.Request, o *huma.Operation) *problem {
	if r.URL.RawQuery == "" {
		return nil
	}
	several := map[string]bool{} // by the parameters there are: whether they may be repeated
	var names []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
			several[p.Name] = p.Schema.Type == huma.TypeArray && (p.Explode == nil || *p.Explode)
		}
	}
	var unknown, repeated []wire.ProblemField
	hint := ""
	for key, values := range r.URL.Query() {
		switch may, ok := several[key]; {
		case !ok:
			unknown = append(unknown, wire.ProblemField{Location: "query." + key, Message: "unknown query parameter"})
			hint = suggestion(key, names)
		case len(values) > 1 && !may:
			repeated = append(repeated, wire.ProblemField{Location: "query." + key, Message: "is given more than once"})
		}
	}
	if len(unknown) > 0 {
		return strayed(ctx, "unknown-parameter", hint, append(unknown, repeated...))
	}
	if len(repeated) > 0 {
		return strayed(ctx, "repeated-parameter", "", repeated)
	}
	return nil
}

func strayed(ctx context.Context, code, hint string, bad []wire.ProblemField) *problem {
	slices.SortFunc(bad, func(a, b wire.ProblemField) int { return strings.Compare(a.Location, b.Location) })
	p := coded(ctx, code, summary(bad), hint)
	p.Errors = bad
	return p
}

// described is the description of the route that a request came by.
func (s *server) described(r *http.Request) *huma.Operation {
	at := s.huma.OpenAPI().Paths[chi.RouteContext(r.Context()).RoutePattern()]
	if at == nil {
		return nil
	}
	return map[string]*huma.Operation{http.MethodHead: at.Head, http.MethodPost: at.Post, http.MethodPatch: at.Patch}[r.Method]
}

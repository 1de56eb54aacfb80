package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/inventory"
)

// governed writes in the description of a route what it needs, and has it asked for before
// anything else of the request is read.
func (s *server) governed(o *huma.Operation) {
	need := needOf(o.OperationID)
	if o.Extensions == nil {
		o.Extensions = map[string]any{}
	}
	o.Extensions["x-reach"] = string(need.Reach)
	if need.Reach != Open {
		o.Extensions["x-right"] = string(need.Right)
	}
	o.Middlewares = append(o.Middlewares, func(c huma.Context, next func(huma.Context)) {
		if err := s.authorize(c.Context(), need, c.Param); err != nil {
			r, w := humachi.Unwrap(c)
			s.fail(w, r, err)
			return
		}
		next(c)
	})
}

// plain is a handler of a route that huma does not serve, behind what every route asks. Its
// refusals read on for a moment: these routes take long bodies.
func (s *server) plain(operation string, h http.HandlerFunc) http.HandlerFunc {
	need := needOf(operation)
	return func(w http.ResponseWriter, r *http.Request) {
		param := func(name string) string { return chi.URLParam(r, name) }
		if err := s.authorize(r.Context(), need, param); err != nil {
			s.refuseUpload(w, r, http.NewResponseController(w), err)
			return
		}
		if p := strayQuery(r.Context(), r, s.described(r)); p != nil {
			s.refuseUpload(w, r, http.NewResponseController(w), p)
			return
		}
		h(w, r)
	}
}

// mayAtAll is nil when a caller may do somewhere what a route does.
func (n Need) mayAtAll(who access.Caller) error {
	switch n.Reach {
	case Open:
		return nil
	case Whole:
		return access.Allow(who, n.Right, access.Everywhere())
	}
	return access.Allow(who, n.Right, access.Nowhere())
}

// authorize is nil when the caller of a request may do what its route does. For a caller
// without a scope it asks the database nothing.
func (s *server) authorize(ctx context.Context, need Need, param func(string) string) error {
	who := callOf(ctx).caller
	if err := need.mayAtAll(who); err != nil {
		return err
	}
	switch need.Reach {
	case AtMachine:
		return s.atMachine(ctx, need.Right, param("machine"))
	case AtRack:
		return s.atRack(ctx, need.Right, param("rack"))
	case AtWork:
		id := param("id")
		return s.at(ctx, need.Right, id, s.Store.OperationPlace, fault.NotFoundf("there is no operation %q", id).WithHint("'rackwright operation list' shows them"))
	}
	return nil
}

func (s *server) atMachine(ctx context.Context, right access.Right, machine string) error {
	return s.at(ctx, right, machine, s.Store.MachinePlace, fault.NotFoundf("there is no machine %q", machine).WithHint("'rackwright machine list' shows them"))
}

func (s *server) atRack(ctx context.Context, right access.Right, rack string) error {
	return s.at(ctx, right, rack, s.Store.RackPlace, fault.NotFoundf("there is no rack %q", rack).WithHint("'rackwright rack list' shows them"))
}

// at asks whether the caller has a right where something named is. What is out of its scope
// is missing, as if it were not there.
func (s *server) at(ctx context.Context, right access.Right, name string, place func(context.Context, string) (access.Place, error), missing error) error {
	who := callOf(ctx).caller
	if who.Scope.Whole() {
		return nil
	}
	p, err := place(ctx, name)
	if err == nil {
		err = access.Allow(who, right, p)
	}
	if fault.Is(err, fault.NotFound) {
		return missing
	}
	return err
}

// scopeOf is where the caller of a request may look.
func scopeOf(ctx context.Context) access.Scope { return callOf(ctx).caller.Scope }

// machine is the machine of that id or name that the caller may read; for names that do not
// stand in the path.
func (s *server) machine(ctx context.Context, idOrName string) (*inventory.Machine, error) {
	if err := s.atMachine(ctx, access.Read, idOrName); err != nil {
		return nil, err
	}
	return s.Store.Machine(ctx, idOrName)
}

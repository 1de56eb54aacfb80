package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fault"
	"rackwright/inventory"
)

// togetherStore makes changes one.
type togetherStore interface {
	// Together runs calls that change something, all or none when fn fails; one that fails by
	// itself has changed nothing. Without keep all is taken back in the end. fn must return
	// what is no fault of what was asked, and may run more than once.
	Together(ctx context.Context, keep bool, fn func(ctx context.Context) error) error
}

// TryIn lets a request be tried: what speaks against it is said, and nothing is changed.
// Exported because huma fills only exported embedded structs.
type TryIn struct {
	DryRun bool `query:"dry_run" doc:"Only say what would be: the answer is 200 with what it would be about as it would be then, or the problem that there would be"`
}

// tried does what changes the database, and takes it back when that is dry.
func tried[T any](ctx context.Context, s *server, dry bool, do func(ctx context.Context) (T, error)) (out T, err error) {
	if !dry {
		return do(ctx)
	}
	err = s.Store.Together(ctx, false, func(ctx context.Context) (err error) {
		out, err = do(ctx)
		return err
	})
	return out, err
}

// removed answers a removal: nothing, or when it was only tried what would be removed.
type removed struct {
	Status int
	Body   any
}

// removal describes a route that answers removed.
func removal[T any](s *server, o huma.Operation, tag string) huma.Operation {
	o.Tags, o.DefaultStatus = []string{tag}, http.StatusOK // the one with a body
	o.Responses = map[string]*huma.Response{
		"204": {Description: "Removed"},
		"200": jsonResponse[T](s, "Dry run: what would be removed"),
	}
	return o
}

func removedOf[T any](dry bool, what T, err error) (*removed, error) {
	switch {
	case err != nil:
		return nil, err
	case dry:
		return &removed{http.StatusOK, what}, nil
	}
	return &removed{http.StatusNoContent, []byte{}}, nil // bytes have no content type of their own
}

// change is what is done to one machine at once, without an operation.
type change[T any] func(ctx context.Context, machine string, in *T) (*inventory.Machine, error)

// changed does a change of one machine, or tries it. One that destroys may need a second
// person.
func changed[T any](ctx context.Context, s *server, machine string, in *T, dry, destroys bool, of change[T]) (*body[inventory.Machine], error) {
	if destroys && !dry {
		m, err := s.Store.Machine(ctx, machine)
		if err != nil {
			return nil, err
		}
		if err := s.second(ctx, touchedOf(m)); err != nil {
			return nil, err
		}
	}
	return machineBody(tried(ctx, s, dry, func(ctx context.Context) (*inventory.Machine, error) { return of(ctx, machine, in) }))
}

// manyChanged registers a change of many machines.
func manyChanged[T any](s *server, verb, summary string, destroys bool, of change[T]) {
	o := op("POST", "/machines/actions/"+verb, verb+"-machines", summary)
	o.Tags, o.DefaultStatus = []string{"machines"}, http.StatusOK
	o.Responses = map[string]*huma.Response{"200": jsonResponse[wire.Bulk](s, "What became of each machine, or of a dry run what would")}
	right := needOf(o.OperationID).Right
	route(s, o, func(ctx context.Context, in *struct{ Body wire.Many[T] }) (*begun, error) {
		items, err := itemsOf(ctx, s, right, &in.Body, func(it *item) (err error) {
			it.machine, err = s.Store.Machine(ctx, it.named)
			return err
		})
		if err != nil {
			return nil, err
		}
		c := changing{s, items, in.Body.Mode == "all", func(ctx context.Context, name string) (*inventory.Machine, error) {
			return of(ctx, name, &in.Body.Order)
		}}
		if err := c.run(ctx, in.Body.DryRun, destroys); err != nil {
			return nil, err
		}
		return s.answerMany(ctx, items, in.Body.Mode, in.Body.DryRun, http.StatusOK)
	})
}

// changing is a change of many machines under way.
type changing struct {
	*server
	items []item
	all   bool // or none
	of    func(ctx context.Context, name string) (*inventory.Machine, error)
}

// run does what can be done. Before a second person is asked, or when that is all that is
// wanted, it is tried.
func (c changing) run(ctx context.Context, dry, destroys bool) error {
	asked := slices.Clone(c.items)
	if dry || destroys {
		if err := c.do(ctx, false); err != nil || dry {
			return err
		}
		var can []audit.Touched
		for i, it := range c.items {
			if it.err == nil {
				can = append(can, touchedOf(asked[i].machine))
			}
		}
		if err := c.second(ctx, can...); err != nil {
			return err
		}
		copy(c.items, asked)
	}
	return c.do(ctx, true)
}

// do makes the changes, or tries them: all as one, or each by itself.
func (c changing) do(ctx context.Context, keep bool) error {
	asked := slices.Clone(c.items)
	if c.all {
		return c.Store.Together(ctx, keep, func(ctx context.Context) error {
			copy(c.items, asked)
			for i := range c.items {
				if err := c.one(ctx, i); err != nil {
					return err
				}
			}
			return noneOf(c.items, "changed")
		})
	}
	for i := range c.items {
		err := c.Store.Together(ctx, keep, func(ctx context.Context) error {
			c.items[i] = asked[i]
			return c.one(ctx, i)
		})
		if err != nil && i == 0 { // later, what was done is to be told
			return err
		}
		if err != nil {
			c.items[i].err = err
		}
	}
	return nil
}

// one makes the change of one machine. What is no fault of the machine is the error.
func (c changing) one(ctx context.Context, i int) error {
	it := &c.items[i]
	if it.err == nil {
		it.after, it.err = c.of(ctx, it.machine.ID)
	}
	if ours(it.err) {
		return it.err
	}
	return nil
}

// ours reports whether an error is no fault of what was asked.
func ours(err error) bool {
	k := fault.KindOf(err)
	return err != nil && (k == fault.Internal || k == fault.Unreachable)
}

// noneOf is nil when nothing speaks against any; else what is wrong is said of each machine,
// with its index.
func noneOf(items []item, done string) error {
	var bad *fault.Error
	for i := range items {
		it := &items[i]
		if it.err == nil {
			continue
		}
		f, ok := errors.AsType[*fault.Error](it.err)
		if !ok || ours(it.err) {
			return it.err
		}
		if bad == nil {
			bad = &fault.Error{Kind: f.Kind, Hint: f.Hint}
		}
		bad.Fields = append(bad.Fields, fault.Field{Path: fmt.Sprintf("body.machines[%d]", i), Message: it.err.Error()})
	}
	if bad == nil {
		return nil
	}
	bad.Message = fmt.Sprintf("%d of %d machines cannot: none was %s", len(bad.Fields), len(items), done)
	return bad
}

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// task is work on one machine as it was asked for, ready to begin.
type task struct {
	kind    deploy.Kind
	machine *inventory.Machine
	order   deploy.Order
	ends    string // the open operation that is cancelled instead of beginning another
	already bool   // nothing is to be done
}

// prepare makes a task of what an action on one machine takes; many: of one among many.
type prepare[T any] func(ctx context.Context, machine string, in *T, many bool) (task, error)

// item is one machine of a request for many, and how far it came.
type item struct {
	task
	named string
	steps []deploy.Step
	op    *deploy.Operation
	after *inventory.Machine // of a change that takes no time
	err   error
}

// many registers the action of a verb on many machines.
func many[T any](s *server, verb, summary string, of prepare[T]) {
	o := op("POST", "/machines/actions/"+verb, verb+"-machines", summary)
	o.Tags, o.DefaultStatus = []string{"machines"}, http.StatusAccepted
	o.Responses = map[string]*huma.Response{
		"202": jsonResponse[wire.Bulk](s, "What became of each machine; an operation that was begun is followed like any"),
		"200": jsonResponse[wire.Bulk](s, "Dry run: the steps it would take on each"),
	}
	right := needOf(o.OperationID).Right
	route(s, o, func(ctx context.Context, in *struct{ Body wire.Many[T] }) (*begun, error) {
		items, err := itemsOf(ctx, s, right, &in.Body, func(it *item) (err error) {
			if it.task, err = of(ctx, it.named, &in.Body.Order, true); err == nil && !it.already {
				it.steps, err = deploy.Plan(it.kind, deploy.Subject{Machine: *it.machine, Order: it.order})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := s.secondOf(ctx, items, in.Body.Mode, in.Body.DryRun); err != nil {
			return nil, err
		}
		return s.bulk(ctx, items, in.Body.Mode, in.Body.DryRun)
	})
}

// itemsOf are what a request asks of many machines: each prepared where the caller may, none
// twice.
func itemsOf[T any](ctx context.Context, s *server, right access.Right, m *wire.Many[T], prepare func(it *item) error) ([]item, error) {
	names, err := s.addressed(ctx, m.Machines, m.Which)
	if err != nil {
		return nil, err
	}
	items := make([]item, len(names))
	for i, name := range names {
		it := &items[i]
		it.named = name
		if it.err = s.atMachine(ctx, right, name); it.err == nil {
			it.err = prepare(it)
		}
	}
	twice(items)
	return items, nil
}

// addressed are the machines of a request: those it names, or those that meet what it says.
func (s *server) addressed(ctx context.Context, names []string, which *wire.Which) ([]string, error) {
	if (len(names) > 0) == (which != nil) {
		return nil, badBody("machines", "or which is needed, one of the two")
	}
	if which == nil {
		return names, nil
	}
	f := store.MachineFilter{Rack: which.Rack, Phases: phasesOf(which.Phase), Project: which.Project, Model: which.Model, Tag: which.Tag, Labels: which.Labels,
		Text: which.Text, Scope: scopeOf(ctx), Limit: wire.MaxBulk, Brief: true}
	if which.Rack+which.Phase+which.Project+which.Model+which.Tag+which.Text == "" && len(which.Labels) == 0 {
		return nil, badBody("which", "says nothing: all machines are not meant by silence")
	}
	for {
		page, next, err := s.Store.MachinePage(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.Phase != inventory.Retired {
				names = append(names, m.Name)
			}
		}
		if len(names) > wire.MaxBulk {
			return nil, badBody("which", fmt.Sprintf("is met by more than %d machines", wire.MaxBulk))
		}
		if next == "" || next == f.After {
			break
		}
		f.After = next
	}
	if len(names) == 0 {
		return nil, fault.NotFoundf("no machine meets that").WithHint("'rackwright machine list' shows them")
	}
	return names, nil
}

// phasesOf is one phase, or none for any.
func phasesOf(phase string) []string {
	if phase == "" {
		return nil
	}
	return []string{phase}
}

// twice refuses a machine that is named again.
func twice(items []item) {
	first := map[string]int{}
	for i := range items {
		it := &items[i]
		if it.machine == nil {
			continue
		}
		if at, ok := first[it.machine.ID]; ok && it.err == nil {
			it.err = fault.Invalidf("%s is machines[%d] already", it.machine.Name, at)
		}
		first[it.machine.ID] = i
	}
}

// bulk begins what can be begun: all in one transaction, or each by itself.
func (s *server) bulk(ctx context.Context, items []item, mode string, dry bool) (*begun, error) {
	if mode == "all" {
		if err := s.together(ctx, items, dry); err != nil {
			return nil, err
		}
	} else if err := s.apart(ctx, items, dry); err != nil {
		return nil, err
	}
	return s.answerMany(ctx, items, mode, dry, http.StatusAccepted)
}

// answerMany answers a request for many machines, and tells the audit what became of each.
func (s *server) answerMany(ctx context.Context, items []item, mode string, dry bool, status int) (*begun, error) {
	out := wire.Bulk{Mode: mode, DryRun: dry, Items: make([]wire.BulkItem, len(items))}
	for i := range items {
		b := s.bulkItem(ctx, i, &items[i], dry)
		switch {
		case b.Problem != nil:
			out.Refused++
		case !b.Already:
			out.Begun++
		}
		out.Items[i] = b
	}
	if dry {
		return &begun{Status: http.StatusOK, Body: out}, nil
	}
	callOf(ctx).note.parts = parts(items, out.Items, status)
	s.remark(ctx, nil, map[string]any{"begun": out.Begun, "refused": out.Refused})
	return &begun{Status: status, Body: out}, nil
}

// parts is what the audit enters of each machine.
func parts(items []item, told []wire.BulkItem, status int) []part {
	out := make([]part, len(items))
	for i, it := range items {
		out[i] = part{machine: it.named, status: status}
		if it.machine != nil {
			out[i].machine, out[i].id = it.machine.Name, it.machine.ID
		}
		if p := told[i].Problem; p != nil {
			out[i].status = p.Status
		} else if it.op != nil {
			out[i].operation = it.op.ID
		}
	}
	return out
}

// bulkItem is a machine's part of the answer.
func (s *server) bulkItem(ctx context.Context, i int, it *item, dry bool) wire.BulkItem {
	b := wire.BulkItem{Index: i, Machine: it.named}
	switch {
	case it.err != nil:
		p, _ := errors.AsType[*problem](s.refuse(ctx, it.err))
		b.Problem = &p.Problem
	case it.already:
		b.Already = true
	case it.after != nil:
		b.Result = it.after
	case dry:
		b.Steps = it.steps
	default:
		o := shown(*it.op)
		b.Operation = &o
	}
	return b
}

// apart begins each that can be. While nothing was begun, what is no fault of a machine is
// the whole request's.
func (s *server) apart(ctx context.Context, items []item, dry bool) error {
	begun := 0
	for i := range items {
		it := &items[i]
		if it.err == nil && !dry && !it.already {
			it.op, it.err = s.do(ctx, it.task)
		}
		switch {
		case it.op != nil:
			begun++
		case begun == 0 && ours(it.err):
			return it.err
		}
	}
	return nil
}

// together begins all or none. What is wrong is said of each machine that is, with its index.
func (s *server) together(ctx context.Context, items []item, dry bool) error {
	if err := noneOf(items, "begun"); err != nil || dry {
		return err
	}
	return s.Store.Together(ctx, true, func(ctx context.Context) error {
		var work []store.Work
		var at []int // in items
		for i := range items {
			it := &items[i]
			if it.op, it.err = nil, nil; it.ends != "" {
				if it.op, it.err = s.do(ctx, it.task); it.err != nil {
					return noneOf(items, "begun")
				}
			} else if !it.already {
				work, at = append(work, store.Work{Kind: it.kind, Machine: it.machine.ID, Order: it.order}), append(at, i)
			}
		}
		if len(work) == 0 {
			return nil
		}
		made, failed, err := s.Store.CreateOperations(ctx, work, actor(ctx))
		if err != nil && !ours(err) {
			items[at[failed]].err = err
			return noneOf(items, "begun")
		}
		for i := range made {
			items[at[i]].op = made[i]
		}
		return err
	})
}

package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// life registers what moves a machine through its life, and what its gates lack.
func (s *server) life() {
	tag := func(method, path, id, summary string) huma.Operation {
		o := op(method, "/machines/{machine}/"+path, id, summary)
		o.Tags = []string{"machines"}
		return o
	}
	route(s, tag("GET", "gates", "machine-gates", "What opens each phase of a machine, and what is lacking"), s.gates)
	route(s, tag("GET", "identifiers", "machine-identifiers", "By what a machine was seen, and when"),
		func(ctx context.Context, in *struct {
			MachineIn
			PageIn
		}) (*body[wire.List[inventory.Identifier]], error) {
			m, err := s.Store.Machine(ctx, in.Machine)
			if err != nil {
				return nil, err
			}
			orders := []order[inventory.Identifier]{
				{"kind", func(i *inventory.Identifier) []string { return []string{i.Kind, i.Value} }},
				{"first", func(i *inventory.Identifier) []string { return []string{timeKey(i.First), i.Kind, i.Value} }},
				{"last", func(i *inventory.Identifier) []string { return []string{timeKey(i.Last), i.Kind, i.Value} }},
			}
			list, err := s.Store.Identifiers(ctx, m.ID)
			return pageOf(ctx, in.PageIn, orders, list, err)
		})
	route(s, tag("GET", "history", "machine-history", "A machine and those whose place it took, the newest first"),
		func(ctx context.Context, in *struct {
			MachineIn
			PageIn
		}) (*body[wire.List[inventory.Machine]], error) {
			list, err := s.Store.History(ctx, in.Machine)
			return pageOf(ctx, in.PageIn, byTime("-created", func(m *inventory.Machine) (time.Time, string) { return m.CreatedAt, m.ID }), list, err)
		})
	route(s, tag("POST", "hold", "hold-machine", "Keep a machine in maintenance for a time"), s.hold)
	route(s, tag("DELETE", "hold", "release-machine", "End a hold; the machine goes back to where the evidence says"),
		func(ctx context.Context, in *MachineIn) (*body[inventory.Machine], error) {
			admin := callOf(ctx).caller.Role.May(access.Govern)
			return machineBody(s.Store.ReleaseHold(ctx, in.Machine, actor(ctx), admin))
		})
	route(s, tag("POST", "retire", "retire-machine", "Take a machine out for good and free all it holds"), func(ctx context.Context, in *struct {
		MachineIn
		Body inventory.Retirement
	}) (*body[inventory.Machine], error) {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		if err := s.second(ctx, touchedOf(m)); err != nil {
			return nil, err
		}
		return machineBody(s.Store.Retire(ctx, in.Machine, in.Body, actor(ctx)))
	})
	route(s, tag("POST", "replace", "replace-machine", "Put new hardware in a machine's place; answers the new machine"), func(ctx context.Context, in *struct {
		MachineIn
		Body inventory.Replacement
	}) (*body[inventory.Machine], error) {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		if err := s.second(ctx, touchedOf(m)); err != nil { // the old machine is retired
			return nil, err
		}
		return machineBody(s.Store.Replace(ctx, in.Machine, in.Body, actor(ctx)))
	})
}

func (s *server) gates(ctx context.Context, in *MachineIn) (*body[wire.List[inventory.Gate]], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	seen, err := s.Store.Identifiers(ctx, m.ID)
	return listOf(inventory.Gates(m, seen), err)
}

func (s *server) hold(ctx context.Context, in *struct {
	MachineIn
	Body wire.Keep
}) (*body[inventory.Machine], error) {
	long := time.Duration(0)
	if in.Body.For != "" {
		var err error
		if long, err = time.ParseDuration(in.Body.For); err != nil || long <= 0 {
			return nil, &fault.Error{Kind: fault.Invalid, Message: "the hold's time cannot be read", Hint: "write it as 90m or 24h",
				Fields: []fault.Field{{Path: "body.for", Message: "is no time"}}}
		}
	}
	return machineBody(s.Store.Hold(ctx, in.Machine, in.Body.Reason, long, actor(ctx)))
}

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
	keep := tag("POST", "hold", "hold-machine", "Keep a machine in maintenance for a time")
	route(s, keep, func(ctx context.Context, in *struct {
		MachineIn
		TryIn
		Body wire.Keep
	}) (*body[inventory.Machine], error) {
		return changed(ctx, s, in.Machine, &in.Body, in.DryRun, false, s.hold)
	})
	route(s, tag("GET", "hold", "get-hold", "Who keeps a machine in maintenance, why and until when; 404 while nobody does"), s.getHold)
	manyChanged(s, "hold", "Keep machines in maintenance for a time; of many machines, all or each", false, s.hold)
	route(s, tag("DELETE", "hold", "release-machine", "End a hold; the machine goes back to where the evidence says"), func(ctx context.Context, in *struct {
		MachineIn
		TryIn
	}) (*body[inventory.Machine], error) {
		return changed(ctx, s, in.Machine, nil, in.DryRun, false, s.releaseHold)
	})
	manyChanged(s, "release", "End the holds of machines; of many machines, all or each", false, s.releaseHold)
	route(s, tag("POST", "retire", "retire-machine", "Take a machine out for good and free all it holds"), func(ctx context.Context, in *struct {
		MachineIn
		TryIn
		Body inventory.Retirement
	}) (*body[inventory.Machine], error) {
		return changed(ctx, s, in.Machine, &in.Body, in.DryRun, true, s.retire)
	})
	manyChanged(s, "retire", "Take machines out for good and free all they hold; of many machines, all or each", true, s.retire)
	route(s, tag("POST", "replace", "replace-machine", "Put new hardware in a machine's place; answers the new machine"), func(ctx context.Context, in *struct {
		MachineIn
		TryIn
		Body inventory.Replacement
	}) (*body[inventory.Machine], error) {
		return changed(ctx, s, in.Machine, &in.Body, in.DryRun, true, s.replace)
	})
	manyChanged(s, "replace", "Put new hardware in the places of machines; of many machines, all or each", true, s.replaceMany)
}

func (s *server) getHold(ctx context.Context, in *MachineIn) (*body[inventory.Hold], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err == nil && m.Hold == nil {
		err = fault.NotFoundf("nobody holds %s", m.Name).WithHint("'rackwright machine hold %s' does", m.Name)
	}
	if err != nil {
		return nil, err
	}
	return &body[inventory.Hold]{*m.Hold}, nil
}

func (s *server) releaseHold(ctx context.Context, machine string, _ *struct{}) (*inventory.Machine, error) {
	admin := callOf(ctx).caller.Role.May(access.Govern)
	return s.Store.ReleaseHold(ctx, machine, actor(ctx), admin)
}

func (s *server) retire(ctx context.Context, machine string, r *inventory.Retirement) (*inventory.Machine, error) {
	return s.Store.Retire(ctx, machine, *r, actor(ctx))
}

// replace retires the old machine.
func (s *server) replace(ctx context.Context, machine string, r *inventory.Replacement) (*inventory.Machine, error) {
	return s.Store.Replace(ctx, machine, *r, actor(ctx))
}

// replaceMany is replace of one of many: what is one machine's alone is learned when it is
// seen.
func (s *server) replaceMany(ctx context.Context, machine string, r *inventory.Replacement) (*inventory.Machine, error) {
	if r.Serial+r.UUID != "" || len(r.MACs) > 0 || !r.BMCMAC.IsZero() {
		return nil, badBody("order", "has what only one machine can have: serial, uuid, macs or bmc_mac")
	}
	return s.replace(ctx, machine, r)
}

func (s *server) gates(ctx context.Context, in *MachineIn) (*body[wire.List[inventory.Gate]], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	seen, err := s.Store.Identifiers(ctx, m.ID)
	return listOf(inventory.Gates(m, seen), err)
}

func (s *server) hold(ctx context.Context, machine string, k *wire.Keep) (*inventory.Machine, error) {
	long := time.Duration(0)
	if k.For != "" {
		var err error
		if long, err = time.ParseDuration(k.For); err != nil || long <= 0 {
			return nil, &fault.Error{Kind: fault.Invalid, Message: "the hold's time cannot be read", Hint: "write it as 90m or 24h",
				Fields: []fault.Field{{Path: "body.for", Message: "is no time"}}}
		}
	}
	return s.Store.Hold(ctx, machine, k.Reason, long, actor(ctx))
}

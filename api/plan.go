package api

import (
	"context"

	"rackwright/api/wire"
	"rackwright/inventory/plan"
)

type planIn struct{ Body plan.Plan }

type applyIn struct {
	Hash string `query:"hash" maxLength:"64" pattern:"^[0-9a-f]*$" doc:"Apply only if the changes are still the ones of this hash"`
	Body plan.Plan
}

func (s *server) plans() {
	o := op("POST", "/plans", "diff-plan", "What applying a plan would do; changes nothing")
	o.Tags, o.MaxBodyBytes = []string{"plans"}, wire.MaxPlan
	route(s, o, func(ctx context.Context, in *planIn) (*body[*plan.Diff], error) {
		return diffOf(s.Store.DiffPlan(ctx, in.Body))
	})
	o = op("POST", "/plans/apply", "apply-plan", "Make the inventory as the plan says, whole or not at all")
	o.Tags, o.MaxBodyBytes = []string{"plans"}, wire.MaxPlan
	route(s, o, func(ctx context.Context, in *applyIn) (*body[*plan.Diff], error) {
		d, err := s.Store.ApplyPlan(ctx, in.Body, in.Hash, actor(ctx))
		if err == nil {
			s.remark(ctx, nil, map[string]any{"changes": len(d.Changes), "warnings": len(d.Warnings), "hash": d.Hash})
		}
		return diffOf(d, err)
	})
}

func diffOf(d *plan.Diff, err error) (*body[*plan.Diff], error) {
	if err != nil {
		return nil, err
	}
	return &body[*plan.Diff]{d}, nil
}

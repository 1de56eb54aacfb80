package api

import (
	"context"
	"maps"
	"slices"

	"rackwright/api/wire"
	"rackwright/boot"
)

type ladderStore interface {
	Rungs(ctx context.Context) (map[string]boot.Rung, error)
	// SetRung is Conflict where the ladder stands elsewhere than was.
	SetRung(ctx context.Context, model string, was, now boot.Rung, actor string) error
	// ResetRung is NotFound for a model of which nothing is remembered.
	ResetRung(ctx context.Context, model string) error
}

// LadderIn names a model. Exported because huma fills only exported embedded structs.
type LadderIn struct {
	Model string `path:"model" minLength:"1" maxLength:"200" doc:"Name of the model"`
}

// ladders registers which loader worked for which model.
func (s *server) ladders() {
	o := op("GET", "/boot/ladders", "list-ladders", "Which loader worked for the machines of each model, or is tried next, by model")
	o.Tags = []string{"explain"}
	route(s, o, func(ctx context.Context, in *PageIn) (*body[wire.List[wire.Ladder]], error) {
		list, err := s.rungs(ctx)
		return pageOf(ctx, *in, byName(func(l *wire.Ladder) string { return l.Model }), list, err)
	})
	set := op("PUT", "/boot/ladders/{model}", "set-ladder", "Say which loader the machines of a model are told of; refused where the plan says it, or none of them could be told")
	set.Tags = []string{"explain"}
	route(s, set, s.setLadder)
	route(s, removal[wire.Ladder](s, op("DELETE", "/boot/ladders/{model}", "reset-ladder", "Forget which loader worked for a model; its machines begin with the built-in one again"), "explain"),
		func(ctx context.Context, in *struct {
			LadderIn
			TryIn
		}) (*removed, error) {
			all, err := s.Store.Rungs(ctx)
			if err != nil {
				return nil, err
			}
			if _, err = tried(ctx, s, in.DryRun, func(ctx context.Context) (any, error) { return nil, s.Store.ResetRung(ctx, in.Model) }); err == nil {
				s.remark(ctx, ladderOf(in.Model, all[in.Model]), nil)
			}
			return removedOf(in.DryRun, ladderOf(in.Model, all[in.Model]), err)
		})
}

func (s *server) rungs(ctx context.Context) (list []wire.Ladder, err error) {
	all, err := s.Store.Rungs(ctx)
	for _, model := range slices.Sorted(maps.Keys(all)) {
		list = append(list, ladderOf(model, all[model]))
	}
	return list, err
}

func ladderOf(model string, r boot.Rung) wire.Ladder {
	return wire.Ladder{Model: model, Loader: r.Kind.String(), Worked: r.Worked}
}

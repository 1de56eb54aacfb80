package api

import (
	"context"
	"slices"

	"rackwright/api/wire"
	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

type ladderSetIn struct {
	LadderIn
	TryIn
	Body wire.LadderSet
}

// setLadder has the machines of a model told of a loader. Said twice it is said once.
func (s *server) setLadder(ctx context.Context, in *ladderSetIn) (*body[wire.Ladder], error) {
	kind, _ := boot.KindNamed(in.Body.Loader)
	if err := s.canBeTold(ctx, in.Model, kind); err != nil {
		return nil, err
	}
	all, err := s.Store.Rungs(ctx)
	if err != nil {
		return nil, err
	}
	was, now := all[in.Model], boot.Rung{Kind: kind, Worked: in.Body.Worked}
	out, err := tried(ctx, s, in.DryRun, func(ctx context.Context) (wire.Ladder, error) {
		if was == now {
			return ladderOf(in.Model, now), nil
		}
		return ladderOf(in.Model, now), s.Store.SetRung(ctx, in.Model, was, now, actor(ctx))
	})
	if err == nil {
		s.remark(ctx, ladderOf(in.Model, was), out)
	}
	return bodyOf(out, err)
}

// lookedAt is how many machines of a model are asked for their firmware.
const lookedAt = 1000

// canBeTold refuses a loader that the plan decides, or that no machine of the model could be told of here.
func (s *server) canBeTold(ctx context.Context, model string, kind boot.Kind) error {
	if s.Explain == nil {
		return unexplained()
	}
	models, err := s.Store.Models(ctx)
	if err != nil {
		return err
	}
	machines, _, err := s.Store.MachinePage(ctx, store.MachineFilter{Model: model, Limit: lookedAt, Brief: true})
	if err != nil {
		return err
	}
	i, shelf := slices.IndexFunc(models, func(m inventory.Model) bool { return m.Name == model }), s.Explain.Settings.Loaders
	switch {
	case i < 0 && len(machines) == 0:
		return missing("model", model)
	case i >= 0 && models[i].Loader != "":
		return fault.Conflictf("the plan names %s for model %s", models[i].Loader, model).WithHint("change 'loader' of the model in the plan, and apply it")
	case len(machines) == 0 && shelf.Offers(kind, "", ""), slices.ContainsFunc(machines, func(m inventory.Machine) bool { return shelf.Offers(kind, m.Firmware, m.Arch) }):
		return nil
	}
	why := "there is no such loader here for any machine of the model"
	return &fault.Error{Kind: fault.Invalid, Message: why, Hint: "put its files into the folder boot.loader_dir and restart the server; BIOS has but the built-in one",
		Fields: []fault.Field{{Path: "body.loader", Message: why}}}
}

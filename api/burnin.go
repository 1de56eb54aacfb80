package api

import (
	"context"
	"slices"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

// burnStore is where burn-ins are kept.
type burnStore interface {
	// BurnIns are newest first.
	BurnIns(ctx context.Context, machineID string, limit int) ([]deploy.BurnRecord, error)
	// BurnSiblings are the last verdicts of the machines of one model and batch, itself among them.
	BurnSiblings(ctx context.Context, machineID string, limit int) ([]deploy.BurnRecord, error)
}

// burnIns registers the burn-in of machines and what came out.
func (s *server) burnIns() {
	verb(s, "burn-in", "Work the machine hard for a time and count what goes wrong", s.toBurnIn, func(in *wire.BurnIn) bool { return in.DryRun })
	get := op("GET", "/machines/{machine}/burn-in", "get-burn-in", "The machine's last burn-in, beside those of its siblings")
	get.Tags = []string{"machines"}
	route(s, get, func(ctx context.Context, in *MachineIn) (*body[wire.BurnReport], error) {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		return bodyOf(s.burnReport(ctx, m))
	})
}

func (s *server) toBurnIn(ctx context.Context, machine string, in *wire.BurnIn, many bool) (task, error) {
	m, err := s.Store.Machine(ctx, machine)
	if err == nil {
		err = s.asTheAgentSaw(ctx, m)
	}
	if err == nil && !many { // of many, the list is for all of them
		err = deploy.Unseen(in.Overwrite, m)
	}
	burn := in.BurnOrder
	return task{kind: deploy.BurnIn, machine: m, order: deploy.Order{Burn: &burn, Overwrite: in.Overwrite}}, err
}

func (s *server) burnReport(ctx context.Context, m *inventory.Machine) (wire.BurnReport, error) {
	list, err := s.Store.BurnIns(ctx, m.ID, 1)
	if err == nil && len(list) == 0 {
		err = fault.NotFoundf("%s was never burned in", m.Name).WithHint("'rackwright burn-in %s'", m.Name)
	}
	if err != nil {
		return wire.BurnReport{}, err
	}
	b := list[0]
	siblings, err := s.Store.BurnSiblings(ctx, m.ID, deploy.MaxSiblings)
	if err != nil {
		return wire.BurnReport{}, err
	}
	siblings = slices.DeleteFunc(siblings, func(o deploy.BurnRecord) bool { return o.Machine == m.ID })
	figures := deploy.CompareBurns(append(siblings, b))[m.ID]
	total := b.Total()
	out := wire.BurnReport{Machine: m.ID, Name: m.Name, Model: m.Model, Batch: m.Batch, Operation: b.Operation, State: b.State, Order: b.Order, Seconds: total.Seconds,
		Restarts: b.Restarts, Silences: b.Silences, Wrong: b.Complaints(), Notes: total.Notes, Figures: figures, Siblings: len(siblings), Began: b.Began, Ended: b.Ended}
	if out.Wrong == nil {
		out.Wrong = []string{}
	}
	if out.Notes == nil {
		out.Notes = []string{}
	}
	if out.Figures == nil {
		out.Figures = []deploy.BurnCompared{}
	}
	return out, nil
}

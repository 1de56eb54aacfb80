package run

import (
	"context"
	"fmt"
	"slices"

	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// compare settles on the machine and on each sibling whether its figures are worse than
// those of the others.
func (j *job) compare(ctx context.Context) error {
	list, err := j.w.Store.BurnSiblings(ctx, j.op.Machine, deploy.MaxSiblings)
	if err != nil {
		return err
	}
	compared := deploy.CompareBurns(list)
	for i := range list {
		if err := j.settleFigures(ctx, list[i].Machine, compared[list[i].Machine]); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) settleFigures(ctx context.Context, machine string, figures []deploy.BurnCompared) error {
	m, err := j.w.Store.Machine(ctx, machine)
	if err != nil {
		return err
	}
	owned := []string{inventory.WorseThanSiblings}
	if alike(m.Conditions, verify.Settle(m.Conditions, deploy.BurnConditions(m, figures), owned, j.w.Now())) {
		return nil
	}
	_, err = j.w.Store.ChangeMachine(ctx, machine, func(m *inventory.Machine) ([]journal.Event, error) {
		found := deploy.BurnConditions(m, figures)
		m.Conditions = verify.Settle(m.Conditions, found, owned, j.w.Now())
		summary := "its figures of burn-in are like those of its siblings"
		if len(found) > 0 {
			summary = fmt.Sprintf("worse than its siblings: %s: %s", found[0].Subject, found[0].Evidence)
		}
		return []journal.Event{{Kind: journal.Condition, Operation: j.op.ID, Actor: "worker", Summary: summary}}, nil
	})
	return err
}

// alike compares conditions but for when they began.
func alike(a, b []inventory.Condition) bool {
	return slices.EqualFunc(a, b, func(x, y inventory.Condition) bool {
		return x.Type == y.Type && x.Subject == y.Subject && x.Evidence == y.Evidence && x.Reason == y.Reason
	})
}

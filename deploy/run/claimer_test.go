package run_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/deploy/run"
	"rackwright/inventory"
	"rackwright/store"
)

func TestBMCsThatAnswerAreClaimedByThemselvesOnce(t *testing.T) {
	c := newClaims(t)
	_, err := c.db.ApplyPlan(c.ctx, c.plan, "", "test")
	c.ok(err)
	_, err = c.db.ChangeMachine(c.ctx, "n1", func(m *inventory.Machine) ([]Event, error) {
		m.Conditions = []inventory.Condition{{Type: inventory.BMCUnusable, Reason: "denied", Since: c.clock.now()}}
		return nil, nil
	})
	c.ok(err)
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	var over sync.WaitGroup
	over.Go(func() {
		(&run.Claimer{Store: c.db, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond}).Run(ctx)
	})
	claims := func() []deploy.Operation {
		ops, err := c.db.Operations(c.ctx, store.OperationFilter{Machine: "n1", Kinds: []string{"claim"}})
		c.ok(err)
		return ops
	}
	for deadline := time.After(20 * time.Second); len(claims()) == 0; {
		select {
		case <-deadline:
			t.Fatal("nobody asked for a claim")
		case <-time.After(time.Millisecond):
		}
	}
	if op := c.works(claims()[0].ID); op.State != deploy.Succeeded || op.Actor != "bmc.claim = auto" {
		t.Errorf("%s by %q: %s", op.State, op.Actor, op.Message)
	}
	stop()
	over.Wait()
	if m := c.machine(); len(claims()) != 1 || m.BMC.Claimed.IsZero() || len(m.Conditions) != 1 || m.Conditions[0].Type != inventory.BMCExposed {
		t.Errorf("%d claims, conditions %+v", len(claims()), m.Conditions)
	}
}

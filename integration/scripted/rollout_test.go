package scripted

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/fleet"
)

// fleet waits until a rollout is in a state.
func (w *world) fleet(name string, want fleet.State) (got fleet.Fleet) {
	w.t.Helper()
	until(w.t, w.ctx, fmt.Sprintf("rollout %s %s", name, want), func() bool {
		var err error
		got, err = w.client.Fleet(w.ctx, fleet.Rollout, name)
		return err == nil && got.State == want
	}, func() string { return w.command("rollout", "show", name) + w.command("operation", "list") })
	return got
}

func TestARolloutSendsOneMachineAheadAndSkipsWhatIsHeld(t *testing.T) {
	w := newWorld(t, nodes(7)).start()
	w.command("machine", "hold", "s07", "--reason", "ann looks at its fans")
	start := []string{"rollout", "start", "first", "--image", "small", "--rack", "r1"}
	saying(t, w.command(append(start, "--dry-run")...), "0 first", "s01", "s07", "skipped", "ann looks at its fans")
	refused(t, w.cmd("rollout", "start", "nobody", "--image", "small", "--all-ready"), 4, "no machine is in phase ready")
	refused(t, w.cmd("rollout", "start", "nothing", "--image", "large", "--rack", "r1"), 3, "large")
	w.command(start...)
	refused(t, w.cmd(start...), 4, "there is a rollout first already")
	f := w.fleet("first", fleet.Done)
	if f.Tally[fleet.Done] != 6 || f.Tally[fleet.Skipped] != 1 || f.Pace.Boot == 0 {
		t.Errorf("%+v, %+v", f.Tally, f.Pace)
	}
	ops, err := w.client.Operations(w.ctx, client.OperationQuery{Limit: 100})
	ok(t, err)
	ops = slices.DeleteFunc(ops, func(o deploy.Operation) bool { return o.Kind != deploy.Deploy })
	if len(ops) != 6 {
		t.Fatalf("%d deployments", len(ops))
	}
	slices.SortFunc(ops, func(a, b deploy.Operation) int { return a.Created.Compare(b.Created) })
	for _, o := range ops[1:] {
		if o.Created.Before(ops[0].Finished) {
			t.Errorf("%s was begun before %s had phoned home", o.Name, ops[0].Name)
		}
		if o.Actor != "rollout first" || o.Order.Rollout != f.ID {
			t.Errorf("%s by %s of %s", o.Name, o.Actor, o.Order.Rollout)
		}
	}
	saying(t, w.command("rollout", "show", "first"), "rack r1", "the server", "6 done, 1 skipped", "to boot")
	saying(t, w.command("rollout", "list"), "first", "done")
	refused(t, w.cmd("rollout", "watch", "first"), 1, "on 1 machines it was not done")
	refused(t, w.cmd("rollout", "start", "again", "--image", "small", "--rack", "r1"), 4, "is active")
}

func TestARolloutGoesOnWithAnotherServerAndHaltsWhenItsFirstFails(t *testing.T) {
	w := newWorld(t, nodes(4)).start()
	w.rack.end(syscall.SIGTERM) // no machine boots any more
	w.command("rollout", "start", "second", "--image", "small", "--rack", "r1", "--max-failures", "20")
	w.servers[0].end(syscall.SIGKILL)
	w.servers = nil
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	var ops []deploy.Operation
	until(t, w.ctx, "a deployment", func() bool {
		var err error
		ops, err = w.openOperations()
		return err == nil && len(ops) > 0
	}, func() string { return w.command("rollout", "show", "second") })
	if len(ops) != 1 || ops[0].Name != "s01" {
		t.Fatalf("%d are in motion: %+v", len(ops), ops)
	}
	w.command("operation", "cancel", ops[0].ID)
	f := w.fleet("second", fleet.Halted)
	if f.Tally[fleet.Waiting] != 3 || f.Tally[fleet.Failed] != 1 {
		t.Errorf("%+v: %s", f.Tally, f.Why)
	}
	saying(t, f.Why, "a canary failed: s01", "cancelled")
	refused(t, w.cmd("rollout", "watch", "second"), 1, "halted", "a canary failed")
	saying(t, w.command("rollout", "resume", "second"), "second is running")
	saying(t, w.command("rollout", "pause", "second"), "second is paused")
	saying(t, w.command("rollout", "cancel", "second"), "second is cancelled")
	refused(t, w.cmd("rollout", "resume", "second"), 4, "is cancelled")
}

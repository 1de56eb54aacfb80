package run_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/store"
)

func TestAMachineThatComesBackWithoutCheckingInIsNoticedBeforeItsTimeIsOver(t *testing.T) {
	b := newBench(t)
	_, err := b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]Event, error) {
		m.Facts = &inventory.Facts{Source: "agent", Unbound: []string{"8086:1572"}}
		return nil, nil
	})
	b.ok(err)
	id := b.deploy()
	b.bmc.OnStart(func(bmc.Boot) {
		b.see(id, store.SawDHCP, nil)
		b.see(id, store.SawScript, nil)
	})
	b.worker("w1")
	b.at(id, deploy.StepRamdisk)
	b.clock.pass(2 * time.Minute)
	b.see(id, store.SawScript, nil)
	op := b.until(id, "noticed", func(o deploy.Operation) bool { return o.At(deploy.StepRamdisk) && o.Step().Note != "" })
	if note := op.Step().Note; !strings.Contains(note, "netbooted again") || !strings.Contains(note, "8086:1572") {
		t.Error(note)
	}
	b.clock.pass(time.Hour)
	if op = b.state(id, deploy.Parked); op.Reason != "deadline-ramdisk" || !strings.Contains(op.Hint, "8086:1572") {
		t.Errorf("%s: %s", op.Reason, op.Hint)
	}
}

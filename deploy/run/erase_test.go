package run_test

import (
	"encoding/json"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/store"
)

// erased is the agent's report of disks that it emptied.
func (b *bench) erased(disks ...inventory.Disk) wire.Event {
	b.t.Helper()
	var list []wire.Erased
	for _, d := range disks {
		list = append(list, wire.Erased{Disk: d, Method: "overwrite", Pattern: "zeros", Samples: 256, Succeeded: true, Began: time.Unix(1, 0), Ended: time.Unix(2, 0)})
	}
	text, err := json.Marshal(list)
	b.ok(err)
	return wire.Event{Stage: wire.Completed, Result: text}
}

func TestOnlyDisksThatWereToBeErasedGetACertificate(t *testing.T) {
	b := newBench(t)
	b.netboots()
	one, other := inventory.Disk{Path: "/dev/sda", Serial: "DISK1", Bytes: 1 << 40}, inventory.Disk{Path: "/dev/sdb", Serial: "DISK2", Bytes: 1 << 40}
	_, err := b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]Event, error) {
		m.Facts = &inventory.Facts{Source: "agent", Observed: b.clock.now(), Disks: []inventory.Disk{one, other}}
		return nil, nil
	})
	b.ok(err)
	b.worker("w1")
	op, err := b.db.CreateOperation(b.ctx, deploy.Erase, "n1", deploy.Order{Erase: &deploy.EraseOrder{Disks: []string{"DISK1"}}}, "test")
	b.ok(err)
	for _, wrong := range []inventory.Disk{other, {Path: "/dev/sdc", Serial: "DISK3", Bytes: 1 << 40}} {
		b.reports(b.at(op.ID, deploy.StepErase), wire.Erase, b.erased(wrong))
		if got := b.state(op.ID, deploy.Parked); got.Reason != "bad-report" || got.Hint == "" {
			t.Errorf("%s: %s %s", wrong.Serial, got.Reason, got.Message)
		}
		_, err := b.db.RetryOperation(b.ctx, op.ID, "test")
		b.ok(err)
	}
	b.reports(b.at(op.ID, deploy.StepErase), wire.Erase, b.erased(one))
	b.reports(b.at(op.ID, deploy.StepOff), wire.Off, wire.Event{Stage: wire.Restarting})
	b.state(op.ID, deploy.Succeeded)
	kept, err := b.db.Certificates(b.ctx, store.CertificateFilter{Operation: op.ID})
	b.ok(err)
	if len(kept) != 1 || kept[0].Certificate.Disk.Serial != "DISK1" || !b.machine().Erased.IsZero() {
		t.Errorf("certificates %+v; proven empty %v, though a disk is left", kept, b.machine().Erased)
	}
}

package run_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
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

func TestNothingIsWrittenToAMachineOfWhichTooLittleAgreesWithThePlan(t *testing.T) {
	b := emptyBench(t)
	b.bmc = b.rack.Add(access, bmctest.Server(1))
	_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", DHCP: inventory.DHCPAuthoritative}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1, NICs: []plan.NIC{{MAC: "52:54:00:00:00:01", Network: "provision", Address: "10.0.0.11"}},
			BMC: &plan.BMC{Address: access.Address, Username: access.Username, Password: "right"}}}}}}, "", "test")
	b.ok(err)
	b.ok(b.db.AddImage(b.ctx, &images.Image{Name: "debian", Digest: digest, Arch: "amd64", Firmware: []inventory.Firmware{inventory.UEFI}}, "test"))
	checkedIn := func(p inventory.Phase) {
		_, err := b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]Event, error) {
			m.Phase, m.Facts = p, &inventory.Facts{Source: "agent", Observed: b.clock.now()}
			return nil, nil
		})
		b.ok(err)
	}
	b.netboots()
	id := b.deploy()
	b.worker("w1")
	b.at(id, deploy.StepRamdisk)
	checkedIn(inventory.Racked)
	if op := b.state(id, deploy.Parked); op.Reason != "unidentified" || !strings.Contains(op.Message, "nothing was written") {
		t.Errorf("%s: %s", op.Reason, op.Message)
	}
	checkedIn(inventory.Discovered)
	_, err = b.db.RetryOperation(b.ctx, id, "test")
	b.ok(err)
	b.at(id, deploy.StepWrite)
}

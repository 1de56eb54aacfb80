package run_test

import (
	"testing"

	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

func (b *bench) manage(o deploy.BMCOrder) string {
	b.t.Helper()
	op, err := b.db.CreateOperation(b.ctx, deploy.Manage, "n1", deploy.Order{BMC: &o}, "ada")
	b.ok(err)
	return op.ID
}

func TestEveryChangeReachesTheBMCOnceAndStandsInTheJournal(t *testing.T) {
	b := newBench(t)
	b.authority = bootAuthority(t)
	b.worker("w1")
	for op, o := range map[bmctest.Op]deploy.BMCOrder{
		bmctest.SetNextBoot:   {Do: deploy.BMCBoot, Target: "cd", Mode: inventory.UEFI},
		bmctest.SetBootOrder:  {Do: deploy.BMCBootOrder, Order: []string{"Boot0003"}},
		bmctest.SetSecureBoot: {Do: deploy.BMCSecureBoot, On: true},
		bmctest.ResetKeys:     {Do: deploy.BMCSecureBootKeys, Name: "default"},
		bmctest.InsertMedia:   {Do: deploy.BMCInsertMedia, URL: "http://10.0.0.1/a.iso"},
		bmctest.EjectMedia:    {Do: deploy.BMCEjectMedia},
		bmctest.StageSettings: {Do: deploy.BMCSettings, Values: map[string]string{"Quiet": "false"}},
		bmctest.ResetBMC:      {Do: deploy.BMCReset},
		bmctest.ClearLog:      {Do: deploy.BMCClearLog},
		bmctest.SetClock:      {Do: deploy.BMCClock, Servers: []string{"10.0.0.3"}},
		bmctest.SetPlace:      {Do: deploy.BMCPlace},
		bmctest.SetProtocol:   {Do: deploy.BMCProtocol, Name: "ipmi"},
		bmctest.Trust:         {Do: deploy.BMCTrust},
	} {
		b.state(b.manage(o), deploy.Succeeded)
		if n := count(b.bmc.Calls(), op); n != 1 || !b.said(o.String()) {
			t.Errorf("%s was called %d times, in the journal: %t", op, n, b.said(o.String()))
		}
	}
	if p := b.bmc.Place(); p.Site != "lab" || p.Rack != "r1" || p.Unit != 1 {
		t.Errorf("the BMC thinks it is at %+v", p)
	}
}

func TestABMCThatDidNotRestartIsNotRestartedAgain(t *testing.T) {
	b := newBench(t)
	b.bmc.Fail(bmctest.ResetBMC, fault.Unreachablef("no answer").WithHint("wait"))
	b.worker("w1")
	b.state(b.manage(deploy.BMCOrder{Do: deploy.BMCReset}), deploy.Parked)
	if n := count(b.bmc.Calls(), bmctest.ResetBMC); n != 1 {
		t.Errorf("restarted %d times", n)
	}
}

func TestWhatABMCCannotDoFailsAtOnceWithItsWordsAndNeedsNoHands(t *testing.T) {
	b := newBench(t)
	b.bmc.Fail(bmctest.StageSettings, fault.Invalidf("no setting Quite").WithHint("'rackwright bmc settings n1 --all' lists them"))
	b.worker("w1")
	op := b.state(b.manage(deploy.BMCOrder{Do: deploy.BMCSettings, Values: map[string]string{"Quite": "x"}}), deploy.Failed)
	if op.Message != "no setting Quite" || op.Hint == "" || count(b.bmc.Calls(), bmctest.StageSettings) != 1 {
		t.Errorf("failed with %q (%s) after %v", op.Message, op.Hint, b.bmc.Calls())
	}
	if m := b.machine(); len(m.Conditions) != 0 {
		t.Errorf("conditions %+v", m.Conditions)
	}
}

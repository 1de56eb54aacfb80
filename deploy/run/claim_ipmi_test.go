package run_test

import (
	"testing"

	"rackwright/bmc"
	"rackwright/bmc/ipmi/ipmitest"
	"rackwright/deploy"
	"rackwright/inventory/plan"
)

// A BMC without Redfish has no certificate, clock or place, and room for 16 bytes.
func TestABMCThatSpeaksIPMIOnlyIsClaimed(t *testing.T) {
	for _, name := range []string{"admin", "rackwright"} {
		sim := ipmitest.Start(t)
		b := emptyBench(t)
		_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab", Models: []plan.Model{{Name: "old", BMC: &plan.FactoryLogin{Username: "admin", Password: "right"}}},
			Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 7, Model: "old", UUID: "00112233-4455-6677-8899-aabbccddeeff",
				NICs: []plan.NIC{{MAC: "52:54:00:77:00:01"}},
				BMC:  &plan.BMC{Address: sim.Access.Address, Username: name}}}}}}, "", "test")
		b.ok(err)
		hands := b.serverOf(ipmitest.Dialer())
		if end := b.claim(deploy.ClaimOrder{DisableAccounts: true}); end.State != deploy.Succeeded {
			t.Fatalf("%s: %s: %s: %s (%s)", name, end.State, end.Reason, end.Message, end.Hint)
		}
		m := b.machine()
		a, err := b.db.BMCAccess(b.ctx, m.ID)
		b.ok(err)
		if m.BMC.Claimed.IsZero() || len(a.Password) != 16 || a.Username != name {
			t.Errorf("claimed %s as %s with %d bytes", m.BMC.Claimed, a.Username, len(a.Password))
		}
		hand, err := hands.Hand(b.ctx, m.ID)
		b.ok(err)
		if _, err := hand.Power(b.ctx); err != nil {
			t.Error(err)
		}
		b.ok(hand.Close(b.ctx))
		for _, old := range []bmc.Access{sim.Access, {Address: sim.Access.Address, Username: "guest", Password: "visitor"}} {
			if _, err := ipmitest.Dialer().Dial(b.ctx, old); !bmc.Refused(err) {
				t.Errorf("%s still gets in: %v", old.Username, err)
			}
		}
	}
}

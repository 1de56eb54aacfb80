package scripted

import (
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

// Each fault is seen for what it is, can be cancelled, and leaves a machine that deploys
// once the fault is mended.
func TestAMachineThatStandsStillSaysWhyAndCanBeCancelledAndUsedAgain(t *testing.T) {
	faults := []struct {
		node
		at  deploy.StepName
		why []string
	}{
		{node{"s01", "bios", "no-dhcp"}, deploy.StepDHCP, []string{"waiting for its DHCPDISCOVER"}},
		{node{"s02", "uefi", "agent-silent"}, deploy.StepWrite, []string{"the agent is writing the image", "last seen"}},
		{node{"s03", "bios", "no-phone-home"}, deploy.StepPhone, []string{"waiting for the deployed system to phone home"}},
	}
	w := newWorld(t, nil)
	for _, f := range faults {
		w.nodes = append(w.nodes, f.node)
	}
	w.start()
	ids := map[string]string{}
	for _, n := range w.nodes {
		ids[n.name] = w.deploy(n.name).ID
	}
	for _, f := range faults {
		w.wait(ids[f.name], f.fault, func(o deploy.Operation) bool { return o.At(f.at) })
		why := w.why(f.name)
		for _, part := range f.why {
			if !strings.Contains(why, part) {
				t.Errorf("%s: why says %q, without %q", f.fault, why, part)
			}
		}
		w.command("operation", "cancel", ids[f.name])
		w.wait(ids[f.name], "cancelled", func(o deploy.Operation) bool { return o.State == deploy.Cancelled })
		if m := w.machine(f.name); m.Phase != inventory.Discovered && m.Phase != inventory.Verified || len(m.Conditions) != 0 {
			t.Errorf("%s, cancelled: %s with %+v", f.fault, m.Phase, m.Conditions)
		}
	}
	w.mend()
	for _, n := range w.nodes {
		w.whole(n, w.succeeded(w.deploy(n.name).ID))
	}
}

// mend starts the rack again without faults.
func (w *world) mend() {
	w.t.Helper()
	w.rack.end(15)
	for i := range w.nodes {
		w.nodes[i].fault = ""
	}
	w.startRack()
}

func TestAMachineWithoutTheDiskOfItsPlanParksAndGoesOnWhenThePlanIsCorrected(t *testing.T) {
	w := newWorld(t, []node{{"s01", "uefi", "wrong-disk"}, {"s02", "bios", ""}}).start()
	w.apply(func(plan string) string { return strings.Replace(plan, "RWDISK02", "NOTTHERE", 1) })
	for name, seen := range map[string]string{"s01": `serial "WRONG-RWDISK01", 2147483648 bytes`, "s02": `serial "RWDISK02", 2147483648 bytes`} {
		op := w.wait(w.deploy(name).ID, "parked", func(o deploy.Operation) bool { return o.State == deploy.Parked })
		if op.Reason != "no-matching-disk" || !strings.Contains(op.Message, seen) || !strings.Contains(op.Hint, "root_disk") {
			t.Errorf("%s: %s: %s (%s)", name, op.Reason, op.Message, op.Hint)
		}
		m := w.machine(name)
		if len(m.Conditions) != 1 || m.Conditions[0].Reason != "no-matching-disk" || m.Phase != inventory.Discovered && m.Phase != inventory.Verified {
			t.Errorf("%s: %s with %+v", name, m.Phase, m.Conditions)
		}
		if !strings.Contains(w.why(name), "needs hands") {
			t.Errorf("why says %q", w.why(name))
		}
	}
	w.apply(func(plan string) string {
		return strings.Replace(plan, "serial: RWDISK01", "serial: WRONG-RWDISK01", 1)
	})
	ops, err := w.openOperations()
	ok(t, err)
	for _, op := range ops {
		w.command("operation", "retry", op.ID)
	}
	for _, op := range ops {
		w.succeeded(op.ID)
		if m := w.machine(op.Name); m.Phase != inventory.Active || len(m.Conditions) != 0 {
			t.Errorf("%s after the retry: %s with %+v", op.Name, m.Phase, m.Conditions)
		}
	}
}

func TestABMCThatRefusesUsParksTheWorkAndTheCorrectedPlanHealsIt(t *testing.T) {
	w := newWorld(t, nodes(2))
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	w.startRack()
	w.image()
	good := w.bmcs()
	w.apply(func(plan string) string {
		plan = strings.Replace(plan, good["s01"], strings.Replace(good["s01"], "password_file: ", "password: wrong-password #", 1), 1)
		return strings.Replace(plan, good["s02"], pin.ReplaceAllString(good["s02"], "certificate_sha256: "+strings.Repeat("ab", 32)), 1)
	})
	ids := map[string]string{}
	for name, said := range map[string]string{"s01": "refuses", "s02": "certificate"} {
		until(t, w.ctx, "a BMC of no use noticed", func() bool { return w.hasCondition(name, inventory.BMCUnusable) }, func() string { return w.command("machine", "show", name) })
		op := w.wait(w.deploy(name).ID, "parked", func(o deploy.Operation) bool { return o.State == deploy.Parked })
		if op.Reason != "check-denied" || !strings.Contains(op.Message, said) || op.Hint == "" || strings.Contains(op.Message+op.Hint, "wrong-password") {
			t.Errorf("%s: %s: %s (%s)", name, op.Reason, op.Message, op.Hint)
		}
		if !w.hasCondition(name, "deploy-parked") {
			t.Errorf("%s: no condition says that its work is parked", name)
		}
		ids[name] = op.ID
	}
	w.apply(nil)
	for _, id := range ids {
		w.command("operation", "retry", id)
	}
	for name, id := range ids {
		w.succeeded(id)
		until(t, w.ctx, name+" without conditions", func() bool { return len(w.machine(name).Conditions) == 0 }, func() string { return w.command("machine", "show", name) })
	}
	if strings.Contains(w.servers[0].output(), "wrong-password") {
		t.Error("a password stands in the log")
	}
}

func (w *world) hasCondition(name, kind string) bool {
	for _, c := range w.machine(name).Conditions {
		if c.Type == kind {
			return true
		}
	}
	return false
}

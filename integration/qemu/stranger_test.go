package qemu

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/api/client"
	"rackwright/bmc"
	"rackwright/bmc/redfish"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// A machine in no plan, on a network whose policy is to look, is recorded and inspected
// once, and after that is told to boot its own disk.
func TestAnUnknownMachineIsInspectedOnceAndLeftAlone(t *testing.T) {
	w, ctx := running(t, []lab.Node{{Name: "stray", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: STRAY, bus: nvme}"}}})
	command(t, ctx, w, "apply", "-f", filepath.Join(w.PlanDir(), "networks.yaml"), "--yes")
	password, err := os.ReadFile(filepath.Join(w.Dir, "rack", "stray", "bmc.password"))
	check(t, err)
	press(t, ctx, "https://10.78.0.11", strings.TrimSpace(string(password)))
	const name = "unknown-525400770001"
	if err := lab.Until(ctx, 3*time.Minute, "inspection of the stranger", func() (bool, error) {
		m, err := w.Client.Machine(ctx, name)
		return err == nil && m.Facts != nil && m.Facts.Source == "agent", nil
	}); err != nil {
		t.Fatalf("%v\n%s\n--- console\n%s\n--- server\n%s", err, timeline(ctx, w, name), lab.Tail(w.ConsoleLog("stray"), 15), lab.Tail(w.ServerLog(), 15))
	}
	ops, err := w.Client.Operations(ctx, client.OperationQuery{Machine: name})
	check(t, err)
	if len(ops) != 1 || ops[0].Kind != deploy.Inspect {
		t.Fatalf("operations of the stranger: %+v", ops)
	}
	until(t, ctx, w, ops[0].ID, "inspection ended", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	m, err := w.Client.Machine(ctx, name)
	check(t, err)
	if m.Phase != inventory.Discovered || m.Slot != nil || m.Serial != "RWSIM0001" || len(m.Facts.Disks) != 1 || m.Facts.Disks[0].Serial != "STRAY" {
		t.Errorf("the stranger is %+v with facts %+v", m, m.Facts)
	}
	check(t, lab.Until(ctx, 2*time.Minute, "the stranger told to boot its disk", func() (bool, error) {
		events, err := w.Client.Timeline(ctx, name, 1000)
		for _, e := range events {
			if e.Detail["script"] == "local-disk" && e.At.After(ops[0].Created) {
				return true, nil
			}
		}
		return false, err
	}))
}

// press is a finger on the power button of a machine the server does not know.
func press(t *testing.T, ctx context.Context, address, password string) {
	t.Helper()
	c, err := (&redfish.Dialer{}).Dial(ctx, bmc.Access{Address: address, Username: "admin", Password: password})
	check(t, err)
	defer c.Close(ctx)
	check(t, c.On(ctx))
}

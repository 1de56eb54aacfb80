package qemu

import (
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// A machine whose firmware has no PXE and whose disk is first in its order comes to the agent once
// the plan says by which way it netboots. Until then its BMC refuses, and the hint says so.
func TestFirmwareWithoutPXEIsNetbootedAsThePlanSays(t *testing.T) {
	w, ctx := running(t, []lab.Node{{Name: "node1", Firmware: inventory.UEFI, HTTP: true, Boot: "[disk]", Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}}})
	planned(t, w, func(m map[string]any) { delete(m, "netboot") }, "node1")
	discovered(t, ctx, w, 1)
	op, err := w.Client.Inspect(ctx, "node1")
	check(t, err)
	if op = parked(t, ctx, w, op.ID, "boot-net-invalid"); !strings.Contains(op.Hint, "netboot: http") {
		t.Errorf("%s (%s)", op.Message, op.Hint)
	}
	planned(t, w, func(m map[string]any) { m["netboot"] = "http" }, "node1")
	command(t, ctx, w, "apply", "-f", w.PlanDir(), "--yes")
	_, err = w.Client.RetryOperation(ctx, op.ID)
	check(t, err)
	until(t, ctx, w, op.ID, "inspection", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if out := timeline(ctx, w, "node1"); !strings.Contains(out, "next boot set to http (uefi)") || !strings.Contains(out, "ipxe.efi sent by HTTP") {
		t.Errorf("another way than HTTP:\n%s", out)
	}
}

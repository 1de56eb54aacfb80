package qemu

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// firmwareIsSeenFromInside claims a BMC, updates BMC and BIOS one
// after the other, and asks the agent in the machine what its SMBIOS says.
func firmwareIsSeenFromInside(t *testing.T, ctx context.Context, w *lab.World, name string) {
	command(t, ctx, w, "bmc", "claim", name, "--watch")
	m, err := w.Client.Machine(ctx, name)
	check(t, err)
	if m.BMC.Claimed.IsZero() {
		t.Fatalf("not claimed: %+v", m.BMC)
	}
	for component, version := range map[string]string{"bmc": "9.1.0", "bios": "7.7.7"} {
		addFirmware(t, ctx, w, component, version, m.Facts.System.Product)
	}
	command(t, ctx, w, "firmware", "update", name, "--file", "bmc-9.1.0", "--watch")
	command(t, ctx, w, "firmware", "update", name, "--file", "bios-7.7.7", "--watch")
	for _, want := range []string{"9.1.0", "7.7.7"} {
		if out := command(t, ctx, w, "bmc", "firmware", name); !strings.Contains(out, want) {
			t.Errorf("the BMC does not list %s:\n%s", want, out)
		}
	}
	op, err := w.Client.Inspect(ctx, name)
	check(t, err)
	until(t, ctx, w, op.ID, "inspection", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if got := agentSays(t, ctx, w, name).System.BIOSVersion; got != "7.7.7" {
		t.Errorf("SMBIOS in the machine says %q\n%s", got, timeline(ctx, w, name))
	}
}

// addFirmware makes a file for simulated machines and puts it into the catalogue.
func addFirmware(t *testing.T, ctx context.Context, w *lab.World, component, version, model string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), component+".bin")
	if out, err := exec.CommandContext(ctx, filepath.Join(root, "out/bin/racksim"), "firmware", "--component", component, "--version", version,
		"--size", "8MiB", "-o", file).CombinedOutput(); err != nil {
		t.Fatalf("racksim firmware: %v\n%s", err, out)
	}
	command(t, ctx, w, "firmware", "add", file, "--name", component+"-"+version, "--component", component, "--version", version, "--model", model)
}

// agentSays are the facts that the agent in the machine told last.
func agentSays(t *testing.T, ctx context.Context, w *lab.World, machine string) inventory.Facts {
	t.Helper()
	v, err := w.Client.Verification(ctx, machine)
	check(t, err)
	for _, f := range v.Observed {
		if f.Source == "agent" {
			return f
		}
	}
	t.Fatalf("the agent told nothing of %s", machine)
	return inventory.Facts{}
}

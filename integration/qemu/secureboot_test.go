package qemu

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/boot/attempt"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// Firmware with Secure Boot on takes shim, shim GRUB, GRUB the distribution's kernel, each
// because somebody it trusts signed it; the kernel locks itself down, and the agent in our
// ramdisk checks in.
func TestAMachineWithSecureBootReachesTheAgent(t *testing.T) {
	w, ctx := stopped(t, []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, Secure: true, Disks: []string{"{size: 1GiB, serial: FIRST, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.UEFI, Secure: true, HTTP: true, Disks: []string{"{size: 1GiB, serial: SECOND, bus: virtio}"}},
	})
	signed(t, w)
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	planned(t, w, func(m map[string]any) { m["model"] = "signed" }, "node1", "node2")
	discovered(t, ctx, w, 2)
	op, err := w.Client.Inspect(ctx, "node1")
	check(t, err)
	_, err = w.Client.Inspect(ctx, "node2")
	check(t, err)
	until(t, ctx, w, op.ID, "inspection", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if said := console(t, w, "node1"); !strings.Contains(said, "Secure boot enabled") || !strings.Contains(said, "locked down from EFI Secure Boot") {
		t.Errorf("the kernel does not say that it is locked down:\n%s", lab.Tail(w.ConsoleLog("node1"), 40))
	}
	if out := timeline(ctx, w, "node1"); !strings.Contains(out, "shim/shimx64.efi sent by TFTP") || !strings.Contains(out, "shim/grubx64.efi sent by TFTP") {
		t.Errorf("another way than shim and GRUB:\n%s", out)
	}
	comesToGRUBByHTTP(t, ctx, w, "node2")
}

// comesToGRUBByHTTP sees that HTTP boot takes shim to GRUB, and GRUB to its prompt: Debian's signed one has
// no HTTP, and may not load a module that nobody signed.
func comesToGRUBByHTTP(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	t.Helper()
	if err := lab.Until(ctx, time.Minute, "GRUB's prompt", func() (bool, error) { return strings.Contains(console(t, w, machine), "grub>"), nil }); err != nil {
		t.Errorf("%v\n%s\n%s", err, timeline(ctx, w, machine), lab.Tail(w.ConsoleLog(machine), 20))
	}
	events, err := w.Client.Timeline(ctx, machine, 1000)
	check(t, err)
	m, err := w.Client.Machine(ctx, machine)
	check(t, err)
	later := time.Now().Add(10 * time.Minute) // once nothing more came
	if why := attempt.Diagnose(&m, attempt.Of(events, later), time.Time{}, later); why == nil || why.Code != "no-script" || !strings.Contains(why.Text, "GRUB came over by HTTP") {
		t.Errorf("why says %+v\n%s", why, timeline(ctx, w, machine))
	}
}

// signed puts the distribution's signed loaders where the server finds them, for the machines of a model.
func signed(t *testing.T, w *lab.World) {
	t.Helper()
	for name, from := range map[string]string{"shimx64.efi": "/usr/lib/shim/shimx64.efi.signed", "grubx64.efi": "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Skipf("missing %s: apt-get install shim-signed grub-efi-amd64-signed", from)
		}
		to := filepath.Join(w.Dir, "state", "loaders", "shim", name)
		check(t, os.MkdirAll(filepath.Dir(to), 0o755))
		check(t, os.WriteFile(to, content, 0o644))
	}
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "model.yaml"), []byte("site: lab\nmodels:\n  - {name: signed, loader: shim}\n"), 0o644))
}

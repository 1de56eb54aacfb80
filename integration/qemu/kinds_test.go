package qemu

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// Machines side by side, each for another job.
func TestMachinesAreBurnedInUpdatedBondedAndStartedFromMediaAndMemory(t *testing.T) {
	w, ctx := running(t, []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, Memory: 768, Disks: []string{"{size: 256MiB, serial: FIRST, bus: virtio}", "{size: 320MiB, serial: SECOND, bus: nvme}"}},
		{Name: "node2", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: THIRD, bus: virtio}"}},
		{Name: "node3", Firmware: inventory.UEFI, Disks: []string{"{size: 1GiB, serial: FOURTH, bus: virtio}"}},
		{Name: "node4", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: FIFTH, bus: virtio}"}},
		{Name: "node5", Firmware: inventory.BIOS, Disks: []string{"{size: 3GiB, serial: RWDISK0001, bus: virtio}", "{size: 1GiB, serial: RWOTHER001, bus: virtio}"}},
		{Name: "node6", Firmware: inventory.BIOS, Ports: 2, Disks: []string{"{size: 1GiB, serial: SIXTH, bus: virtio}"}},
		{Name: "node7", Firmware: inventory.BIOS, Ports: 2, Disks: []string{"{size: 1GiB, serial: SEVENTH, bus: virtio}"}},
	})
	bonded(t, w, "node6", "node7")
	discovered(t, ctx, w, 7)
	onTenant(t)
	sideBySide(t, ctx, w, deed{"installer", "node5", diskFilledByDebiansInstaller}, deed{"bond by NoCloud", "node6", bondTold("nocloud", "16")},
		deed{"bond by ConfigDrive", "node7", bondTold("config-drive", "17")}, deed{"firmware", "node2", firmwareIsSeenFromInside}, deed{"burn-in", "node1", burnedIn},
		deed{"loader", "node3", memoryByTheLoader}, deed{"drive", "node4", isoByTheDrive})
}

// memoryByTheLoader has a UEFI machine's loader start a system that runs in memory: its
// kernel finds the ramdisk it was handed by name, and gets the arguments of the image's
// template.
func memoryByTheLoader(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	if _, err := os.Stat(filepath.Join(installerDir, "linux")); err != nil {
		t.Skip("missing Debian's installer: apt-get install debian-installer-12-netboot-amd64")
	}
	command(t, ctx, w, "image", "add", "live", "--kind", "netboot", "--kernel", filepath.Join(installerDir, "linux"), "--initrd", filepath.Join(installerDir, "initrd.gz"),
		"--args", `console=ttyS0,115200 live.machine={{.Machine.Name}} live.site={{var "site"}} DEBIAN_FRONTEND=text`)
	if out, err := w.Command(ctx, "deploy", machine, "--image", "live").CombinedOutput(); err == nil || !strings.Contains(string(out), `"site" is not given`) {
		t.Errorf("a variable that is missing: %v\n%s", err, out)
	}
	op, err := w.Client.Deploy(ctx, machine, wire.Deploy{Image: "live", Vars: map[string]string{"site": "berlin"}})
	check(t, err)
	until(t, ctx, w, op.ID, "loaded", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	for _, text := range []string{"live.machine=" + machine + " live.site=berlin", "Starting system log daemon"} { // the kernel's line, then the ramdisk's own init
		if err := lab.Until(ctx, 3*time.Minute, text, func() (bool, error) { return strings.Contains(console(t, w, machine), text), nil }); err != nil {
			t.Fatalf("%v\n%s", err, lab.Tail(w.ConsoleLog(machine), 20))
		}
	}
	if m, err := w.Client.Machine(ctx, machine); err != nil || m.Phase == inventory.Active || m.Image != "" { // the system itself says nothing
		t.Errorf("%+v, %v", m, err)
	}
}

// isoByTheDrive: an ISO image is fetched by the BMC from an address of the operation, the machine is
// started from the drive, and when what is on it powers the machine off, the drive is
// emptied and the machine started from its disk.
func isoByTheDrive(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	iso := cd(t)
	command(t, ctx, w, "image", "add", "rescue-cd", iso, "--kind", "iso", "--arch", "amd64")
	op, err := w.Client.Deploy(ctx, machine, wire.Deploy{Image: "rescue-cd"})
	check(t, err)
	if err := lab.Until(ctx, 2*time.Minute, "the CD", func() (bool, error) { return strings.Contains(console(t, w, machine), "THE CD IS UP"), nil }); err != nil {
		t.Fatalf("%v\n%s\n%s", err, lab.Tail(w.ConsoleLog(machine), 20), timeline(ctx, w, machine))
	}
	until(t, ctx, w, op.ID, "done", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if out := command(t, ctx, w, "machine", "timeline", machine); !strings.Contains(out, "fetched system.iso") || !strings.Contains(out, "powered off from within") ||
		!strings.Contains(out, "virtual drive emptied") {
		t.Errorf("the timeline does not tell it:\n%s", out)
	}
}

// cd is a CD that says that it is there and powers the machine off.
func cd(t *testing.T) string {
	t.Helper()
	for program, from := range map[string]string{"grub-mkrescue": "grub-common grub-pc-bin grub-efi-amd64-bin", "xorriso": "xorriso", "mformat": "mtools"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("missing %s: apt-get install %s", program, from)
		}
	}
	dir := t.TempDir()
	grub := filepath.Join(dir, "cd/boot/grub")
	check(t, os.MkdirAll(grub, 0o755))
	check(t, os.WriteFile(filepath.Join(grub, "grub.cfg"), []byte("serial --unit=0 --speed=115200\nterminal_output serial\necho \"THE CD IS UP\"\nsleep 3\nhalt\n"), 0o644))
	iso := filepath.Join(dir, "cd.iso")
	if out, err := exec.CommandContext(t.Context(), "grub-mkrescue", "-o", iso, filepath.Join(dir, "cd")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return iso
}

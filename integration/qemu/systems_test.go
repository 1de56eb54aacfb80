package qemu

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// image is a file beside the image of the other tests, of another kind.
func image(t *testing.T, w *lab.World, file string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(w.Image()), file)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("missing %s: make images", path)
	}
	return path
}

// says is user-data that prints on the console what a shell makes of words.
func says(words string) string {
	return "#cloud-config\nruncmd:\n- echo " + words + " > /dev/console\n"
}

// printed waits until a machine's console shows a text.
func printed(t *testing.T, ctx context.Context, w *lab.World, machine, text string) {
	t.Helper()
	if err := lab.Until(ctx, time.Minute, text, func() (bool, error) { return strings.Contains(console(t, w, machine), text), nil }); err != nil {
		t.Errorf("%v\n%s", err, lab.Tail(w.ConsoleLog(machine), 20))
	}
}

// Machines side by side: one goes through damage, a power cut and an erase, one gets its
// system on two disks, one has no disk and runs a root file system in its memory.
func TestImagesBecomeSystemsWhateverHappens(t *testing.T) {
	w, ctx := world(t, []lab.Node{
		{Name: "node1", Firmware: inventory.BIOS, Disks: []string{"{size: 3GiB, serial: ROOT, bus: nvme}", "{size: 96MiB, serial: OTHER, bus: ahci}"}},
		{Name: "node2", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: LEFT, bus: virtio, root: true}", "{size: 1GiB, serial: RIGHT, bus: ahci, root: true}"}},
		{Name: "node3", Firmware: inventory.BIOS, Memory: 2048},
	})
	sideBySide(t, ctx, w, deed{"damage", damageIsMended}, deed{"mirror", mirrorIsWhole}, deed{"memory", memoryIsEnough})
}

// deed is a test on machines of its own in a world that others use too.
type deed struct {
	name string
	do   func(t *testing.T, ctx context.Context, w *lab.World)
}

// sideBySide runs deeds at the same time, the long ones first: one machine keeps one
// processor busy.
func sideBySide(t *testing.T, ctx context.Context, w *lab.World, deeds ...deed) {
	t.Helper()
	t.Run("side by side", func(t *testing.T) {
		for _, d := range deeds {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				d.do(t, ctx, w)
			})
		}
	})
}

// mirrorIsWhole has a machine's system on two disks, as RAID 1.
func mirrorIsWhole(t *testing.T, ctx context.Context, w *lab.World) {
	command(t, ctx, w, "image", "add", "raid", image(t, w, "debian-raid.raw"))
	op, err := w.Client.Deploy(ctx, "node2", wire.Deploy{Image: "raid", Mirror: true, UserData: says("mirror $(grep -c 'active raid1' /proc/mdstat) $(grep -c UU /proc/mdstat)")})
	check(t, err)
	until(t, ctx, w, op.ID, "node2 active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, "node2", "mirror 1 1")
	if left, right := held(t, w.Disk("node2", 1)), held(t, w.Disk("node2", 2)); left < 100 || right < left*9/10 || left < right*9/10 {
		t.Errorf("%d MiB on one disk, %d on the other", left, right)
	}
}

// memoryIsEnough runs a root file system on a machine without a disk.
func memoryIsEnough(t *testing.T, ctx context.Context, w *lab.World) {
	command(t, ctx, w, "image", "add", "tree", "--kind", "rootfs", image(t, w, "debian-rootfs.tar.zst"))
	op, err := w.Client.Deploy(ctx, "node3", wire.Deploy{Image: "tree", Live: true, UserData: says("live $(hostname) on $(stat -f -c %T /)")})
	check(t, err)
	until(t, ctx, w, op.ID, "node3 active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, "node3", "live node3 on tmpfs")
}

// A root file system is put on a disk by its own programs, and started without a reboot.
func TestARootFileSystemIsPutOnADiskAndStarted(t *testing.T) {
	if os.Getenv(wholeInstall) == "" {
		t.Skip("long: RACKWRIGHT_INSTALL=1 go test ./integration/qemu -run RootFileSystemIsPutOnADisk")
	}
	w, ctx := world(t, []lab.Node{{Name: "node1", Firmware: inventory.BIOS, Memory: 1536, Disks: []string{"{size: 3GiB, serial: ROOT, bus: nvme}"}}})
	command(t, ctx, w, "image", "add", "tree", "--kind", "rootfs", image(t, w, "debian-rootfs.tar.zst"))
	began := time.Now()
	op, err := w.Client.Deploy(ctx, "node1", wire.Deploy{Image: "tree", Kexec: true, UserData: says("tree on $(stat -f -c %T /)")})
	check(t, err)
	until(t, ctx, w, op.ID, "active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, "node1", "tree on ext2/ext3")
	if !strings.Contains(console(t, w, "node1"), "starting the written system without a reboot") {
		t.Error("it was not started by kexec")
	}
	t.Logf("active after %s", time.Since(began).Round(time.Second))
}

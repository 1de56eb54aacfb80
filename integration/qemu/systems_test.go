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

// One machine gets its system on two disks, as a mirror that is whole; another, which has no
// disk, runs a root file system in its memory.
func TestAMirrorOfTwoDisksAndASystemWithoutADisk(t *testing.T) {
	w, ctx := world(t, []lab.Node{
		{Name: "node1", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: LEFT, bus: virtio, root: true}", "{size: 1GiB, serial: RIGHT, bus: ahci, root: true}"}},
		{Name: "node2", Firmware: inventory.BIOS, Memory: 2048},
	})
	command(t, ctx, w, "image", "add", "raid", image(t, w, "debian-raid.raw"))
	command(t, ctx, w, "image", "add", "tree", "--kind", "rootfs", image(t, w, "debian-rootfs.tar.zst"))
	mirror, err := w.Client.Deploy(ctx, "node1", wire.Deploy{Image: "raid", Mirror: true, UserData: says("mirror $(grep -c 'active raid1' /proc/mdstat) $(grep -c UU /proc/mdstat)")})
	check(t, err)
	live, err := w.Client.Deploy(ctx, "node2", wire.Deploy{Image: "tree", Live: true, UserData: says("live $(hostname) on $(stat -f -c %T /)")})
	check(t, err)
	until(t, ctx, w, live.ID, "node2 active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, "node2", "live node2 on tmpfs")
	until(t, ctx, w, mirror.ID, "node1 active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, "node1", "mirror 1 1")
	if left, right := held(t, w.Disk("node1", 1)), held(t, w.Disk("node1", 2)); left < 100 || right < left*9/10 || left < right*9/10 {
		t.Errorf("%d MiB on one disk, %d on the other", left, right)
	}
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

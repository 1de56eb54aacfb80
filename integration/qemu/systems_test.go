package qemu

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
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
	return "#cloud-config\nruncmd:\n- |\n  echo " + words + " > /dev/console\n"
}

// printed waits until a machine's console shows a text.
func printed(t *testing.T, ctx context.Context, w *lab.World, machine, text string) {
	t.Helper()
	if err := lab.Until(ctx, time.Minute, text, func() (bool, error) { return strings.Contains(console(t, w, machine), text), nil }); err != nil {
		t.Errorf("%v\n%s", err, lab.Tail(w.ConsoleLog(machine), 20))
	}
}

// Machines side by side: one goes through damage, a power cut and an erase, one gets its
// system on two disks, one has no disk and runs a root file system in its memory, one has
// such a file system put on its disk, and one lets a person in.
func TestImagesBecomeSystemsWhateverHappens(t *testing.T) {
	w, ctx := world(t, []lab.Node{
		{Name: "node1", Firmware: inventory.BIOS, Disks: []string{"{size: 3GiB, serial: ROOT, bus: nvme}", "{size: 96MiB, serial: OTHER, bus: ahci}"}},
		{Name: "node2", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: LEFT, bus: virtio, root: true}", "{size: 1GiB, serial: RIGHT, bus: ahci, root: true}"}},
		{Name: "node3", Firmware: inventory.BIOS, Memory: 2048},
		{Name: "node4", Firmware: inventory.BIOS, Memory: 1536, Disks: []string{"{size: 3GiB, serial: TREE, bus: nvme}"}},
		{Name: "node5", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: SICK, bus: virtio}"}},
	})
	command(t, ctx, w, "image", "add", "tree", "--kind", "rootfs", image(t, w, "debian-rootfs.tar.zst"))
	sideBySide(t, ctx, w, deed{"damage", "node1", damageIsMended}, deed{"tree", "node4", treeIsPutOnADisk}, deed{"mirror", "node2", mirrorIsWhole},
		deed{"memory", "node3", memoryIsEnough}, deed{"rescue", "node5", personIsLetIn})
}

// deed is a test on machines of its own in a world that others use too.
type deed struct {
	name    string
	machine string
	do      func(t *testing.T, ctx context.Context, w *lab.World, machine string)
}

// sideBySide runs deeds at the same time, in their order, so the long ones come first: as
// many as there are processors, for one machine keeps one busy until it is switched off.
func sideBySide(t *testing.T, ctx context.Context, w *lab.World, deeds ...deed) {
	t.Helper()
	next := make(chan deed)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for d := range next {
				t.Run(d.name, func(t *testing.T) {
					d.do(t, ctx, w, d.machine)
					switchedOff(t, ctx, w, d.machine)
				})
			}
		})
	}
	for _, d := range deeds {
		next <- d
	}
	close(next)
	workers.Wait()
}

func switchedOff(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	t.Helper()
	off, err := w.Client.Power(ctx, machine, "force-off")
	check(t, err)
	until(t, ctx, w, off.ID, machine+" off", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
}

// mirrorIsWhole has a machine's system on two disks, as RAID 1.
func mirrorIsWhole(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	command(t, ctx, w, "image", "add", "raid", image(t, w, "debian-raid.raw"))
	op, err := w.Client.Deploy(ctx, machine, wire.Deploy{Image: "raid", Mirror: true, UserData: says("mirror $(grep -c 'active raid1' /proc/mdstat) $(grep -c UU /proc/mdstat)")})
	check(t, err)
	until(t, ctx, w, op.ID, machine+" active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, machine, "mirror 1 1")
	if left, right := held(t, w.Disk(machine, 1)), held(t, w.Disk(machine, 2)); left < 100 || right < left*9/10 || left < right*9/10 {
		t.Errorf("%d MiB on one disk, %d on the other", left, right)
	}
}

// memoryIsEnough runs a root file system on a machine without a disk.
func memoryIsEnough(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	op, err := w.Client.Deploy(ctx, machine, wire.Deploy{Image: "tree", Live: true, UserData: says("live $(hostname) on $(stat -f -c %T /)")})
	check(t, err)
	until(t, ctx, w, op.ID, machine+" active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, machine, "live "+machine+" on tmpfs")
}

// treeIsPutOnADisk has a root file system put on a disk by its own programs, and started
// without a reboot.
func treeIsPutOnADisk(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	if os.Getenv(wholeInstall) == "" {
		t.Skip("long: RACKWRIGHT_INSTALL=1 go test ./integration/qemu -run Happens/tree")
	}
	op, err := w.Client.Deploy(ctx, machine, wire.Deploy{Image: "tree", Kexec: true, UserData: says("tree on $(stat -f -c %T /)")})
	check(t, err)
	until(t, ctx, w, op.ID, machine+" active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	printed(t, ctx, w, machine, "tree on ext2/ext3")
	if !strings.Contains(console(t, w, machine), "starting the written system without a reboot") {
		t.Error("it was not started by kexec")
	}
}

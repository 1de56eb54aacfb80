// Package qemu boots machines with real firmware and takes them through the main job.
package qemu

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// TestMain runs the tests in namespaces of their own, so nothing they start can stay.
func TestMain(m *testing.M) {
	if lab.Inside() {
		if err := lab.Prepare(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if os.Geteuid() != 0 || missing() != "" {
		os.Exit(m.Run()) // every test skips and says why
	}
	stop := openMirror()
	code, err := lab.Enter(context.Background(), 20*time.Second)
	stop()
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
	}
	os.Exit(code)
}

// root is the module's folder.
const root = "../.."

func cache() string {
	if dir := os.Getenv("RACKWRIGHT_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "rackwright")
}

// missing names what the tests need and is not there.
func missing() string {
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		return "qemu-system-x86_64: apt-get install qemu-system-x86 ovmf seabios ipxe-qemu"
	}
	for _, need := range []string{filepath.Join(root, "out/bin/rackwright"), filepath.Join(root, "out/bin/racksim"),
		filepath.Join(cache(), "images/debian.raw"), filepath.Join(cache(), "ramdisk/amd64/initrd")} {
		if _, err := os.Stat(need); err != nil {
			return need + ": make images"
		}
	}
	return ""
}

// running starts a lab with the nodes; nothing is planned.
func running(t *testing.T, nodes []lab.Node) (*lab.World, context.Context) {
	t.Helper()
	w, ctx := stopped(t, nodes)
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	return w, ctx
}

// stopped is a lab with the nodes that nobody started yet.
func stopped(t *testing.T, nodes []lab.Node) (*lab.World, context.Context) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root: run as root")
	}
	if m := missing(); m != "" {
		t.Skip("missing " + m)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute) // each wait has its own bound
	t.Cleanup(cancel)
	w, err := lab.NewWorld(filepath.Join(t.TempDir(), "lab"), filepath.Join(root, "out/bin"), cache(), lab.RackFile(nodes))
	check(t, err)
	t.Cleanup(w.Stop)
	return w, ctx
}

// world is a running lab whose nodes are planned and discovered.
func world(t *testing.T, nodes []lab.Node) (*lab.World, context.Context) {
	t.Helper()
	w, ctx := running(t, nodes)
	discovered(t, ctx, w, len(nodes))
	return w, ctx
}

// discovered applies the plan and waits until its machines are known by their BMCs.
func discovered(t *testing.T, ctx context.Context, w *lab.World, count int) {
	t.Helper()
	command(t, ctx, w, "apply", "-f", w.PlanDir(), "--yes")
	check(t, lab.Until(ctx, time.Minute, "discovery", func() (bool, error) {
		machines, err := w.Client.Machines(ctx, client.MachineQuery{})
		found := 0
		for _, m := range machines {
			if m.Phase == inventory.Discovered || m.Phase == inventory.Verified {
				found++
			}
		}
		return found == count, err
	}))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, ctx context.Context, w *lab.World, args ...string) string {
	t.Helper()
	out, err := w.Command(ctx, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("rackwright %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// until waits for an operation to be as asked. One that parks or fails meanwhile ends
// the test with what a person would be told.
func until(t *testing.T, ctx context.Context, w *lab.World, id string, what string, is func(deploy.Operation) bool) deploy.Operation {
	t.Helper()
	var op deploy.Operation
	err := lab.Until(ctx, 5*time.Minute, what, func() (bool, error) {
		var err error
		if op, err = w.Client.Operation(ctx, id); err != nil {
			return false, nil // the server may be away on purpose
		}
		if is(op) {
			return true, nil
		}
		if op.State == deploy.Parked || op.State.Ended() {
			t.Fatalf("%s: the operation of %s %s: %s (%s)\n%s", what, op.Name, op.State, op.Message, op.Hint, timeline(ctx, w, op.Name))
		}
		return false, nil
	})
	if err != nil {
		t.Fatalf("%v; now at %+v\n%s\n--- console\n%s\n--- server\n%s", err, op.Step(), timeline(ctx, w, op.Name),
			lab.Tail(w.ConsoleLog(op.Name), 15), lab.Tail(w.ServerLog(), 15))
	}
	return op
}

func timeline(ctx context.Context, w *lab.World, machine string) string {
	out, err := w.Command(ctx, "machine", "timeline", machine).CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// both are machines of one firmware each. The disk that is found first, and is the first in
// the firmware's order, is not the one to write.
func both() []lab.Node {
	return []lab.Node{
		{Name: "node1", Firmware: inventory.BIOS, Disks: []string{"{size: 3GiB, serial: OTHER0001, bus: ahci}", "{size: 3GiB, serial: RWDISK0001, bus: nvme, root: true}"}},
		{Name: "node2", Firmware: inventory.UEFI, Disks: []string{"{size: 3GiB, serial: OTHER0002, bus: virtio}", "{size: 3GiB, serial: RWDISK0002, bus: ahci, root: true}"}},
	}
}

// A server killed in the middle of an image write comes back and the deployments end
// active, the image written once; then each machine, restarted by itself with the network
// first in its boot order, is told to boot its own disk and does.
func TestBothFirmwaresDeployThroughAKilledServer(t *testing.T) {
	w, ctx := world(t, both())
	command(t, ctx, w, "image", "add", "debian", w.Image())
	ids := map[string]string{}
	for _, n := range both() {
		op, err := w.Client.Deploy(ctx, n.Name, wire.Deploy{Image: "debian", SSHKeys: []string{sshKey}, UserData: userData})
		check(t, err)
		ids[n.Name] = op.ID
	}
	until(t, ctx, w, ids["node1"], "node1 in the middle of its image", func(o deploy.Operation) bool {
		return o.At(deploy.StepWrite) && o.Step().Done > 0
	})
	w.KillServer()
	check(t, w.StartServer(ctx))
	for _, n := range both() {
		op := until(t, ctx, w, ids[n.Name], n.Name+" active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
		if op.Turn != 0 {
			t.Errorf("%s started over %d times; a killed server must cost no work", n.Name, op.Turn)
		}
		active(t, ctx, w, n, op)
		seedCameThrough(t, ctx, w, n)
	}
	t.Run("restart", func(t *testing.T) {
		for _, n := range both() {
			t.Run(n.Name, func(t *testing.T) {
				t.Parallel()
				restartsFromDisk(t, ctx, w, n)
				if n.Firmware == inventory.UEFI {
					keepsABootEntry(t, w, n.Name, "debian")
				}
			})
		}
	})
}

// What the first boot is given, and how it shows on the console that it came through:
// host name, number of authorized keys, whether the root file system was grown, and
// whether a port has the planned IPv6 address.
const (
	sshKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA technician"
	userData = "#cloud-config\nruncmd:\n- echo seeded $(hostname) $(grep -c technician /home/debian/.ssh/authorized_keys) $(($(stat -f -c '%b*%S' /) > 1000000000)) $(grep -c ^fd77 /proc/net/if_inet6) > /dev/console\n"
	seeded   = "seeded %s 1 1 1"
)

// seedCameThrough waits for the console to say so: user-data runs about when cloud-init
// phones home.
func seedCameThrough(t *testing.T, ctx context.Context, w *lab.World, n lab.Node) {
	t.Helper()
	want := fmt.Sprintf(seeded, n.Name)
	if err := lab.Until(ctx, time.Minute, "the seed of "+n.Name, func() (bool, error) { return strings.Contains(console(t, w, n.Name), want), nil }); err != nil {
		t.Errorf("%v: no %q on the console\n%s", err, want, lab.Tail(w.ConsoleLog(n.Name), 20))
	}
}

// active checks the end of the main job: phase, disk, facts, and the whole chain in the
// journal.
func active(t *testing.T, ctx context.Context, w *lab.World, n lab.Node, op deploy.Operation) {
	t.Helper()
	m, err := w.Client.Machine(ctx, n.Name)
	check(t, err)
	if m.Phase != inventory.Active || m.Image != "debian" || m.Power != inventory.PowerOn || len(m.Conditions) != 0 {
		t.Errorf("%s: phase %s, image %q, power %s, conditions %v", n.Name, m.Phase, m.Image, m.Power, m.Conditions)
	}
	if m.Facts == nil || m.Facts.Firmware != n.Firmware || m.Facts.System.UUID != m.UUID {
		t.Errorf("%s: facts %+v", n.Name, m.Facts)
	} else if len(m.Facts.LLDP) != 1 || m.Facts.LLDP[0].System != "leaf-1" {
		t.Errorf("%s: LLDP neighbours %+v, cabled to leaf-1", n.Name, m.Facts.LLDP)
	}
	if want := n.Root(); op.Disk != want {
		t.Errorf("%s: written to disk %q, planned %q", n.Name, op.Disk, want)
	}
	if held := allocated(t, w.Disk(n.Name, 1)); held != 0 {
		t.Errorf("%s: %d bytes of its first disk, which was not the planned one, were touched", n.Name, held)
	}
	seen := map[journal.Kind]int{}
	want := []journal.Kind{journal.DHCPAnswered, journal.HTTPSent, journal.AgentCheckIn, journal.AgentEvent, journal.BMCAction, journal.PhoneHome, journal.PhaseMoved}
	lacking := func(k journal.Kind) bool { return seen[k] == 0 }
	if err := lab.Until(ctx, 10*time.Second, "a whole timeline", func() (bool, error) { // what was seen on the wire is written a moment later
		events, err := w.Client.Timeline(ctx, n.Name, 1000)
		clear(seen)
		for _, e := range events {
			seen[e.Kind]++
		}
		return !slices.ContainsFunc(want, lacking), err
	}); err != nil {
		t.Errorf("%s: %v: %v", n.Name, err, seen)
	}
	if n.Firmware == inventory.UEFI && seen[journal.TFTPSent]+seen[journal.HTTPSent] < 4 {
		t.Errorf("%s: no loader transfer in its timeline", n.Name)
	}
	if seen[journal.AgentCheckIn] != 1 {
		t.Errorf("%s: the agent checked in %d times", n.Name, seen[journal.AgentCheckIn])
	}
}

// restartsFromDisk cycles an active machine and sees the loader on its disk start again:
// nothing is netbooted because no operation asks for it.
func restartsFromDisk(t *testing.T, ctx context.Context, w *lab.World, n lab.Node) {
	t.Helper()
	before := fromDisk(t, w, n.Name)
	op, err := w.Client.Power(ctx, n.Name, "cycle")
	check(t, err)
	until(t, ctx, w, op.ID, n.Name+" cycled", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	check(t, lab.Until(ctx, 2*time.Minute, n.Name+" told to boot its disk", func() (bool, error) {
		events, err := w.Client.Timeline(ctx, n.Name, 1000)
		for _, e := range events {
			if e.ID > 0 && e.At.After(op.Created) && e.Detail["script"] == "local-disk" {
				return true, nil
			}
		}
		return false, err
	}))
	if err := lab.Until(ctx, 4*time.Minute, n.Name+" started from its disk", func() (bool, error) {
		return fromDisk(t, w, n.Name) > before, nil
	}); err != nil {
		t.Errorf("%v\n%s", err, lab.Tail(w.ConsoleLog(n.Name), 30))
	}
}

// fromDisk counts what the loader on the image's disk and the first of its programs say: firmware
// that copies its screen to the serial line may tear the loader's words.
func fromDisk(t *testing.T, w *lab.World, machine string) int {
	t.Helper()
	said := console(t, w, machine)
	return strings.Count(said, "Welcome to GRUB") + strings.Count(said, "running 'init-local'")
}

func console(t *testing.T, w *lab.World, machine string) string {
	t.Helper()
	text, err := os.ReadFile(w.ConsoleLog(machine))
	check(t, err)
	return string(text)
}

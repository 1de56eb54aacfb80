package qemu

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/bmc"
	"rackwright/bmc/redfish"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// damageIsMended takes a machine through what goes wrong on the way to a system, and back:
// an image that is larger than its disk, a chunk that is damaged on the server, a power cut
// in the middle of the write; then its disks are erased and proven empty.
func damageIsMended(t *testing.T, ctx context.Context, w *lab.World, _ string) {
	command(t, ctx, w, "image", "add", "debian", w.Image())
	scribble(t, w.Disk("node1", 2))
	tooLarge(t, ctx, w)
	op := damaged(t, ctx, w)
	powerCut(t, ctx, w, op)
	emptied(t, ctx, w)
}

// scribble puts something on a disk that is no signature of anything.
func scribble(t *testing.T, disk string) {
	t.Helper()
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	check(t, err)
	for at := int64(3 << 20); at < 90<<20; at += 7 << 20 {
		_, err := f.WriteAt([]byte(strings.Repeat("what was here before ", 1000)), at)
		check(t, err)
	}
	check(t, f.Close())
}

// tooLarge has an image that the disk is too small for refused before a byte is written.
func tooLarge(t *testing.T, ctx context.Context, w *lab.World) {
	t.Helper()
	head, err := os.ReadFile(w.Image())
	check(t, err)
	large := filepath.Join(t.TempDir(), "large.raw")
	check(t, os.WriteFile(large, head[:4<<20], 0o644))
	check(t, os.Truncate(large, 4<<30))
	command(t, ctx, w, "image", "add", "large", large)
	op, err := w.Client.Deploy(ctx, "node1", wire.Deploy{Image: "large"})
	check(t, err)
	op = parked(t, ctx, w, op.ID, "disk-too-small")
	if !strings.Contains(op.Message, "ROOT") || op.Hint == "" {
		t.Errorf("%q (%q)", op.Message, op.Hint)
	}
	if n := allocated(t, w.Disk("node1", 1)); n != 0 {
		t.Errorf("%d bytes were written", n)
	}
	command(t, ctx, w, "operation", "cancel", op.ID)
}

// damaged deploys an image of which a chunk rotted on the server. The operation names the
// image and what mends it; that done, it goes on.
func damaged(t *testing.T, ctx context.Context, w *lab.World) deploy.Operation {
	t.Helper()
	rot(t, ctx, w, "debian")
	op, err := w.Client.Deploy(ctx, "node1", wire.Deploy{Image: "debian", SSHKeys: []string{sshKey}, UserData: userData, Kexec: true})
	check(t, err)
	op = parked(t, ctx, w, op.ID, "digest-mismatch")
	if !strings.Contains(op.Message, "image debian") || !strings.Contains(op.Hint, "rackwright image verify debian") {
		t.Errorf("%q (%q)", op.Message, op.Hint)
	}
	if out, err := w.Command(ctx, "image", "verify", "debian").CombinedOutput(); err == nil || !strings.Contains(string(out), "debian") {
		t.Errorf("image verify finds nothing: %v\n%s", err, out)
	}
	command(t, ctx, w, "image", "add", "debian", w.Image())
	command(t, ctx, w, "operation", "retry", op.ID)
	return op
}

// rot flips a byte in a chunk near the beginning of an image.
func rot(t *testing.T, ctx context.Context, w *lab.World, name string) {
	t.Helper()
	img, err := w.Client.Image(ctx, name)
	check(t, err)
	b, err := os.ReadFile(filepath.Join(w.Images(), strings.TrimPrefix(img.Digest, "sha256:")+".manifest"))
	check(t, err)
	m, err := images.DecodeManifest(b, img.Digest)
	check(t, err)
	blob := m.Chunks[12].Blob
	file := filepath.Join(w.Images(), "chunks", blob[:2], blob)
	b, err = os.ReadFile(file)
	check(t, err)
	b[len(b)/2] ^= 1
	check(t, os.WriteFile(file, b, 0o600))
}

// parked waits until an operation needs hands.
func parked(t *testing.T, ctx context.Context, w *lab.World, id, reason string) deploy.Operation {
	t.Helper()
	op := until(t, ctx, w, id, "parked: "+reason, func(o deploy.Operation) bool { return o.State == deploy.Parked })
	if op.Reason != reason {
		t.Fatalf("parked with %s: %s (%s), want %s\n%s", op.Reason, op.Message, op.Hint, reason, timeline(ctx, w, op.Name))
	}
	return op
}

// powerCut takes a machine's power in the middle of the write and gives it back. The agent
// that comes then fetches only what is not on the disk, and the deployment ends as if
// nothing had been.
func powerCut(t *testing.T, ctx context.Context, w *lab.World, op deploy.Operation) {
	t.Helper()
	op = until(t, ctx, w, op.ID, "in the middle of its image", func(o deploy.Operation) bool {
		return o.At(deploy.StepWrite) && o.State != deploy.Parked && o.Step().Done > 220
	})
	c := controller(t, ctx, w, "node1", "https://10.78.0.11")
	check(t, c.Off(ctx, 0))
	cut, when := len(console(t, w, "node1")), time.Now()
	check(t, c.On(ctx))
	done := until(t, ctx, w, op.ID, "active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if again := done.Turn - op.Turn; again != 0 {
		t.Errorf("it started over %d times; what was written counts", again)
	}
	if n := checkIns(t, ctx, w, "node1", when); n != 1 {
		t.Errorf("the agent checked in %d times after the cut", n)
	}
	tally := regexp.MustCompile(`(\d+) MiB written, (\d+) MiB were there already; (\d+) MiB fetched`).FindStringSubmatch(console(t, w, "node1")[cut:])
	if tally == nil {
		t.Fatalf("the console does not say what was written\n%s", lab.Tail(w.ConsoleLog("node1"), 30))
	}
	wrote, kept := number(tally[1]), number(tally[2])
	if kept < (wrote+kept)/8 {
		t.Errorf("after the cut: %s", tally[0])
	}
	t.Logf("after the cut: %s", tally[0])
	seedCameThrough(t, ctx, w, lab.Node{Name: "node1"})
	if !strings.Contains(console(t, w, "node1"), "starting the written system without a reboot") {
		t.Error("the system was not started by kexec")
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// checkIns counts how often an agent of the machine checked in since a time.
func checkIns(t *testing.T, ctx context.Context, w *lab.World, machine string, since time.Time) (n int) {
	t.Helper()
	events, err := w.Client.Timeline(ctx, machine, 1000)
	check(t, err)
	for _, e := range events {
		if e.Kind == journal.AgentCheckIn && e.At.After(since) {
			n++
		}
	}
	return n
}

// controller is the BMC of a machine, as a person reaches it who knows the password.
func controller(t *testing.T, ctx context.Context, w *lab.World, machine, address string) bmc.Controller {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(w.Dir, "rack", machine, "bmc.password"))
	check(t, err)
	c, err := (&redfish.Dialer{}).Dial(ctx, bmc.Access{Address: address, Username: "admin", Password: strings.TrimSpace(string(password))})
	check(t, err)
	t.Cleanup(func() { c.Close(context.WithoutCancel(ctx)) })
	return c
}

// emptied erases the machine's disks. Each has a certificate that is right, a changed one
// is not, the disks are empty, and the machine's gate says so.
func emptied(t *testing.T, ctx context.Context, w *lab.World) {
	t.Helper()
	if held(t, w.Disk("node1", 1)) == 0 || held(t, w.Disk("node1", 2)) == 0 {
		t.Fatal("there is nothing to erase")
	}
	op, err := w.Client.Erase(ctx, "node1", wire.Erase{})
	check(t, err)
	until(t, ctx, w, op.ID, "erased", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	proofs, err := w.Client.Certificates(ctx, "node1", "", 10)
	check(t, err)
	methods := map[string]string{}
	for _, p := range proofs {
		methods[p.Certificate.Disk.Serial] = p.Certificate.Method
		verified(t, ctx, w, p.Certificate.ID)
	}
	t.Logf("erased by %v", methods)
	if len(methods) != 2 || !strings.HasPrefix(methods["ROOT"], "nvme-") || methods["OTHER"] == "" {
		t.Errorf("erased by %v", methods)
	}
	for n := range 2 {
		if mib := held(t, w.Disk("node1", n+1)); mib != 0 {
			t.Errorf("%d MiB of disk %d are not empty", mib, n+1)
		}
	}
	provenEmpty(t, ctx, w)
}

// verified checks a certificate and that no other passes for it.
func verified(t *testing.T, ctx context.Context, w *lab.World, id string) {
	t.Helper()
	text, key := command(t, ctx, w, "certificate", "show", id, "-o", "json"), strings.TrimSpace(command(t, ctx, w, "certificate", "key"))
	file := filepath.Join(t.TempDir(), "certificate.json")
	check(t, os.WriteFile(file, []byte(text), 0o644))
	command(t, ctx, w, "verify-certificate", file, "--key", key)
	check(t, os.WriteFile(file, []byte(strings.Replace(text, "node1", "node2", 1)), 0o644))
	if out, err := w.Command(ctx, "verify-certificate", file, "--key", key).CombinedOutput(); err == nil {
		t.Errorf("a changed certificate passes:\n%s", out)
	}
}

func provenEmpty(t *testing.T, ctx context.Context, w *lab.World) {
	t.Helper()
	gates, err := w.Client.Gates(ctx, "node1")
	check(t, err)
	met := false
	for _, g := range gates {
		for _, c := range g.Checks {
			met = met || c.Name == inventory.CheckErased && c.Met
		}
	}
	var m inventory.Machine
	check(t, lab.Until(ctx, time.Minute, "the machine being seen off", func() (_ bool, err error) { // a look that began before it was off may end after
		m, err = w.Client.Machine(ctx, "node1")
		return err == nil && m.Power == inventory.PowerOff, err
	}))
	if !met || m.Erased.IsZero() || m.Image != "" {
		t.Errorf("gate %v, proven empty at %s, image %q, power %s", met, m.Erased, m.Image, m.Power)
	}
}

package scripted

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

// A person is let into an active machine with a key made for the occasion, is sure of whom
// they speak with, and when they say that they have finished the machine is what it was.
func TestAPersonIsLetInWithAOneTimeKeyAndTheMachineComesBack(t *testing.T) {
	w := newWorld(t, nodes(2)).start()
	w.succeeded(w.deploy("s01").ID)
	mine, other := key(t, w.dir, "mine"), key(t, w.dir, "other")
	said := w.command("rescue", "s01", "--ssh-key", mine+".pub", "--for", "10m")
	login := regexp.MustCompile(`ssh -p (\d+) root@(\S+)`).FindStringSubmatch(said)
	known := regexp.MustCompile(`known_hosts: +(.*)`).FindStringSubmatch(said)
	if login == nil || known == nil || login[2] != w.address(0) {
		t.Fatalf("it does not say how to log in:\n%s", said)
	}
	hosts := write(t, filepath.Join(w.dir, "known_hosts"), known[1]+"\n")
	ssh := func(key string, words ...string) (string, error) {
		c := exec.CommandContext(w.ctx, "ssh", append([]string{"-F", "none", "-p", login[1], "-i", key, "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=" + hosts,
			"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "root@" + login[2]}, words...)...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := ssh(other, "ls"); err == nil || !strings.Contains(out, "Permission denied") {
		t.Errorf("another key: %v\n%s", err, out)
	}
	if out, err := ssh(mine, "ls"); err != nil || !strings.Contains(out, "s01 is a scripted machine") {
		t.Errorf("%v\n%s", err, out)
	}
	ops, err := w.openOperations()
	ok(t, err)
	if len(ops) != 1 || ops[0].Kind != deploy.Rescue || ops[0].Step().Door == nil {
		t.Fatalf("%+v", ops)
	}
	if out, err := ssh(mine, "exit", "--done"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	op := w.succeeded(ops[0].ID)
	if m := w.machine("s01"); m.Phase != inventory.Active || m.Image != "small" || m.Power != inventory.PowerOn {
		t.Errorf("%s with image %q, %s", m.Phase, m.Image, m.Power)
	}
	until(t, w.ctx, "its own system again", func() bool { return strings.Count(w.console("s01"), "s01 login:") > 1 }, func() string { return w.console("s01") })
	if _, err := ssh(mine, "ls"); err == nil {
		t.Error("the key still opens")
	}
	if text := w.command("machine", "timeline", "s01"); !strings.Contains(text, "logged in: SHA256:") || slices.ContainsFunc(op.Steps, func(s deploy.Step) bool { return s.Door != nil }) {
		t.Errorf("%+v; the timeline:\n%s", op.Steps, text)
	}

	said = w.command("rescue", "s02", "--ssh-key", mine+".pub")
	ops, err = w.openOperations()
	ok(t, err)
	w.command("operation", "cancel", ops[0].ID)
	w.wait(ops[0].ID, "cancelled", func(o deploy.Operation) bool { return o.State == deploy.Cancelled })
	own := "no operation wants this machine, booting its own disk"
	until(t, w.ctx, "a restart", func() bool { return strings.Contains(w.console("s02"), own) }, func() string { return said + w.console("s02") })
}

// key makes a key pair for one occasion.
func key(t *testing.T, dir, name string) string {
	t.Helper()
	for _, program := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing: apt-get install openssh-client", program)
		}
	}
	file := filepath.Join(dir, name)
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ok(t, os.Chmod(file, 0o600))
	return file
}

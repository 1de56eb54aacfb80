package qemu

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/integration/lab"
)

// personIsLetIn has a person log in to the agent in a machine with a key made for the
// occasion, look at the machine's disk, and end it.
func personIsLetIn(t *testing.T, ctx context.Context, w *lab.World, name string) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("missing ssh-keygen: apt-get install openssh-client")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := command(t, ctx, w, "rescue", name, "--ssh-key", key+".pub")
	known := regexp.MustCompile(`known_hosts: +(.*)`).FindStringSubmatch(said)
	if known == nil || !strings.Contains(said, "ssh -p 22 root@10.77.0.15") {
		t.Fatalf("it does not say how to log in:\n%s", said)
	}
	hosts := filepath.Join(dir, "known_hosts")
	check(t, os.WriteFile(hosts, []byte(known[1]+"\n"), 0o600))
	ssh := func(words ...string) string {
		out, err := exec.CommandContext(ctx, "ssh", append([]string{"-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=" + hosts,
			"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "root@10.77.0.15"}, words...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s\n%s", words, err, out, lab.Tail(w.ConsoleLog(name), 10))
		}
		return string(out)
	}
	if out := ssh("lsblk"); !strings.Contains(out, "SICK") {
		t.Errorf("its disk is not seen:\n%s", out)
	}
	if out := ssh("dmesg"); !strings.Contains(out, "Linux version") {
		t.Errorf("its kernel says\n%.500s", out)
	}
	ops, err := w.Client.Operations(ctx, client.OperationQuery{Machine: name, Open: true})
	check(t, err)
	if len(ops) != 1 || ops[0].Kind != deploy.Rescue {
		t.Fatalf("%+v", ops)
	}
	ssh("exit", "--done")
	until(t, ctx, w, ops[0].ID, "rescued", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if text := timeline(ctx, w, name); !strings.Contains(text, "logged in: SHA256:") {
		t.Errorf("nobody logged in:\n%s", text)
	}
	if n := allocated(t, w.Disk(name, 1)); n != 0 {
		t.Errorf("%d bytes of its disk were written", n)
	}
}

package qemu

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/boot/attempt"
	"rackwright/deploy"
	"rackwright/integration/lab"
)

// elsewhere runs a shell script on a host of its own, a network namespace, until the test ends.
// Its eth0 is cabled to the first bridge, eth1 to the next.
func elsewhere(t *testing.T, script string, bridges ...string) {
	t.Helper()
	host := exec.Command("sh", "-ec", "read -r cabled\nip link set lo up\n"+script)
	host.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	host.Stdout, host.Stderr, host.WaitDelay = t.Output(), t.Output(), 5*time.Second
	stdin, err := host.StdinPipe()
	check(t, err)
	check(t, host.Start())
	t.Cleanup(func() { _, _ = host.Process.Kill(), host.Wait() }) // what it started and its cables go with its namespaces
	for i, bridge := range bridges {
		master, err := netlink.LinkByName(bridge)
		check(t, err)
		cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("v%d-%d", host.Process.Pid, i), MasterIndex: master.Attrs().Index},
			PeerName: fmt.Sprintf("eth%d", i), PeerNamespace: netlink.NsPid(host.Process.Pid)}
		check(t, netlink.LinkAdd(cable))
		check(t, netlink.LinkSetUp(cable))
	}
	_, err = io.WriteString(stdin, "cabled\n")
	check(t, err)
}

// program skips the test where a program is missing.
func program(t *testing.T, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("missing %s: apt-get install %s", name, from)
	}
	return path
}

// inspected netboots machines side by side, each until its agent has looked at it.
func inspected(t *testing.T, ctx context.Context, w *lab.World, machines ...string) {
	t.Helper()
	var ids []string
	for _, m := range machines {
		op, err := w.Client.Inspect(ctx, m)
		check(t, err)
		ids = append(ids, op.ID)
	}
	for i, id := range ids {
		until(t, ctx, w, id, "inspection of "+machines[i], func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	}
}

// firstBoot is the oldest try of a machine to boot.
func firstBoot(t *testing.T, ctx context.Context, w *lab.World, machine string) attempt.Attempt {
	t.Helper()
	boots, err := w.Client.Boots(ctx, machine, 10)
	check(t, err)
	if len(boots) == 0 {
		t.Fatalf("%s never tried to boot\n%s", machine, timeline(ctx, w, machine))
	}
	return boots[len(boots)-1]
}

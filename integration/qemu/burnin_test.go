package qemu

import (
	"os"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// The agent works the processors, memory, two disks and the port of a machine with real
// firmware, writes the disks by its permit, and restarts it.
func TestAMachineIsBurnedIn(t *testing.T) {
	node := lab.Node{Name: "node1", Firmware: inventory.UEFI, Memory: 768, Disks: []string{"{size: 256MiB, serial: FIRST, bus: virtio}", "{size: 320MiB, serial: SECOND, bus: nvme}"}}
	w, ctx := world(t, []lab.Node{node})
	op, err := w.Client.BurnIn(ctx, node.Name, wire.BurnIn{BurnOrder: deploy.BurnOrder{Seconds: 24, Write: true}})
	check(t, err)
	until(t, ctx, w, op.ID, "burned in", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	r, err := w.Client.BurnReport(ctx, node.Name)
	check(t, err)
	if r.State != deploy.BurnPassed || r.Seconds != 24 || r.Restarts+r.Silences+len(r.Wrong) > 0 {
		t.Errorf("%+v", r)
	}
	has := map[string]bool{}
	for _, f := range r.Figures {
		has[f.Subject()] = f.Value > 0
	}
	for _, want := range []string{"cpu work", "cpu slowest core", "memory bandwidth", "disk FIRST read linear", "disk FIRST read random", "disk FIRST write",
		"disk SECOND read linear", "disk SECOND write"} {
		if !has[want] {
			t.Errorf("no %q", want)
		}
	}
	moved := false
	for name, some := range has {
		moved = moved || some && strings.HasPrefix(name, "network ") && strings.HasSuffix(name, " receive")
	}
	if !moved {
		t.Error("nothing came through its port")
	}
	if t.Failed() || testing.Verbose() {
		t.Log("\n" + command(t, ctx, w, "burn-in", "show", node.Name) + lab.Tail(w.ConsoleLog(node.Name), 30))
	}
	if text, err := os.ReadFile(w.ConsoleLog(node.Name)); err != nil || !strings.Contains(string(text), "burn-in done: 0 errors") {
		t.Errorf("the console does not say so, %v", err)
	}
}

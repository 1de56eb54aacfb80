package qemu

import (
	"context"
	"os"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
)

// burnedIn has the agent work the processors, memory, two disks and the port of a machine
// with real firmware, write the disks by its permit, and restart it.
func burnedIn(t *testing.T, ctx context.Context, w *lab.World, name string) {
	op, err := w.Client.BurnIn(ctx, name, wire.BurnIn{BurnOrder: deploy.BurnOrder{Seconds: 24, Write: true}})
	check(t, err)
	until(t, ctx, w, op.ID, "burned in", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	r, err := w.Client.BurnReport(ctx, name)
	check(t, err)
	if r.State != deploy.BurnPassed || r.Seconds < 24 || r.Restarts+r.Silences+len(r.Wrong) > 0 {
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
	for figure, some := range has {
		moved = moved || some && strings.HasPrefix(figure, "network ") && strings.HasSuffix(figure, " receive")
	}
	if !moved {
		t.Error("nothing came through its port")
	}
	if t.Failed() || testing.Verbose() {
		t.Log("\n" + command(t, ctx, w, "burn-in", "show", name) + lab.Tail(w.ConsoleLog(name), 30))
	}
	if text, err := os.ReadFile(w.ConsoleLog(name)); err != nil || !strings.Contains(string(text), "burn-in done: 0 errors") {
		t.Errorf("the console does not say so, %v", err)
	}
}

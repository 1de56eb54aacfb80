package run_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/journal"
	"rackwright/store"
)

// booth is a console that says one thing, and remembers whether somebody listened.
type booth struct {
	mu   sync.Mutex
	says string
	long time.Duration
}

func (b *booth) Attend(_ string, long time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.long = max(b.long, long)
}

func (b *booth) Tail(_ string, n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.says[max(0, len(b.says)-n):]
}

func TestASystemThatDoesNotPhoneHomeParksWithWhatIsKnown(t *testing.T) {
	b := newBench(t)
	b.netboots()
	desk := &booth{says: "Loading Linux ...\nKernel panic - not syncing: VFS\n"}
	b.consoles = desk
	b.worker("w1")
	id := b.deploy()
	b.reports(b.at(id, deploy.StepWrite), wire.Write, wire.Event{Stage: wire.Completed})
	b.reports(b.at(id, deploy.StepReboot), wire.Reboot, wire.Event{Stage: wire.Restarting})
	b.at(id, deploy.StepPhone)
	b.see(id, store.SawBoot, deploy.FirstBoot{Stage: "modules-config/config-runcmd", Doing: true, Failed: []string{"modules-config/config-ntp"}})
	b.until(id, "its progress", func(o deploy.Operation) bool {
		return strings.HasPrefix(o.Step().Note, "modules-config/config-runcmd: running")
	})
	b.clock.pass(time.Hour)
	op := b.state(id, deploy.Parked)
	if op.Reason != "deadline-phone" || !strings.Contains(op.Message, "failed: modules-config/config-ntp") || !strings.Contains(op.Message, `"Kernel panic - not syncing: VFS"`) ||
		!strings.Contains(op.Hint, "operation retry") {
		t.Errorf("parked with %q: %s (%s)", op.Reason, op.Message, op.Hint)
	}
	desk.mu.Lock()
	if desk.long < 20*time.Second {
		t.Errorf("the console was attended for %s", desk.long)
	}
	desk.mu.Unlock()
	events, err := b.db.Events(b.ctx, store.EventFilter{Machine: "n1", Newest: true})
	b.ok(err)
	kept := ""
	for _, e := range events {
		if e.Kind == journal.FirstBoot {
			kept, _ = e.Detail["console"].(string)
		}
	}
	if !strings.Contains(kept, "Loading Linux") {
		t.Errorf("the journal keeps %q of the console", kept)
	}
	b.see(id, store.SawPhone, nil)
	_, err = b.db.RetryOperation(b.ctx, id, "test")
	b.ok(err)
	b.state(id, deploy.Succeeded)
}

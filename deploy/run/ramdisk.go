package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// shortestBoot is what no machine can start over in: a script fetched again so late after
// the first was fetched by a machine that restarted.
const shortestBoot = 45 * time.Second

// arrived waits for the agent. A machine that asks for the script again was started with
// the ramdisk and came back without a word: that is said while it still tries.
func arrived(ctx context.Context, j *job, s *deploy.Step) outcome {
	o := seen(store.SawAgent)(ctx, j, s)
	if o.verdict != isWaiting {
		return o
	}
	script, err := j.evidence(ctx, store.SawScript)
	if err != nil {
		return retry(err)
	}
	if script.At.Sub(s.Started) > shortestBoot {
		note := "the machine netbooted again: kernel and ramdisk started and found no way to the server" + undriven(j.machine)
		if s.Note != note {
			j.event(journal.OpStep, note, "step", s.Name)
		}
		s.Note = note
	}
	return o
}

// undriven names the controllers that an earlier ramdisk had no driver for.
func undriven(m *inventory.Machine) string {
	if f := m.Facts; f != nil && len(f.Unbound) > 0 {
		return fmt.Sprintf("; the last time no driver took %s", strings.Join(f.Unbound[:min(len(f.Unbound), 8)], ", "))
	}
	return ""
}

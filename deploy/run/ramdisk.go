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
	if o.verdict == isDone && j.op.Kind == deploy.Deploy {
		return identified(ctx, j, s, o)
	}
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

// identified lets a deployment go on when two identifiers of the plan were seen: before
// anything is written, for without them the machine could not become active.
func identified(ctx context.Context, j *job, s *deploy.Step, o outcome) outcome {
	m, err := j.w.Store.Machine(ctx, j.op.Machine)
	if err != nil {
		return retry(err)
	}
	switch {
	case m.Phase != inventory.Planned && m.Phase != inventory.Racked:
		return o
	case m.Facts == nil || m.Facts.Source != "agent" || m.Facts.Observed.Before(s.Started): // the check-in is being weighed
		return wait(look)
	}
	return park("unidentified", fmt.Sprintf("%s is %s: fewer than two identifiers of the plan agree with what was seen; nothing was written", m.Name, m.Phase),
		fmt.Sprintf("name its serial number in the plan ('rackwright machine show %s' has what was seen) or scan its label, then 'rackwright operation retry'", m.Name))
}

// undriven names the controllers that an earlier ramdisk had no driver for.
func undriven(m *inventory.Machine) string {
	if f := m.Facts; f != nil && len(f.Unbound) > 0 {
		return fmt.Sprintf("; the last time no driver took %s", strings.Join(f.Unbound[:min(len(f.Unbound), 8)], ", "))
	}
	return ""
}

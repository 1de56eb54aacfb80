package run

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"rackwright/bmc/console"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Consoles reads what machines say on their serial consoles.
type Consoles interface {
	// Attend has a console read for so long from now on at least.
	Attend(machineID string, long time.Duration)
	// Tail is the end of what it said as plain text, at most n bytes.
	Tail(machineID string, n int) string
}

// Story is what the journal tells of a machine.
type Story interface {
	Events(ctx context.Context, f store.EventFilter) ([]journal.Event, error)
}

// Of the console of a machine that boots its new system.
const (
	attention   = 3 * look // between two looks of a worker, with room
	keptConsole = 8 << 10  // bytes that go into the journal when the wait is given up
	storyLength = 100      // events looked through
	askingBMC   = 20 * time.Second
)

// attend has the machine's console read until a little after the next look.
func (j *job) attend() {
	if j.w.Consoles != nil && j.machine.BMC != nil {
		j.w.Consoles.Attend(j.op.Machine, attention)
	}
}

// phoned waits for the system's word, shows how far its first boot is, and says what is
// known when the time is over.
func phoned(ctx context.Context, j *job, s *deploy.Step) outcome {
	e, err := j.evidence(ctx, store.SawPhone)
	if err != nil {
		return retry(err)
	}
	if !e.At.IsZero() {
		return doneAt(e.At)
	}
	j.attend()
	first, err := j.firstBoot(ctx)
	if err != nil {
		return retry(err)
	}
	if text := first.String(); text != "" {
		s.Note = text
	}
	if j.w.Now().Before(s.Started.Add(s.Limit)) {
		return wait(look)
	}
	silence := j.silence(ctx, first, s)
	return park("deadline-"+string(s.Name), lateWords(s)+": "+silence.Words(), cmp.Or(installerHint(s.Name, j.op), silence.Hint(j.machine)+"; then 'rackwright operation retry'"))
}

// firstBoot is what cloud-init told.
func (j *job) firstBoot(ctx context.Context) (b deploy.FirstBoot, err error) {
	e, err := j.evidence(ctx, store.SawBoot)
	if err == nil && len(e.Detail) > 0 {
		if err = json.Unmarshal(e.Detail, &b); err != nil {
			err = fault.Internalf("evidence of a first boot: %w", err)
		}
	}
	return b, err
}

// silence gathers what is known of a system that did not phone home, and keeps the end of
// its console in the journal.
func (j *job) silence(ctx context.Context, first deploy.FirstBoot, s *deploy.Step) deploy.Silence {
	out := deploy.Silence{Boot: first}
	events, err := j.w.Store.Events(ctx, store.EventFilter{Machine: j.op.Machine, Newest: true, Limit: storyLength})
	if err != nil {
		j.w.Log.Warn("the journal could not be read for a diagnosis", "machine", j.op.Name, "error", err)
	}
	for _, e := range events {
		if e.At.Before(s.Started) {
			continue
		}
		client, _ := e.Detail["client"].(string)
		script, _ := e.Detail["script"].(string)
		switch {
		case e.Kind == journal.HTTPSent && script != "", e.Kind == journal.DHCPAnswered && client != "" && client != boot.NotNetboot.String():
			out.Netbooted = true
		case e.Kind == journal.DHCPAnswered:
			out.Asked = true
		}
	}
	j.askBMC(ctx, &out)
	if j.w.Consoles != nil {
		if tail := j.w.Consoles.Tail(j.op.Machine, keptConsole); tail != "" {
			out.Console = console.Last(console.Line(tail), 200)
			j.event(journal.FirstBoot, "the console when the wait ended: "+out.Console, "console", tail)
		}
	}
	return out
}

// askBMC asks what the BMC knows. That it does not answer is no part of this diagnosis.
func (j *job) askBMC(ctx context.Context, out *deploy.Silence) {
	if j.machine.BMC == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askingBMC)
	defer cancel()
	hand, err := j.controller(ctx)
	if err != nil {
		return
	}
	if p, err := hand.Power(ctx); err == nil {
		out.Power = p
	}
	if words, err := hand.Progress(ctx); err == nil && out.Power == inventory.PowerOn {
		out.Progress = words
	}
}

package run

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/journal"
	"rackwright/store"
)

// lookInstaller is how often an installer that says nothing is looked after.
const lookInstaller = 30 * time.Second

// offered waits until the loader fetched the script. What an installer is to be told may
// have become impossible since the operation was made.
func offered(ctx context.Context, j *job, s *deploy.Step) outcome {
	if j.op.Order.Method.Loads() {
		if o, bad := j.trouble(ctx, s); bad {
			return o
		}
	}
	return seen(store.SawScript, store.SawAgent)(ctx, j, s)
}

// answered waits until the installer fetched its answers. A system that phones home, or
// says that it is installed, had them.
func answered(ctx context.Context, j *job, s *deploy.Step) outcome {
	if o, bad := j.trouble(ctx, s); bad {
		return o
	}
	return seen(store.SawAnswers, store.SawInstalled, store.SawPhone)(ctx, j, s)
}

// installed waits for the installer's word, or for that of the system it installed. From
// now on a netboot of the machine ends at its own disk: an installer that has its answers
// is not started a second time.
func installed(ctx context.Context, j *job, s *deploy.Step) outcome {
	if o := seen(store.SawInstalled, store.SawPhone)(ctx, j, s); o.verdict != isWaiting {
		return o
	}
	if o, bad := j.trouble(ctx, s); bad {
		return o
	}
	if j.op.Order.Method == deploy.ByMedia {
		return j.ranOff(ctx, s)
	}
	s.Note = "the installer has its answers"
	return wait(lookInstaller)
}

// trouble parks what the installer itself gave up since this step began. A retry waits
// anew, for a person may have helped the installer at its console.
func (j *job) trouble(ctx context.Context, s *deploy.Step) (outcome, bool) {
	e, err := j.evidence(ctx, store.SawTrouble)
	if err != nil {
		return retry(err), true
	}
	if e.At.IsZero() || e.At.Before(s.Started) {
		return outcome{}, false
	}
	var said struct{ Why string }
	if err := json.Unmarshal(e.Detail, &said); err != nil || said.Why == "" {
		said.Why = "it did not say why"
	}
	return park("installer-failed", fmt.Sprintf("the installer gave up: %s", said.Why),
		"see the machine's console; mend what it names, cancel this operation and deploy again, or help the installer along and 'rackwright operation retry'"), true
}

// entered follows the agent's report until it hands the machine over to a system in
// memory, after which nothing is heard of it but its phone call.
func entered(ctx context.Context, j *job, s *deploy.Step) outcome {
	if o := seen(store.SawPhone)(ctx, j, s); o.verdict != isWaiting {
		return o
	}
	return ordered(wire.Live, nil)(ctx, j, s)
}

// ending is what was seen of a machine at the end of a deployment of each method.
func ending(j *job) string {
	switch j.op.Order.Method {
	case deploy.ByLocal:
		return "it was started from its own disk; nothing was heard of what is there"
	case deploy.ByNetboot:
		return "its loader fetched all of " + j.op.Order.Image + "; nothing was heard of that system itself"
	case deploy.ByMedia:
		return "was started from the ISO image " + j.op.Order.Image
	}
	return "runs " + j.op.Order.Image + ", which phoned home"
}

// soils reports whether a deployment of the method leaves the disks other than it found them.
func soils(m deploy.Method) bool { return deploy.Destructive(deploy.Deploy, deploy.Order{Method: m}) }

// installerHint is what usually is wrong when an installer runs out of time.
func installerHint(n deploy.StepName, o *deploy.Operation) string {
	switch {
	case n == deploy.StepAnswers:
		return "the installer was loaded and did not fetch its answers: see the machine's console, and with 'rackwright preview' the kernel arguments it was given"
	case n == deploy.StepLoaded:
		return "the loader did not fetch all of the system: see the machine's console and timeline"
	case n == deploy.StepInstall && o.Order.Method == deploy.ByMedia:
		return "nothing says that the system on the ISO image is done: it may fetch the address that 'rackwright preview' names, or power the machine off; see its console"
	case n == deploy.StepInstall:
		return fmt.Sprintf("the installer fetched its answers%s and did not report since: see the machine's console for what it asks; its template must fetch {{.Done}} at the end; "+
			"'rackwright operation retry' waits again and installs nothing, cancel and deploy to begin anew", since(o, deploy.StepAnswers))
	}
	return ""
}

func since(o *deploy.Operation, n deploy.StepName) string {
	for _, s := range o.Steps {
		if s.Name == n && !s.Ended.IsZero() {
			return " at " + s.Ended.UTC().Format("15:04:05Z")
		}
	}
	return ""
}

// noted writes into the journal what a step came to by another way than usual.
func (j *job) noted(s *deploy.Step, words string) { j.event(journal.OpStep, words, "step", s.Name) }

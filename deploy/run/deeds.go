package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rackwright/agent/wire"
	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/deploy/network"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// How long things may be quiet, and how often waiting steps look without being poked.
const (
	agentSilence = 2 * time.Minute  // an agent that works asks or reports every few seconds
	graceOff     = 90 * time.Second // a system gets to shut down before it is forced off
	look         = 10 * time.Second
	lookProgress = time.Second // while an agent counts bytes: its reports do not poke
)

// deed makes a step true, or says why it is not.
type deed func(ctx context.Context, j *job, s *deploy.Step) outcome

// deeds is the table of what each step does.
func deeds() map[deploy.StepName]deed {
	return map[deploy.StepName]deed{
		deploy.StepCheck:    check,
		deploy.StepBootNet:  bootSet,
		deploy.StepPower:    start,
		deploy.StepDHCP:     seen(store.SawDHCP, store.SawScript, store.SawAgent),
		deploy.StepLoader:   offered,
		deploy.StepRamdisk:  arrived,
		deploy.StepWrite:    ordered(wire.Write, nil),
		deploy.StepBootDisk: bootSet,
		deploy.StepReboot:   rebooted,
		deploy.StepPhone:    phoned,
		deploy.StepSettle:   settled,
		deploy.StepLocate:   located,
		deploy.StepManage:   managed,

		deploy.StepAnswers: answered,
		deploy.StepInstall: installed,
		deploy.StepLoaded:  seen(store.SawLoaded, store.SawPhone),
		deploy.StepStart:   entered,
		deploy.StepMedia:   inserted,
		deploy.StepBootCD:  bootSet,
		deploy.StepEject:   ejected,

		deploy.StepBurn: burned,

		deploy.StepRescue: rescued,

		deploy.StepErase: ordered(wire.Erase, certifyErased),
		deploy.StepOff:   switchedOff,

		deploy.StepFirmwareCheck:  firmwareChecked,
		deploy.StepUpdate:         handed,
		deploy.StepRestart:        restarted,
		deploy.StepFirmwareVerify: firmwareVerified,

		deploy.StepLogin:       loggedIn,
		deploy.StepMatch:       matched,
		deploy.StepSecret:      rotated,
		deploy.StepCertificate: certified,
		deploy.StepClock:       timed,
		deploy.StepExposure:    exposed,
		deploy.StepPlace:       placed,
	}
}

// check sees that the image is there and that the BMC answers to its credentials, before
// anything is changed. What a deployed system will not be told of is said.
func check(ctx context.Context, j *job, s *deploy.Step) outcome {
	if d := j.op.Order.Digest; d != "" {
		listed, err := j.w.Store.DigestListed(ctx, d)
		if err != nil {
			return retry(err)
		}
		if !listed {
			return park("image-gone", "image "+j.op.Order.Image+" was removed", "add it again, then 'rackwright operation retry'")
		}
	}
	if names := network.Untold(j.machine); j.op.Kind == deploy.Deploy && len(names) > 0 && s.Attempts == 0 {
		j.event(journal.OpStep, fmt.Sprintf("nobody knows the MAC of %s: the system is not told of their networks; inspect the machine, or name it in the plan", strings.Join(names, ", ")))
	}
	if j.machine.BMC == nil {
		return done()
	}
	var state inventory.Power
	if err := j.act(ctx, "power state read", func(ctx context.Context, c bmc.Controller) (err error) {
		state, err = c.Power(ctx)
		return err
	}); err != nil {
		return retry(err)
	}
	if err := j.power(ctx, state); err != nil {
		return retry(err)
	}
	return done()
}

// start changes the power as the operation asks. For a netboot, a machine that was seen
// booting since the step began is not restarted again: the server may have stopped
// between the act and its record.
func start(ctx context.Context, j *job, _ *deploy.Step) outcome {
	if j.op.Kind == deploy.Power {
		return changePower(ctx, j)
	}
	if e, err := j.evidence(ctx, store.SawDHCP); err == nil && !e.At.IsZero() {
		return doneAt(e.At)
	}
	if err := j.keepBoot(ctx); err != nil {
		return retry(err)
	}
	if err := j.act(ctx, "power cycled and read back on", func(ctx context.Context, c bmc.Controller) error { return c.Cycle(ctx) }, "power", "cycle"); err != nil {
		return retry(err)
	}
	if err := j.power(ctx, inventory.PowerOn); err != nil {
		return retry(err)
	}
	return done()
}

func changePower(ctx context.Context, j *job) outcome {
	deeds := map[string]func(context.Context, bmc.Controller) error{
		"on":        func(ctx context.Context, c bmc.Controller) error { return c.On(ctx) },
		"off":       func(ctx context.Context, c bmc.Controller) error { return c.Off(ctx, graceOff) },
		"force-off": func(ctx context.Context, c bmc.Controller) error { return c.Off(ctx, 0) },
		"cycle":     func(ctx context.Context, c bmc.Controller) error { return c.Cycle(ctx) },
		"reset":     func(ctx context.Context, c bmc.Controller) error { return c.Reset(ctx) },
	}
	if err := j.act(ctx, "power "+j.op.Order.Power+", read back", deeds[j.op.Order.Power], "power", j.op.Order.Power); err != nil {
		return retry(err)
	}
	state := inventory.PowerOn
	if j.op.Order.Power == "off" || j.op.Order.Power == "force-off" {
		state = inventory.PowerOff
	}
	if err := j.power(ctx, state); err != nil {
		return retry(err)
	}
	return done()
}

// seen waits for any of the kinds of evidence; the first that is there says when.
func seen(kinds ...string) deed {
	return func(ctx context.Context, j *job, _ *deploy.Step) outcome {
		for _, kind := range kinds {
			e, err := j.evidence(ctx, kind)
			if err != nil {
				return retry(err)
			}
			if !e.At.IsZero() {
				return doneAt(e.At)
			}
		}
		return wait(look)
	}
}

// ordered follows the agent's report on the order of a verb. took, if any, takes in what
// came out of it: with every report that has a result, the last of which completes it.
func ordered(v wire.Verb, took func(ctx context.Context, j *job, s *deploy.Step, r wire.Event) outcome) deed {
	return func(ctx context.Context, j *job, s *deploy.Step) outcome {
		report, at, err := j.report(ctx, v)
		if err != nil {
			return retry(err)
		}
		if took != nil && len(report.Result) > 0 {
			if o := took(ctx, j, s, report); o.verdict != isDone {
				return o
			}
		}
		switch report.Stage {
		case wire.Completed:
			s.Done = s.Total
			return doneAt(at)
		case wire.Refused, wire.Failed:
			return refused(report)
		}
		progress(j, s, report)
		if lost, err := j.silent(ctx, agentSilence); err != nil || lost {
			if err != nil {
				return retry(err)
			}
			return rewind(deploy.StepBootNet, "the agent was not heard of for "+agentSilence.String())
		}
		return wait(lookProgress)
	}
}

// refused sorts an order that ended badly: trouble that may pass is tried again with a
// new order, the rest needs hands.
func refused(r wire.Event) outcome {
	switch r.Reason {
	case wire.ReasonFetch, wire.ReasonDiskIO, wire.ReasonPermit:
		return retry(fault.Unreachablef("%s (%s)", r.Detail, r.Reason).WithHint("%s", hintOr(r.Hint)))
	}
	return park(r.Reason, r.Detail, hintOr(r.Hint))
}

func hintOr(hint string) string {
	if hint == "" {
		return "mend what the message names, then 'rackwright operation retry'"
	}
	return hint
}

// progress turns the agent's count into thousandths of the step. Writing and reading back
// are half of the work each; the agent writes what makes the disk bootable last, after it
// read the rest back, so the count is kept from falling.
func progress(j *job, s *deploy.Step, r wire.Event) {
	if r.Disk != nil {
		j.op.Disk = r.Disk.Serial
	}
	if r.Stage != "" {
		s.Note = string(r.Stage)
	}
	if r.Total <= 0 {
		return
	}
	if r.Stage == wire.Burning { // seconds of work
		s.Done, s.Total = min(r.Done, r.Total), r.Total
		return
	}
	done := 500 * min(r.Done, r.Total) / r.Total
	if r.Stage == wire.Erasing { // there is nothing but it
		done *= 2
	}
	if r.Stage == wire.Verifying {
		done += 500
	}
	s.Done, s.Total = max(s.Done, done), 1000
}

// rebooted waits until the agent says it restarts the machine. An agent that fell silent
// is restarted through the BMC.
func rebooted(ctx context.Context, j *job, s *deploy.Step) outcome {
	j.attend()
	report, at, err := j.report(ctx, wire.Reboot)
	if err != nil {
		return retry(err)
	}
	if report.Stage == wire.Restarting {
		return doneAt(at)
	}
	if phone, err := j.evidence(ctx, store.SawPhone); err == nil && !phone.At.IsZero() {
		return doneAt(phone.At)
	}
	lost, err := j.silent(ctx, agentSilence)
	if err != nil {
		return retry(err)
	}
	if !lost || j.machine.BMC == nil {
		return wait(look)
	}
	if err := j.act(ctx, "power cycled: the agent fell silent", func(ctx context.Context, c bmc.Controller) error { return c.Cycle(ctx) }, "power", "cycle"); err != nil {
		return retry(err)
	}
	return done()
}

// settled moves the machine to the phase its evidence earned.
func settled(ctx context.Context, j *job, _ *deploy.Step) outcome {
	switch j.op.Kind {
	case deploy.Deploy:
	case deploy.Claim:
		return claimed(ctx, j)
	case deploy.Erase:
		return emptied(ctx, j)
	default:
		return done()
	}
	_, err := j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		was := m.Phase
		words := ending(j)
		m.Power = inventory.PowerOn
		if !j.op.Order.Method.Proves() {
			return []journal.Event{{Kind: journal.OpStep, Operation: j.op.ID, Actor: "worker", Summary: "still " + string(was) + ": " + words}}, nil
		}
		m.Phase, m.Image = inventory.Active, j.op.Order.Image
		if soils(j.op.Order.Method) {
			m.Erased = time.Time{}
		}
		return []journal.Event{{Kind: journal.PhaseMoved, Operation: j.op.ID, Actor: "worker", Summary: fmt.Sprintf("%s -> active: %s", was, words)}}, nil
	})
	if err != nil {
		return retry(err)
	}
	return done()
}

// report returns the agent's newest report if it is about the order now given.
func (j *job) report(ctx context.Context, v wire.Verb) (wire.Event, time.Time, error) {
	var r wire.Event
	e, err := j.evidence(ctx, store.SawReport)
	if err != nil || e.At.IsZero() {
		return r, e.At, err
	}
	if err := json.Unmarshal(e.Detail, &r); err != nil {
		return r, e.At, fault.Internalf("agent report: %w", err)
	}
	if r.Order != deploy.OrderID(j.op, string(v)) {
		return wire.Event{}, time.Time{}, nil
	}
	return r, e.At, nil
}

// silent reports whether nothing was heard of the agent for so long.
func (j *job) silent(ctx context.Context, long time.Duration) (bool, error) {
	now, last := j.w.Now(), j.op.Step().Started // now: before the evidence is read, which may take long
	for _, kind := range []string{store.SawAgent, store.SawContact, store.SawReport} {
		e, err := j.evidence(ctx, kind)
		if err != nil {
			return false, err
		}
		if e.At.After(last) {
			last = e.At
		}
	}
	return now.Sub(last) > long, nil
}

func lateWords(s *deploy.Step) string {
	return fmt.Sprintf("%q was not done within %s", s.Title, s.Limit)
}

// lateHint says what usually is wrong when a step runs out of time.
func lateHint(n deploy.StepName, m *inventory.Machine) string {
	nic := "its NIC"
	if b := m.BootNIC(); b != nil {
		nic = b.MAC.String()
	}
	hint := map[deploy.StepName]string{
		deploy.StepDHCP:           "no DHCPDISCOVER of " + nic + " was answered: check power, cable and VLAN, that the network's dhcp is not off, and that the machine boots from the network",
		deploy.StepLoader:         "it has an address but its loader did not ask for the script: check UDP 69 and TCP of the boot server, and the machine's console",
		deploy.StepRamdisk:        "kernel and ramdisk were offered but the agent did not check in: see the machine's console and 'rackwright bmc log', where the agent says why it found no network; a NIC driver may be missing from the ramdisk",
		deploy.StepUpdate:         "the BMC did not finish its task in time: see 'rackwright operation show' and the BMC's log",
		deploy.StepFirmwareVerify: "the new firmware does not run though the BMC took it: see the machine's console; a retry sends again what is not there",
		deploy.StepPhone:          "the image was written but its first boot did not phone home: see the console; check cloud-init in the image and the network it was given",
	}[n]
	if n == deploy.StepRamdisk {
		hint += undriven(m)
	}
	if hint == "" {
		hint = "see 'rackwright machine timeline " + m.Name + "'"
	}
	return hint + "; then 'rackwright operation retry'"
}

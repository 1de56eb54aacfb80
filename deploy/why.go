package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/inventory"
	"rackwright/journal"
)

// Why says in one sentence what a machine is waiting for or what stopped it. op is its
// newest operation, nil if it never had one; events are its latest, newest first.
func Why(m inventory.Machine, op *Operation, events []journal.Event, now time.Time) string {
	if op != nil && !op.State.Ended() {
		return m.Name + whyOperation(op, events, now)
	}
	for _, c := range m.Conditions {
		if c.Waived.At.IsZero() {
			return fmt.Sprintf("%s is %s, but %s: %s%s.", m.Name, m.Phase, c.Type, c.Evidence, hintPart(c.Hint))
		}
	}
	if op != nil && op.State == Failed {
		return fmt.Sprintf("%s is %s; its last %s failed: %s%s.", m.Name, m.Phase, op.Kind, op.Message, hintPart(op.Hint))
	}
	return m.Name + whyPhase(m, events)
}

func hintPart(hint string) string {
	if hint == "" {
		return ""
	}
	return "; " + hint
}

func whyOperation(op *Operation, events []journal.Event, now time.Time) string {
	switch s := op.Step(); {
	case op.State == Queued:
		return fmt.Sprintf(" has a %s queued since %s: no worker has taken it.", op.Kind, ago(now, op.Created))
	case op.State == Parked:
		return fmt.Sprintf(" needs hands: its %s stopped at %q (%s): %s%s.", op.Kind, stepTitle(s), op.Reason, op.Message, hintPart(op.Hint))
	case s == nil:
		return fmt.Sprintf(" has finished its %s.", op.Kind)
	default:
		return fmt.Sprintf(" is being worked on (%s): %s for %s%s.", op.Kind, waitingFor(s), ago(now, s.Started), lastSeen(events, now))
	}
}

func stepTitle(s *Step) string {
	if s == nil {
		return "end"
	}
	return s.Title
}

// waitingFor says what a step is about.
func waitingFor(s *Step) string {
	what := map[StepName]string{
		StepCheck: "checking what the work needs", StepBootNet: "setting the next boot to the network through the BMC",
		StepPower: "changing power through the BMC", StepDHCP: "waiting for its DHCPDISCOVER",
		StepLoader: "it has an address; waiting for its loader to ask for the boot script", StepRamdisk: "kernel and ramdisk offered; waiting for the agent to check in",
		StepWrite: "the agent is writing the image", StepBootDisk: "setting the next boot to the disk through the BMC",
		StepReboot: "waiting for the agent to restart it", StepPhone: "waiting for the deployed system to phone home", StepSettle: "settling",
		StepLogin: "looking for a login that its BMC takes", StepMatch: "seeing whether it is the machine in the plan",
		StepSecret: "giving its BMC a password of its own", StepCertificate: "installing a certificate of ours in its BMC", StepClock: "setting its BMC's clock",
		StepExposure: "looking at the accounts and services of its BMC", StepPlace: "writing its place into its BMC",
		StepFirmwareCheck: "checking what the update needs", StepUpdate: "its BMC takes firmware", StepRestart: "restarting it for its firmware",
		StepFirmwareVerify: "waiting for the new firmware to run",
		StepLocate:         "blinking its locator LED",
		StepManage:         "asking its BMC for the change",
		StepRescue:         "netbooted for a person to log in",
		StepBurn:           "under burn-in",
		StepErase:          "the agent is erasing its disks", StepOff: "waiting for the agent to switch it off",
		StepAnswers: "its installer was offered; waiting for it to fetch its answers", StepInstall: "its installer works",
		StepMedia: "putting the ISO image into the virtual drive", StepBootCD: "setting the next boot to the virtual drive", StepEject: "emptying the virtual drive",
		StepLoaded: "its loader fetches the system", StepStart: "the agent starts the system in memory",
	}[s.Name]
	if s.Name == StepBurn && strings.HasPrefix(s.Note, "waits for ") {
		return s.Note
	}
	if s.Total > 0 {
		what += fmt.Sprintf(" (%d %%)", s.Done*100/s.Total)
	}
	if s.Attempts > 1 && s.Note != "" {
		what += fmt.Sprintf(" (attempt %d of %d after: %s)", s.Attempts, s.Budget, s.Note)
	}
	return what
}

func lastSeen(events []journal.Event, now time.Time) string {
	for _, e := range events {
		if strings.HasPrefix(string(e.Kind), "op.") {
			continue
		}
		return fmt.Sprintf("; last seen: %s (%s ago)", e.Summary, ago(now, e.At))
	}
	return "; nothing was seen of it yet"
}

func whyPhase(m inventory.Machine, events []journal.Event) string {
	switch m.Phase {
	case inventory.Planned, inventory.Racked:
		events = slices.DeleteFunc(slices.Clone(events), func(e journal.Event) bool { return e.Kind == journal.MachinePlan })
		if len(events) == 0 {
			return " is planned and nothing was seen of it: is it powered, cabled to its planned network, and set to boot from the network?"
		}
		return fmt.Sprintf(" is %s: fewer than two of its identifiers were seen to agree with the plan; last: %s.", m.Phase, events[0].Summary)
	case inventory.Discovered, inventory.Verified, inventory.Ready:
		return fmt.Sprintf(" is %s and waits for nothing: deploy an image on it when you like.", m.Phase)
	case inventory.Active:
		return fmt.Sprintf(" is active: it runs %s.", cmp.Or(m.Image, "what was on its disk"))
	case inventory.Maintenance:
		return " is in maintenance" + cmp.Or(heldBy(m), ": a person holds it") + "."
	}
	return fmt.Sprintf(" is %s.", m.Phase)
}

func ago(now, then time.Time) string {
	if then.IsZero() {
		return "a moment"
	}
	return now.Sub(then).Round(time.Second).String()
}

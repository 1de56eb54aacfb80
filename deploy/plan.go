package deploy

import (
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Plan returns the steps of an operation on a machine, or the fault that forbids it. It
// looks at nothing but its arguments, so it can be shown before anything happens.
func Plan(kind Kind, s Subject) ([]Step, error) {
	if s.Machine.Phase == inventory.Retired {
		return nil, fault.Conflictf("%s is retired", s.Machine.Name)
	}
	if s.Machine.Phase == inventory.Maintenance && kind != Power && kind != Locate && kind != Manage {
		return nil, fault.Conflictf("%s is in maintenance%s", s.Machine.Name, heldBy(s.Machine)).WithHint("end the hold first: 'rackwright machine release %s'", s.Machine.Name)
	}
	switch kind {
	case Deploy:
		return planDeploy(s)
	case Inspect:
		return planInspect(s)
	case Power:
		return planPower(s)
	case Locate:
		return planLocate(s)
	case Manage:
		return planManage(s)
	case Claim:
		return planClaim(s)
	case Firmware:
		return planFirmware(s)
	case Erase:
		return planErase(s)
	case BurnIn:
		return planBurnIn(s)
	case Rescue:
		return planRescue(s)
	}
	return nil, fault.Invalidf("there is no operation %q", kind).WithHint("operations are %v", Kinds())
}

// heldBy says who keeps a machine in maintenance, "" when nobody is named.
func heldBy(m inventory.Machine) string {
	if m.Hold == nil {
		return ""
	}
	return ", " + m.Hold.String()
}

func planInspect(s Subject) ([]Step, error) {
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	return append(netboot(s.Machine), step(StepReboot, "rebooting", 3, 10*time.Minute), step(StepSettle, "inspected", 5, time.Minute)), nil
}

// netbootable refuses a machine that could never be seen on the wire.
func netbootable(m inventory.Machine) error {
	n := m.BootNIC()
	if n == nil {
		return fault.Conflictf("%s has no NIC to boot from", m.Name).WithHint("give it a nic with its MAC in the plan")
	}
	if m.Slot != nil && !n.Address.IsValid() {
		return fault.Conflictf("%s: nic %s has no address", m.Name, n.Name).WithHint("give the nic a network and an address in the plan")
	}
	return nil
}

// netboot is the way from wherever the machine is to the agent. Without a BMC nobody can
// set the boot or press the button but a person, so those steps are left out and the
// wait for DHCP is long.
func netboot(m inventory.Machine) []Step {
	steps := []Step{step(StepCheck, "checks", 5, 5*time.Minute)}
	patience := 15 * time.Minute
	if m.BMC != nil {
		steps = append(steps,
			step(StepBootNet, "boot from network", 5, 5*time.Minute),
			step(StepPower, "power on", 5, 10*time.Minute))
	} else {
		patience = 24 * time.Hour
	}
	return append(steps,
		step(StepDHCP, "DHCP", 1, patience),
		step(StepLoader, "loader", 1, 10*time.Minute),
		step(StepRamdisk, "ramdisk", 1, 15*time.Minute))
}

func planPower(s Subject) ([]Step, error) {
	switch s.Order.Power {
	case "on", "off", "force-off", "cycle", "reset":
	default:
		return nil, fault.Invalidf("there is no power action %q", s.Order.Power).WithHint("use on, off, force-off, cycle or reset")
	}
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", s.Machine.Name).WithHint("give it a bmc in the plan, or press its button")
	}
	return []Step{step(StepPower, "power "+s.Order.Power, 5, 15*time.Minute)}, nil
}

// MaxBlink bounds how long a locator LED blinks.
const MaxBlink = time.Hour

func planLocate(s Subject) ([]Step, error) {
	if s.Order.Locate != "on" && s.Order.Locate != "off" {
		return nil, fault.Invalidf("the locator LED cannot be %q", s.Order.Locate).WithHint("use on or off")
	}
	long := time.Duration(s.Order.Seconds) * time.Second
	if s.Order.Locate == "on" && (long < time.Second || long > MaxBlink) {
		return nil, fault.Invalidf("the locator LED cannot blink for %d seconds", s.Order.Seconds).WithHint("say 1 to %d", int(MaxBlink.Seconds()))
	}
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", s.Machine.Name).WithHint("give it a bmc in the plan, or look for its label")
	}
	return []Step{step(StepLocate, "locator LED "+s.Order.Locate, 3, long+15*time.Minute)}, nil
}

func step(name StepName, title string, budget int, limit time.Duration) Step {
	return Step{Name: name, Title: title, State: StepTodo, Budget: budget, Limit: limit}
}

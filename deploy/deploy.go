package deploy

import (
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// Steps of deployments that the agent has no part in.
const (
	StepAnswers StepName = "answers" // the installer fetched its answers
	StepLoaded  StepName = "loaded"  // the loader fetched all of a system that runs in memory
	StepBootCD  StepName = "boot-cd" // next boot is from the virtual drive
	StepEject   StepName = "eject"   // the virtual drive is empty again
)

// MethodOf is how a system of an image's kind comes to a machine: a netboot image with
// answers installs itself, one without runs in memory.
func MethodOf(img *images.Image) Method {
	switch img.Kind {
	case images.KindRootFS:
		return ByRootFS
	case images.KindISO:
		return ByMedia
	case images.KindNetboot:
		if img.Answers == "" || img.Answers == "none" {
			return ByNetboot
		}
		return ByInstall
	}
	return ByDisk
}

// Loads reports whether the machine's loader starts the system itself, without the agent.
func (m Method) Loads() bool { return m == ByInstall || m == ByNetboot }

// Netboots reports whether a deployment of the method needs the network at its boot.
func (m Method) Netboots() bool { return m != ByMedia && m != ByLocal }

// Proves reports whether a deployment of the method ends with word of the system itself,
// so that the machine becomes active. Of one that a loader fetched into memory, or that was
// on the disk, is known that it was started: the machine stays in its phase.
func (m Method) Proves() bool { return m != ByNetboot && m != ByLocal }

func planDeploy(s Subject) ([]Step, error) {
	if s.Order.Digest == "" && s.Order.Method != ByLocal {
		return nil, fault.Invalidf("deploy %s: which image?", s.Machine.Name).WithHint("name one of 'rackwright image list', or boot what is on its disk with local (--local)")
	}
	switch s.Order.Method {
	case "", ByDisk, ByRootFS:
		return planWrite(s)
	case ByInstall, ByNetboot:
		return planLoaded(s)
	case ByLive:
		return planLive(s)
	case ByMedia:
		return planMedia(s)
	case ByLocal:
		return planLocal(s)
	}
	return nil, fault.Invalidf("there is no method %q of deploying", s.Order.Method)
}

// planWrite has the agent write the disk.
func planWrite(s Subject) ([]Step, error) {
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	if s.Order.Mirror && s.Order.Method == ByRootFS {
		return nil, fault.Invalidf("a root file system is not unpacked to a mirror").WithHint("leave the mirror out, or deploy a disk image")
	}
	steps := append(netboot(s.Machine), step(StepWrite, "image written", 3, 2*time.Hour))
	if s.Machine.BMC != nil {
		steps = append(steps, step(StepBootDisk, "boot from disk", 5, 5*time.Minute))
	}
	return append(steps,
		step(StepReboot, "rebooting", 3, 10*time.Minute),
		step(StepPhone, "phone home", 1, 30*time.Minute),
		step(StepSettle, "active", 5, time.Minute)), nil
}

// planLoaded has the loader start an installer, or a system that runs in memory. Of an
// installer is known when it fetched its answers and when it says that it is done; of a
// live system, that it was loaded.
func planLoaded(s Subject) ([]Step, error) {
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	steps := netboot(s.Machine)
	steps = steps[:len(steps)-1] // no agent
	if s.Order.Method == ByNetboot {
		return append(steps, step(StepLoaded, "loaded", 1, 20*time.Minute), step(StepSettle, "started", 5, time.Minute)), nil
	}
	return append(steps,
		step(StepAnswers, "answers fetched", 1, 30*time.Minute),
		step(StepInstall, "installed", 1, 2*time.Hour),
		step(StepPhone, "phone home", 1, 30*time.Minute),
		step(StepSettle, "active", 5, time.Minute)), nil
}

// planLive has the agent start a root file system in memory.
func planLive(s Subject) ([]Step, error) {
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	return append(netboot(s.Machine),
		step(StepStart, "started in memory", 3, 30*time.Minute),
		step(StepPhone, "phone home", 1, 30*time.Minute),
		step(StepSettle, "active", 5, time.Minute)), nil
}

// planMedia starts the machine from an ISO image in its BMC's virtual drive, which stays
// there until the system says that it is installed, phones home, or powers the machine off.
func planMedia(s Subject) ([]Step, error) {
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC, and so no virtual drive for an ISO image", s.Machine.Name).WithHint("give it a bmc in the plan, or deploy a disk or netboot image")
	}
	return []Step{
		step(StepCheck, "checks", 5, 5*time.Minute),
		step(StepMedia, "ISO image inserted", 3, 15*time.Minute),
		step(StepBootCD, "boot from CD", 5, 5*time.Minute),
		step(StepPower, "power on", 5, 10*time.Minute),
		step(StepInstall, "installed", 1, 4*time.Hour),
		step(StepEject, "ISO image ejected", 5, 10*time.Minute),
		step(StepSettle, "active", 5, time.Minute)}, nil
}

// planLocal starts what is on the disk.
func planLocal(s Subject) ([]Step, error) {
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC that could start it", s.Machine.Name).WithHint("give it a bmc in the plan, or press its button: a machine without an operation boots its own disk")
	}
	return []Step{
		step(StepCheck, "checks", 5, 5*time.Minute),
		step(StepBootDisk, "boot from disk", 5, 5*time.Minute),
		step(StepPower, "power on", 5, 10*time.Minute),
		step(StepSettle, "started", 5, time.Minute)}, nil
}

// Answering reports whether an installer of this operation is given answers: from its
// boot until it said that it is done.
func (o *Operation) Answering() bool {
	s := o.Step()
	if s == nil || o.Kind != Deploy || !o.Order.Method.Loads() || o.State != Running && o.State != Parked {
		return false
	}
	return s.Name != StepPhone && s.Name != StepSettle
}

// Overwrites says what a deployment destroys, for people.
func Overwrites(m Method, machine *inventory.Machine) string {
	switch m {
	case ByNetboot, ByLive, ByLocal:
		return "nothing: no disk is written"
	case ByMedia:
		return "whatever the system on the ISO image writes: it is not told which disk"
	}
	return "the disk that root_disk of " + machine.Name + " names"
}

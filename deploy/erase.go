package deploy

import (
	"slices"
	"time"

	"rackwright/fault"
)

// EraseMethods are the classes of methods an erase may be kept to, the strongest first.
func EraseMethods() []string {
	return []string{"sanitize", "format", "secure-erase", "discard", "overwrite"}
}

// EraseSamples is how many random places of each disk are read back.
const EraseSamples = 256

// maxNamedDisks bounds the disks an erase names.
const maxNamedDisks = 512

// planErase netboots the machine, empties its disks and switches it off: there is nothing
// left to boot. A disk of many terabytes that can only be overwritten takes days.
func planErase(s Subject) ([]Step, error) {
	o := s.Order.Erase
	if o == nil {
		return nil, fault.Invalidf("erase %s: what?", s.Machine.Name).WithHint("name disks by serial number, or none for all")
	}
	for _, m := range o.Methods {
		if !slices.Contains(EraseMethods(), m) {
			return nil, fault.Invalidf("there is no way to erase called %q", m).WithHint("use %v", EraseMethods())
		}
	}
	if len(o.Disks) > maxNamedDisks {
		return nil, fault.Invalidf("%d disks are named, more than the %d a machine can have", len(o.Disks), maxNamedDisks)
	}
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	return append(netboot(s.Machine),
		step(StepErase, "disks erased", 3, 7*24*time.Hour),
		step(StepOff, "powered off", 3, 10*time.Minute),
		step(StepSettle, "proof kept", 5, time.Minute)), nil
}

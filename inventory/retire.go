package inventory

import (
	"cmp"

	"rackwright/fault"
)

// What became of a machine's disks.
const (
	DisksErased    = "erased"    // proven empty
	DisksKept      = "kept"      // with what is on them
	DisksDestroyed = "destroyed" // shredded, or broken
)

// Retirement is why a machine goes and what became of its disks.
type Retirement struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000"`
	Disks  string `json:"disks,omitempty" enum:"erased,kept,destroyed" doc:"What became of its disks; a machine that ran a deployment needs it"`
}

// Retire returns why a machine cannot retire, or nil. One that ran a deployment has data:
// its disks were proven empty, or somebody answers for them.
func (r Retirement) Retire(m *Machine) error {
	ran := m.Image != "" || m.Phase == Active
	switch {
	case m.Phase == Retired:
		return fault.Conflictf("%s is retired already", m.Name)
	case r.Reason == "" || len(r.Reason) > MaxWords:
		return fault.Invalidf("retiring %s needs a reason of at most %d characters", m.Name, MaxWords).WithHint("say why it goes")
	case r.Disks != "" && r.Disks != DisksErased && r.Disks != DisksKept && r.Disks != DisksDestroyed:
		return fault.Invalidf("disks are not %q", r.Disks).WithHint("say erased, kept or destroyed")
	case r.Disks == DisksErased && m.Erased.IsZero():
		return fault.Conflictf("nobody proved the disks of %s empty", m.Name).WithHint("erase them, or say that they were destroyed or are kept, and why")
	case ran && m.Erased.IsZero() && r.Disks == "":
		return fault.Conflictf("%s ran %s and nobody proved its disks empty", m.Name, cmp.Or(m.Image, "a deployment")).
			WithHint("say what became of them with disks (--disks): destroyed, or kept, and the reason")
	}
	m.Phase = Retired
	return nil
}

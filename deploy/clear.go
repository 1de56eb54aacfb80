package deploy

import (
	"context"

	"rackwright/fault"
	"rackwright/inventory"
)

// Clear refuses an installation onto a disk that holds foreign data, as Permit does for
// what the agent writes: no agent stands beside an installer, so it is judged by what the
// last inspection saw, when the operation is made and again before the installer gets its
// answers. A person who names the disk's path with the variable "disk" answers for it.
func Clear(ctx context.Context, op *Operation, m *inventory.Machine, known Operations) error {
	if op.Order.Method != ByInstall || op.Order.Vars["disk"] != "" || m.Facts == nil || m.Erased.After(m.Facts.Observed) {
		return nil
	}
	ours, err := Ours(ctx, known, m, m.Facts.Disks)
	if err != nil {
		return err
	}
	if _, no := Permit(op, m, m.Facts.Disks, ours); no != nil {
		return fault.Conflictf("%s", no.Message).WithHint("%s", no.Hint)
	}
	return nil
}

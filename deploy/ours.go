package deploy

import (
	"context"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Operations finds an operation by its id; NotFound when there is none.
type Operations interface {
	Operation(ctx context.Context, id string) (*Operation, error)
}

// Ours says of the operations that disks name as their owners which were deployments of
// this very machine.
func Ours(ctx context.Context, known Operations, m *inventory.Machine, disks []inventory.Disk) (func(operation string) bool, error) {
	ours := map[string]bool{}
	for _, d := range disks {
		if d.Owner == nil || d.Owner.Operation == "" {
			continue
		}
		op, err := known.Operation(ctx, d.Owner.Operation)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		ours[d.Owner.Operation] = err == nil && op.Machine == m.ID && op.Kind == Deploy
	}
	return func(operation string) bool { return ours[operation] }, nil
}

// Machines changes what is known of a machine.
type Machines interface {
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
}

// Soil takes the proof of empty disks off a machine, before what makes it untrue begins.
func Soil(ctx context.Context, known Machines, m *inventory.Machine) error {
	if m.Erased.IsZero() {
		return nil
	}
	_, err := known.ChangeMachine(ctx, m.ID, func(m *inventory.Machine) ([]journal.Event, error) {
		m.Erased = time.Time{}
		return nil, nil
	})
	return err
}

package bmc

import (
	"context"
	"time"

	"rackwright/inventory"
)

// Switch turns a machine on and off.
type Switch interface {
	// Power reads the power state.
	Power(ctx context.Context) (inventory.Power, error)
	// On powers up and returns when the BMC reports on. Already on is no error.
	On(ctx context.Context) error
	// Off asks the system to shut down and forces it off when grace has passed.
	// A grace of zero forces at once. Already off is no error.
	Off(ctx context.Context, grace time.Duration) error
	// Cycle takes the power away and gives it back; a machine that is off is powered on.
	// Where the BMC can only reset, it resets.
	Cycle(ctx context.Context) error
	// Reset restarts a machine that is on without taking the power away; Conflict when it
	// is off.
	Reset(ctx context.Context) error
	// ResetBMC restarts the BMC itself and returns when it answers again, as another
	// session. The machine stays as it is.
	ResetBMC(ctx context.Context) error
}

package run

import (
	"context"
	"log/slog"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
)

// ClaimStore is what the Claimer asks of the database.
type ClaimStore interface {
	Unclaimed(ctx context.Context, limit int) ([]string, error)
	CreateOperation(ctx context.Context, kind deploy.Kind, machineIDorName string, order deploy.Order, actor string) (*deploy.Operation, error)
}

// Claimer asks for the claim of BMCs that answer, are not claimed and were never tried to
// be: each once, a few at a time. One that parks waits for a person.
type Claimer struct {
	Store ClaimStore
	Log   *slog.Logger
	Every time.Duration // 0: 15 s
}

// atOnce bounds what one look asks for: a new hall of machines is claimed sixteen a minute.
const atOnce = 4

// String names the task.
func (c *Claimer) String() string { return "BMC claimer" }

// Run looks until ctx ends.
func (c *Claimer) Run(ctx context.Context) error {
	every := c.Every
	if every <= 0 {
		every = 15 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := c.ask(ctx); err != nil && ctx.Err() == nil {
			c.Log.Warn("BMCs to claim not looked for", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *Claimer) ask(ctx context.Context) error {
	machines, err := c.Store.Unclaimed(ctx, atOnce)
	for _, m := range machines {
		_, err := c.Store.CreateOperation(ctx, deploy.Claim, m, deploy.Order{Claim: &deploy.ClaimOrder{}}, "bmc.claim = auto")
		if err != nil && !fault.Is(err, fault.Conflict) { // other work came first
			return err
		}
	}
	return err
}

package main

import (
	"context"
	"log/slog"
	"time"

	"rackwright/store"
)

// pruner removes what has expired.
type pruner struct {
	db  *store.DB
	log *slog.Logger
}

// String names the task.
func (p *pruner) String() string { return "pruner" }

// Run prunes now and then until ctx ends.
func (p *pruner) Run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := p.db.Prune(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("nothing pruned", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

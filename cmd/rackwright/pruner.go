package main

import (
	"context"
	"log/slog"
	"time"

	"rackwright/store"
)

// pruner removes what has expired and ends holds whose time is over.
type pruner struct {
	db  *store.DB
	log *slog.Logger
}

// String names the task.
func (p *pruner) String() string { return "pruner" }

// Run prunes now and then until ctx ends.
func (p *pruner) Run(ctx context.Context) error {
	tick, holds := time.NewTicker(10*time.Minute), time.NewTicker(15*time.Second)
	defer tick.Stop()
	defer holds.Stop()
	for {
		if err := p.db.Prune(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("nothing pruned", "error", err)
		}
		for again := true; again; {
			p.noteUse(ctx)
			if err := p.db.EndHolds(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("holds not ended", "error", err)
			}
			select {
			case <-ctx.Done():
				late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
				defer cancel()
				p.noteUse(late)
				return nil
			case <-holds.C:
			case <-tick.C:
				again = false
			}
		}
	}
}

// noteUse writes down when tokens were last used.
func (p *pruner) noteUse(ctx context.Context) {
	if err := p.db.WriteTokenUse(ctx); err != nil && ctx.Err() == nil {
		p.log.Warn("not written when tokens were used", "error", err)
	}
}

package serve

import (
	"context"
	"net/http"

	"rackwright/agent/wire"
	"rackwright/deploy"
)

// liveOrder has a root file system run in memory.
func (s *Server) liveOrder(ctx context.Context, r *http.Request, op *deploy.Operation) (*wire.LiveOrder, error) {
	m, err := s.Store.Machine(ctx, op.Machine)
	if err != nil {
		return nil, err
	}
	first, err := s.seedOf(ctx, r, op, m)
	if err != nil {
		return nil, err
	}
	return &wire.LiveOrder{Image: op.Order.Image, Digest: op.Order.Digest, Sources: s.sources(ctx, r, op, m), Seed: first}, nil
}

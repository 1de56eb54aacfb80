package api

import (
	"context"
	"time"

	"rackwright/api/wire"
	"rackwright/fault"
)

// health needs no token: load balancers and monitoring ask it.
func (s *server) health() {
	o := op("GET", "/health", "health", "Whether the server can do its work")
	o.Security = []map[string][]string{}
	o.Tags = []string{"server"}
	route(s, o, func(ctx context.Context, _ *struct{}) (*body[wire.Health], error) {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		if err := s.Store.Ping(ctx); err != nil {
			s.Log.ErrorContext(ctx, "database", "error", err)
			return nil, fault.Unreachablef("the database does not answer").WithHint("see the server's log")
		}
		return &body[wire.Health]{wire.Health{Status: "ok", Database: "reachable", Version: s.Version}}, nil
	})
}

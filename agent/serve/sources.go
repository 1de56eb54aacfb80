package serve

import (
	"context"
	"net/http"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/images/ticket"
	"rackwright/inventory"
)

// Caches knows the caches near a rack.
type Caches interface {
	CachesNear(ctx context.Context, rack string) ([]images.Cache, error)
}

// Near says where agents fetch chunks besides here. The zero value is nowhere: agents fetch
// from this server, by TLS.
type Near struct {
	Caches Caches
	Ticket func(ticket.Ticket) string // makes its text; nil: chunks are sent by TLS only
	Base   func(*http.Request) string // base URL of our own plain HTTP, "" for none
}

// maxSources bounds how many sources an order names.
const maxSources = 6

// slack is how much longer a ticket lasts than its step may take.
const slack = 15 * time.Minute

// sources are where an agent fetches, the nearest first. They depend on nothing that
// changes from one request to the next but on which caches are alive: a cache that died is
// passed over by the agent.
func (s *Server) sources(ctx context.Context, r *http.Request, op *deploy.Operation, m *inventory.Machine) []wire.Source {
	step := op.Step()
	if s.Near.Ticket == nil || step == nil {
		return nil
	}
	text := s.Near.Ticket(ticket.Ticket{Holder: op.ID, Until: step.Started.Add(step.Limit + slack)})
	var out []wire.Source
	if m.Slot != nil && s.Near.Caches != nil {
		near, err := s.Near.Caches.CachesNear(ctx, m.Slot.Rack)
		if err != nil {
			s.Log.Warn("an agent is told of no cache", "machine", m.Name, "error", err)
		}
		for _, c := range near[:min(len(near), maxSources-1)] {
			out = append(out, wire.Source{URL: c.URL + "/chunks", Ticket: text})
		}
	}
	if base := s.Near.Base; base != nil {
		if url := base(r); url != "" {
			out = append(out, wire.Source{URL: url + "/chunks", Ticket: text})
		}
	}
	return out
}

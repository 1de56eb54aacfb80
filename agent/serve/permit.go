package serve

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"strings"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// permitKey is what agents check permits with.
func (s *Server) permitKey() []byte {
	if len(s.Permits) != ed25519.PrivateKeySize {
		return nil
	}
	return s.Permits.Public().(ed25519.PublicKey)
}

// permitted adds to an order that destroys data the permit for it. When there is foreign
// data in the way there is no order: the operation is told what the agent would say, and
// parks.
func (s *Server) permitted(ctx context.Context, op *deploy.Operation, o *wire.Order) (*wire.Order, error) {
	if o.Verb != wire.Write && o.Verb != wire.Erase && (o.Verb != wire.Burn || o.Burn == nil || !o.Burn.Write) {
		return o, nil
	}
	m, err := s.Store.Machine(ctx, op.Machine)
	if err != nil {
		return nil, err
	}
	seen, err := s.seenBy(ctx, m)
	if err != nil {
		return nil, err
	}
	ours, err := deploy.Ours(ctx, s.Store, m, seen.Disks)
	if err != nil {
		return nil, err
	}
	grants, no := deploy.Permit(op, m, seen.Disks, ours)
	if no != nil {
		return nil, s.object(ctx, op, wire.Event{Order: o.ID, Stage: wire.Refused, Reason: no.Reason, Detail: no.Message, Hint: no.Hint})
	}
	if o.Verb != wire.Erase {
		if err := deploy.Soil(ctx, s.Store, m); err != nil {
			return nil, err
		}
	}
	o.Permit, err = s.sign(permitOf(o.ID, m.Name, &seen, grants))
	return o, err
}

// seenBy is the machine as its agent saw it, whatever its BMC says.
func (s *Server) seenBy(ctx context.Context, m *inventory.Machine) (inventory.Facts, error) {
	seen, err := s.Store.Observations(ctx, []string{m.ID})
	for _, f := range seen[m.ID] {
		if f.Source == "agent" {
			return f, err
		}
	}
	return inventory.Facts{}, err
}

// object reports for the agent why an order cannot be given.
func (s *Server) object(ctx context.Context, op *deploy.Operation, e wire.Event) error {
	if !s.news(op.ID, e.Order+" "+string(e.Stage)) {
		return nil
	}
	s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.AgentEvent, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "server",
		Summary: "no order given: " + e.Detail, Detail: map[string]any{"reason": e.Reason}})
	return s.Store.AddEvidence(ctx, op.ID, store.SawReport, e)
}

func permitOf(order, machine string, seen *inventory.Facts, grants []deploy.Grant) wire.Permit {
	p := wire.Permit{Order: order, Machine: machine, UUID: strings.ToLower(seen.System.UUID), Disks: []wire.PermittedDisk{}}
	for _, g := range grants {
		d := g.Disk
		p.Disks = append(p.Disks, wire.PermittedDisk{Serial: strings.TrimSpace(d.Serial), WWN: d.WWN, BusPath: d.BusPath, Bytes: d.Bytes, Holds: wire.Holds(g.Holds), Owner: g.Owner})
	}
	return p
}

func (s *Server) sign(p wire.Permit) (*wire.SignedPermit, error) {
	if s.permitKey() == nil {
		return nil, fault.Internalf("this server has no key for permits")
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fault.Internalf("permit: %w", err)
	}
	return &wire.SignedPermit{Permit: b, Signature: ed25519.Sign(s.Permits, b)}, nil
}

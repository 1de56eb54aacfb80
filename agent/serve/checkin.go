package serve

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/line"
	"rackwright/store"
)

// checkIn spends the boot's nonce, keeps the facts and opens the session.
func (s *Server) checkIn(w http.ResponseWriter, r *http.Request) {
	var in wire.CheckIn
	if err := decode(w, r, wire.MaxCheckIn, &in); err != nil {
		s.refuse(w, r, err)
		return
	}
	if in.Version != wire.Version {
		s.refuse(w, r, fault.Conflictf("the agent speaks version %d, the server %d", in.Version, wire.Version).WithHint("build the ramdisk anew with this server's release"))
		return
	}
	operation, session, err := s.Store.Redeem(r.Context(), in.Nonce)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if err := s.takeIn(r.Context(), operation, session, in); err != nil {
		s.refuse(w, r, err)
		return
	}
	op, err := s.saw(r.Context(), session, in.Agent)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer(w, wire.Welcome{Session: session, Machine: op.Name, Operation: op.ID, PermitKey: s.permitKey()})
}

// takeIn observes the machine of an operation, or of the one that the session has by then: a
// stranger may turn out to be a planned machine at any moment.
func (s *Server) takeIn(ctx context.Context, operation, session string, in wire.CheckIn) error {
	op, err := s.Store.Operation(ctx, operation)
	if err == nil {
		err = s.observe(ctx, op, in)
	}
	if err == nil {
		return nil
	}
	id, _, gone := s.Store.Session(ctx, session)
	if gone != nil {
		return err
	}
	now, gone := s.Store.Operation(ctx, id)
	if gone != nil || op != nil && now.Machine == op.Machine {
		return err
	}
	return s.observe(ctx, now, in)
}

// observe keeps what the agent saw of its machine and weighs it as evidence. A machine
// that is another than planned gets no orders: the check-in is refused.
func (s *Server) observe(ctx context.Context, op *deploy.Operation, in wire.CheckIn) error {
	facts := in.Facts
	facts.Source, facts.Observed = "agent", s.Now().UTC()
	bound := true
	m, e, err := s.keep(ctx, op.Machine, &facts, func(m *inventory.Machine, e inventory.Evidence) ([]journal.Event, error) {
		events := []journal.Event{{Kind: journal.AgentCheckIn, Operation: op.ID, Actor: "agent",
			Summary: line.Of(fmt.Sprintf("agent %s checked in: %s %s, %d CPUs, %d MiB, %d disks, %d NICs", in.Agent, facts.System.Vendor, facts.System.Product,
				len(facts.CPUs), facts.MemoryMiB, len(facts.Disks), len(facts.NICs)), maxSummary)}}
		said, ok := bind(m, e, s.Now())
		if said != "" {
			events = append(events, journal.Event{Kind: journal.PhaseMoved, Operation: op.ID, Actor: "agent", Summary: said})
		}
		bound = ok
		for _, w := range atMost(facts.Warnings(), maxLines) {
			events = append(events, journal.Event{Kind: journal.AgentEvent, Operation: op.ID, Actor: "agent", Summary: line.Of("look at this before it works: "+w, maxSummary)})
		}
		m.Facts, m.Power = &facts, inventory.PowerOn
		return events, nil
	})
	if err != nil {
		return err
	}
	if !bound {
		return fault.Conflictf("this machine is not %s: its identifiers disagree with the plan", m.Name).
			WithHint("'rackwright machine show %s' names the evidence", m.Name)
	}
	s.recognise(ctx, m, e)
	return nil
}

// keep keeps what was seen of a machine, and what it changes. Both are there at once: who adopts
// a stranger by what it was seen by takes its facts over, by which its ports are told apart.
func (s *Server) keep(ctx context.Context, machine string, seen *inventory.Facts, change func(*inventory.Machine, inventory.Evidence) ([]journal.Event, error)) (m *inventory.Machine, e inventory.Evidence, err error) {
	err = s.Store.Together(ctx, true, func(ctx context.Context) (err error) {
		if e, err = s.Store.Witness(ctx, machine, inventory.FromFacts(seen)); err != nil {
			return err
		}
		m, err = s.Store.ChangeMachine(ctx, machine, func(m *inventory.Machine) ([]journal.Event, error) { return change(m, e) })
		return err
	})
	return m, e, err
}

// saw tells the operation of a session that its agent is there. It may be another than the
// one the nonce was made for: the work of the planned machine that a stranger turned out
// to be.
func (s *Server) saw(ctx context.Context, session, agent string) (*deploy.Operation, error) {
	operation, _, err := s.Store.Session(ctx, session)
	if err != nil {
		return nil, err
	}
	if err := s.Store.AddEvidence(ctx, operation, store.SawAgent, map[string]any{"agent": agent}); err != nil {
		return nil, err
	}
	return s.Store.Operation(ctx, operation)
}

// recognise weighs what the agent saw of a machine nobody planned against the plan. That
// it could not be is no reason to send the agent away: it is weighed again when the agent
// has listened to the switches.
func (s *Server) recognise(ctx context.Context, m *inventory.Machine, e inventory.Evidence) {
	if m.Slot != nil {
		return
	}
	if _, err := s.Store.Recognise(ctx, m.ID, e); err != nil {
		s.Log.Warn("a stranger was not weighed against the plan", "machine", m.Name, "error", err)
	}
}

// facts takes in what the agent learned after its check-in: what the switches say.
func (s *Server) facts(w http.ResponseWriter, r *http.Request, h holder) {
	var seen inventory.Facts
	if err := decode(w, r, wire.MaxFacts, &seen); err != nil {
		s.refuse(w, r, err)
		return
	}
	seen.Source, seen.Observed = "agent", s.Now().UTC()
	if err := s.learn(r.Context(), h.op, &seen); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) learn(ctx context.Context, op *deploy.Operation, seen *inventory.Facts) error {
	m, e, err := s.keep(ctx, op.Machine, seen, func(m *inventory.Machine, e inventory.Evidence) ([]journal.Event, error) {
		known := m.Facts
		m.Facts = seen
		var events []journal.Event
		for _, n := range atMost(seen.LLDP, maxLines) {
			if known != nil && slices.Contains(known.LLDP, n) {
				continue
			}
			events = append(events, journal.Event{Kind: journal.AgentEvent, Operation: op.ID, Actor: "agent",
				Summary: line.Of(fmt.Sprintf("%s is cabled to %s port %s (LLDP)", n.NIC, cmp.Or(n.System, n.Chassis), n.Port), maxSummary)})
		}
		if said, _ := bind(m, e, s.Now()); said != "" {
			events = append(events, journal.Event{Kind: journal.PhaseMoved, Operation: op.ID, Actor: "agent", Summary: said})
		}
		return events, nil
	})
	if err == nil {
		s.recognise(ctx, m, e)
	}
	return err
}

// maxLines bounds how many lines of a machine's story one message of its agent makes.
const maxLines = 64

func atMost[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// bind weighs evidence. A machine nobody planned is whatever it says it is; a planned one
// must have no identifier that disagrees.
func bind(m *inventory.Machine, e inventory.Evidence, now time.Time) (string, bool) {
	if m.Slot == nil {
		m.Vendor, m.Serial, m.UUID = e.Vendor, e.Serial, e.UUID
		return "", true
	}
	said, _ := inventory.Bind(m, e, now)
	_, disagree := e.Match(m)
	return said, len(disagree) == 0
}

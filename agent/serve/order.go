package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/line"
	"rackwright/store"
)

// recheck is how often a held request looks for an order made by another process.
const recheck = 2 * time.Second

// maxSummary bounds what an agent says in one line, in bytes.
const maxSummary = 1000

// order hands out the order of the operation's present step, and waits for one that may
// come.
func (s *Server) order(w http.ResponseWriter, r *http.Request, h holder) {
	saved, stop := s.Store.OperationSaved(h.op.ID)
	defer stop()
	end := time.NewTimer(wire.LongPoll)
	defer end.Stop()
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for {
		o, err := s.orderOf(r.Context(), r, h.op)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if o != nil {
			answer(w, o)
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-end.C:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-saved:
		case <-tick.C:
		}
		h.op, err = s.Store.Operation(r.Context(), h.op.ID)
		if fault.Is(err, fault.NotFound) { // it gave way to the work of the machine that the stranger is: ask again
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if err != nil {
			s.refuse(w, r, err)
			return
		}
	}
}

// orderOf derives the order from the operation, so nothing is lost when the server stops.
func (s *Server) orderOf(ctx context.Context, r *http.Request, op *deploy.Operation) (*wire.Order, error) {
	if op.State.Ended() {
		return nil, fault.Deniedf("operation %s %s", op.ID, op.State.Ending())
	}
	o := wire.Order{Verb: verbOf(op)}
	o.ID = deploy.OrderID(op, string(o.Verb))
	var err error
	switch o.Verb {
	case "":
		return nil, nil
	case wire.Write:
		o.Write, err = s.writeOrder(ctx, r, op)
	case wire.Live:
		o.Live, err = s.liveOrder(ctx, r, op)
	case wire.Erase:
		o.Erase = eraseOrder(op)
	case wire.Rescue:
		o.Rescue = s.rescueOrder(op)
	case wire.Burn:
		if o.Burn, err = s.burnOrder(ctx, op); o.Burn == nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return s.permitted(ctx, op, &o)
}

// verbOf is what the operation's present step asks of the agent, "" for nothing.
func verbOf(op *deploy.Operation) wire.Verb {
	for step, verb := range map[deploy.StepName]wire.Verb{deploy.StepWrite: wire.Write, deploy.StepErase: wire.Erase, deploy.StepBurn: wire.Burn,
		deploy.StepRescue: wire.Rescue, deploy.StepStart: wire.Live, deploy.StepReboot: wire.Reboot, deploy.StepOff: wire.Off} {
		if op.At(step) {
			return verb
		}
	}
	return ""
}

func (s *Server) writeOrder(ctx context.Context, r *http.Request, op *deploy.Operation) (*wire.WriteOrder, error) {
	m, err := s.Store.Machine(ctx, op.Machine)
	if err != nil {
		return nil, err
	}
	first, err := s.seedOf(ctx, r, op, m)
	if err != nil {
		return nil, err
	}
	return &wire.WriteOrder{Image: op.Order.Image, Digest: op.Order.Digest, Disk: m.RootDisk, Firmware: m.Firmware, Sources: s.sources(ctx, r, op, m), Seed: first,
		Mirror: op.Order.Mirror, Kexec: op.Order.Kexec, RootFS: op.Order.Method == deploy.ByRootFS}, nil
}

// report takes an event of the order now given; one of an older order is dropped.
func (s *Server) report(w http.ResponseWriter, r *http.Request, h holder) {
	var e wire.Event
	if err := decode(w, r, wire.MaxEvent, &e); err != nil {
		s.refuse(w, r, err)
		return
	}
	e.Reason, e.Detail, e.Hint = line.Of(e.Reason, 64), line.Of(e.Detail, maxSummary), line.Of(e.Hint, maxSummary)
	if verb := verbOf(h.op); verb == "" || e.Order != deploy.OrderID(h.op, string(verb)) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	keep := s.Store.AddEvidence
	if e.Stage.Counts() {
		keep = s.Store.NoteEvidence
	} else if s.news(h.op.ID, e.Order+" "+string(e.Stage)+" "+e.Detail) {
		s.Journal.Record(reportEvent(h.op, e, s.Now()))
	}
	if err := keep(r.Context(), h.op.ID, store.SawReport, e); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func reportEvent(op *deploy.Operation, e wire.Event, now time.Time) journal.Event {
	summary := "agent: " + string(e.Stage)
	if e.Disk != nil {
		summary += fmt.Sprintf(" on disk %s, serial %q, %d bytes", e.Disk.Path, e.Disk.Serial, e.Disk.Bytes)
	}
	if e.Detail != "" {
		summary += ": " + e.Detail
	}
	summary = line.Of(summary, maxSummary)
	return journal.Event{At: now, Kind: journal.AgentEvent, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "agent", Summary: summary,
		Detail: map[string]any{"stage": e.Stage, "total": e.Total, "reason": e.Reason}}
}

// manifest serves the manifest of the one image the operation is about.
func (s *Server) manifest(w http.ResponseWriter, r *http.Request, h holder) {
	digest, err := allowed(r, h)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	b, err := s.Bytes.Manifest(digest)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(b)
}

func allowed(r *http.Request, h holder) (string, error) {
	digest := chi.URLParam(r, "digest")
	if digest != h.op.Order.Digest || digest == "" {
		return "", fault.Deniedf("this operation is about another image")
	}
	return digest, nil
}

package serve

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/boot"
	"rackwright/fault"
)

// Systems knows what machines are to start without the agent: installers, and systems
// that run in memory.
type Systems interface {
	// System returns what the loader of a host is to start for its operation; nil for the
	// agent. Started reports that the operation's system was started before and that the
	// machine is to boot its own disk now. base is our URL as the machine reaches it. In a
	// rehearsal (boot.Rehearsed) it keeps nothing.
	System(ctx context.Context, h *boot.Host, base string) (s *boot.System, started bool, err error)
	// Part opens a file of the system of an operation.
	Part(ctx context.Context, operation, name string) (*os.File, error)
	// Sent is told of a file that was sent whole.
	Sent(ctx context.Context, operation, name string) error
}

// run answers a machine that an operation wants: with its system, else with the agent.
func (s *Server) run(w http.ResponseWriter, r *http.Request, host *boot.Host, who asker, base, agentURL string) {
	if s.Systems == nil {
		s.runAgent(w, r, host, who, base, agentURL)
		return
	}
	system, started, err := s.Systems.System(r.Context(), host, base)
	switch {
	case err != nil:
		s.later(w, r, host, who, "the server cannot say what this machine is to start", err)
	case started:
		s.say(w, r, host, "local-disk", who.tongue.LocalDisk(host.Name, firmwareOf(who, host)))
	case system == nil:
		s.runAgent(w, r, host, who, base, agentURL)
	default:
		nonce, err := s.Boots.Begin(r.Context(), host)
		if err != nil {
			s.later(w, r, host, who, "the server cannot open a boot for this machine", err)
			return
		}
		s.say(w, r, host, "system", who.tongue.System(host, *system, base+"/boot/k/"+nonce+"/part"))
	}
}

// part serves a file of a system to whoever holds a valid nonce.
func (s *Server) part(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "part")
	host, err := s.Boots.Check(r.Context(), chi.URLParam(r, "nonce"))
	if err == nil && s.Systems == nil {
		err = fault.NotFoundf("this server starts no systems")
	}
	if err != nil {
		s.refuse(w, r, s.View().HostAt(peer(r)), "part", err)
		return
	}
	f, err := s.Systems.Part(r.Context(), host.Operation, name)
	if err != nil {
		s.refuse(w, r, host, "part", err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	if whole := s.send(w, r, host, name, time.Time{}, f); !whole {
		return
	}
	s.sent(host, name)
}

// sent tells the operation that a part of its system was fetched. Who fetched it is gone by then,
// as a rule.
func (s *Server) sent(host *boot.Host, part string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Systems.Sent(ctx, host.Operation, part); err != nil {
		s.Log.Warn("boot: that a file was sent was not kept", "machine", host.Name, "file", part, "error", err)
	}
}

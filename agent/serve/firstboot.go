package serve

import (
	"crypto/hmac"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
)

// Bounds of what a first boot or an installer may say: cloud-init posts about a hundred
// events, some in a burst. What is too much is refused, and it goes on all the same.
const (
	maxBootReport = 16 << 10
	bootBurst     = 100
	bootRate      = 10 // events a second
)

// bootToken lets cloud-init tell how the first boot of an operation goes, and nothing else.
func (s *Server) bootToken(operation string) string { return s.tokenFor("first-boot/", operation) }

// bootReport takes one event of cloud-init's webhook reporter.
func (s *Server) bootReport(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	id, _, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(token), []byte(s.bootToken(id))) {
		s.refuse(w, r, fault.Deniedf("the first-boot token is wrong"))
		return
	}
	if s.tooFast(w, id) {
		return
	}
	var in deploy.BootReport
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBootReport)).Decode(&in); err != nil {
		s.refuse(w, r, fault.Invalidf("the report is not understood"))
		return
	}
	op, err := s.Store.Operation(r.Context(), id)
	if err == nil && !op.State.Ended() && op.Netboots() {
		err = fault.Conflictf("operation %s does not wait for a first boot", op.ID)
	}
	if err == nil && !op.State.Ended() {
		err = s.takeBoot(r, op, in)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// takeBoot adds a report to what is known of the operation's first boot. One machine
// reports one event after the other.
func (s *Server) takeBoot(r *http.Request, op *deploy.Operation, in deploy.BootReport) error {
	seen, err := s.Store.EvidenceOf(r.Context(), op.ID)
	if err != nil {
		return err
	}
	var b deploy.FirstBoot
	if e := seen[store.SawBoot]; len(e.Detail) > 0 && !e.At.Before(op.Since()) {
		if err := json.Unmarshal(e.Detail, &b); err != nil {
			return fault.Internalf("evidence of a first boot: %w", err)
		}
	}
	before := b.Events
	news := b.Take(in)
	if b.Events == before {
		return nil
	}
	keep := s.Store.NoteEvidence
	if news != "" {
		keep = s.Store.AddEvidence
		s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.FirstBoot, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "machine",
			Summary: "cloud-init: " + news})
	}
	return keep(r.Context(), op.ID, store.SawBoot, b)
}

// pace is what the system of an operation may still say.
type pace struct {
	left float64
	at   time.Time
}

// tooFast answers who said more of an operation than one system has to say.
func (s *Server) tooFast(w http.ResponseWriter, operation string) bool {
	if s.paced(operation) {
		return false
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusTooManyRequests)
	return true
}

// paced takes one report's worth from an operation's allowance.
func (s *Server) paced(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if s.paces == nil {
		s.paces = map[string]pace{}
	}
	p, known := s.paces[operation]
	if !known {
		p = pace{bootBurst, now}
		for id, old := range s.paces {
			if now.Sub(old.at) > time.Hour {
				delete(s.paces, id)
			}
		}
	}
	p.left, p.at = min(bootBurst, p.left+bootRate*now.Sub(p.at).Seconds()), now
	ok := p.left >= 1
	if ok {
		p.left--
	}
	s.paces[operation] = p
	return ok
}

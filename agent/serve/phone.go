package serve

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/deploy/seed"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/line"
	"rackwright/store"
)

// PhoneRoutes adds the routes that deployed systems phone home on and tell how their first
// boot goes, over plain HTTP because cloud-init cannot pin a certificate; the tokens are
// good for one operation.
func (s *Server) PhoneRoutes(r chi.Router) {
	r.Post("/phone-home/{token}", s.phone)
	r.Post("/first-boot/{token}", s.bootReport)
}

// phoneToken is the operation's id and a keyed digest of it: nothing need be stored, and
// nobody without the key can make one.
func (s *Server) phoneToken(operation string) string { return s.tokenFor("phone-home/", operation) }

func (s *Server) tokenFor(purpose, operation string) string {
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte(purpose + operation))
	return operation + "." + hex.EncodeToString(mac.Sum(nil)[:16])
}

// seedOf makes the first-boot configuration of a deployment.
func (s *Server) seedOf(ctx context.Context, r *http.Request, op *deploy.Operation, m *inventory.Machine) (wire.Seed, error) {
	networks, err := s.Store.Networks(ctx)
	if err != nil {
		return wire.Seed{}, err
	}
	base := s.PhoneAt(r)
	return seed.New(seed.Subject{ID: op.ID, Order: op.Order, Machine: m, Networks: networks,
		PhoneHome: base + "/phone-home/" + s.phoneToken(op.ID), Reports: base + "/first-boot/" + s.bootToken(op.ID)})
}

// phone takes the first word of a deployed system. It counts once, while its operation
// waits for it; a repeat (cloud-init tries until it is answered) is answered the same.
func (s *Server) phone(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	id, _, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(token), []byte(s.phoneToken(id))) {
		s.refuse(w, r, fault.Deniedf("the phone-home token is wrong"))
		return
	}
	if s.tooFast(w, id) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	op, err := s.Store.Operation(r.Context(), id)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if op.State == deploy.Succeeded {
		w.WriteHeader(http.StatusOK)
		return
	}
	if op.State.Ended() || op.Netboots() {
		s.refuse(w, r, fault.Conflictf("operation %s does not wait for a phone call", op.ID))
		return
	}
	host := line.Of(r.PostFormValue("hostname"), 64)
	if err := s.Store.AddEvidence(r.Context(), op.ID, store.SawPhone, map[string]any{"hostname": host, "instance_id": line.Of(r.PostFormValue("instance_id"), 64)}); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.PhoneHome, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "machine",
		Summary: "phoned home as " + host})
	w.WriteHeader(http.StatusOK)
}

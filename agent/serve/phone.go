package serve

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
)

// PhoneRoutes adds the route that deployed systems phone home on, over plain HTTP
// because cloud-init cannot pin a certificate; the token is good for one operation.
func (s *Server) PhoneRoutes(r chi.Router) { r.Post("/phone-home/{token}", s.phone) }

// phoneToken is the operation's id and a keyed digest of it: nothing need be stored, and
// nobody without the key can make one.
func (s *Server) phoneToken(operation string) string {
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte("phone-home/" + operation))
	return operation + "." + hex.EncodeToString(mac.Sum(nil)[:16])
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
	host := clip(r.PostFormValue("hostname"), 64)
	if err := s.Store.AddEvidence(r.Context(), op.ID, store.SawPhone, map[string]any{"hostname": host, "instance_id": clip(r.PostFormValue("instance_id"), 64)}); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.PhoneHome, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "machine",
		Summary: "phoned home as " + host})
	w.WriteHeader(http.StatusOK)
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

package serve

import (
	"context"
	"crypto/hmac"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/boot"
	"rackwright/deploy"
	answers "rackwright/deploy/answer"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/line"
	"rackwright/store"
)

// answerPrefix is where answers are: this, the token, the file. Nothing of it is secure
// against who listens on the wire: installers fetch by plain HTTP, like the loader that
// started them.
const answerPrefix = "/boot/a/"

// AnswerRoutes adds the routes of installers, over plain HTTP like the loader's.
func (s *Server) AnswerRoutes(r chi.Router) {
	r.Get(answerPrefix+"{token}/{file}", s.answerFile)
	r.Get(answerPrefix+"{token}/part/{part}", s.answerPart)
	for _, say := range []func(string, http.HandlerFunc){r.Get, r.Post, r.Put} {
		say(answerPrefix+"{token}/done", s.installed)
		say(answerPrefix+"{token}/failed", s.gaveUp)
	}
}

// answerToken is good for the answers of one operation.
func (s *Server) answerToken(operation string) string { return s.tokenFor("answers/", operation) }

// asked returns the operation whose installer asks, by its token. One that is over, or
// whose system was installed, is told nothing more.
func (s *Server) asked(r *http.Request) (*deploy.Operation, error) {
	token := chi.URLParam(r, "token")
	id, _, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(token), []byte(s.answerToken(id))) {
		return nil, fault.Deniedf("the token of the answers is wrong")
	}
	return s.Store.Operation(r.Context(), id)
}

// answerFile gives an installer one of its files, which is evidence that it runs.
func (s *Server) answerFile(w http.ResponseWriter, r *http.Request) {
	op, err := s.asked(r)
	if err == nil && !op.Answering() {
		err = fault.Conflictf("operation %s gives no answers now", op.ID)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	name := chi.URLParam(r, "file")
	text, err := s.answered(r, op, name)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.HTTPSent, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "http",
		Summary: fmt.Sprintf("answers %s sent, %d bytes", name, len(text)), Detail: map[string]any{"file": name, "answers": true, "bytes": len(text), "peer": r.RemoteAddr}})
	if err := s.Store.AddEvidence(r.Context(), op.ID, store.SawAnswers, map[string]any{"file": name}); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, text)
}

// answered renders a file. The proof that the disks are empty goes before the installer
// can make it untrue.
func (s *Server) answered(r *http.Request, op *deploy.Operation, name string) (string, error) {
	img, m, d, err := s.data(r.Context(), op, s.PhoneAt(r))
	if err != nil {
		return "", err
	}
	fed, err := s.fed(r.Context(), op)
	if err != nil {
		return "", err
	}
	if !fed {
		err = deploy.Clear(r.Context(), op, m, s.Store)
	}
	text := ""
	if err == nil {
		text, err = answers.SheetOf(img, op.Order).Answer(name, d)
	}
	if err != nil {
		return "", s.troubled(r.Context(), op, err)
	}
	return text, deploy.Soil(r.Context(), s.Store, m)
}

// troubled keeps for the worker why an installer cannot be told what it needs: the plan
// changed since the operation was made.
func (s *Server) troubled(ctx context.Context, op *deploy.Operation, why error) error {
	if k := fault.KindOf(why); k != fault.Invalid && k != fault.Conflict || boot.Rehearsed(ctx) {
		return why
	}
	if err := s.Store.AddEvidence(ctx, op.ID, store.SawTrouble, trouble{line.Of(why.Error(), 500)}); err != nil {
		s.Log.Warn("an installer's trouble was not kept", "operation", op.ID, "error", err)
	}
	return why
}

// trouble is the detail of store.SawTrouble.
type trouble struct {
	Why string `json:"why"`
}

// answerPart gives an installer a file of its image: a squashfs, a root file system.
func (s *Server) answerPart(w http.ResponseWriter, r *http.Request) {
	op, err := s.asked(r)
	if err == nil && !op.Answering() {
		err = fault.Conflictf("operation %s gives nothing now", op.ID)
	}
	var f *os.File
	if err == nil {
		f, err = s.partOf(r.Context(), op, chi.URLParam(r, "part"))
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// installed takes an installer's word that its system is on the disk. Said again it is
// answered the same.
func (s *Server) installed(w http.ResponseWriter, r *http.Request) {
	s.said(w, r, store.SawInstalled, struct{}{}, "the installer says that the system is installed")
}

// gaveUp takes an installer's word that it cannot go on.
func (s *Server) gaveUp(w http.ResponseWriter, r *http.Request) {
	why := line.Of(r.URL.Query().Get("why"), 200)
	s.said(w, r, store.SawTrouble, trouble{why}, "the installer gave up: "+why)
}

func (s *Server) said(w http.ResponseWriter, r *http.Request, kind string, detail any, words string) {
	op, err := s.asked(r)
	if err == nil && op.State.Ended() && op.State != deploy.Succeeded {
		err = fault.Conflictf("operation %s %s", op.ID, op.State.Ending())
	}
	if err == nil && s.tooFast(w, op.ID) {
		return
	}
	if err == nil && !op.State.Ended() {
		err = s.Store.AddEvidence(r.Context(), op.ID, kind, detail)
		s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.AgentEvent, Machine: op.Machine, Name: op.Name, Operation: op.ID, Actor: "installer", Summary: words})
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

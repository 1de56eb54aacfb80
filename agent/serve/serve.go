// Package serve is the server's side of the agent's conversation, and the place where a
// deployed system phones home. What is to be done is decided by deploy; this hands it
// out and takes the reports in.
package serve

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the agents' server asks of the database.
type Store interface {
	Redeem(ctx context.Context, nonce string) (operation, session string, err error)
	Session(ctx context.Context, session string) (operation, name string, err error)
	Operation(ctx context.Context, id string) (*deploy.Operation, error)
	Machine(ctx context.Context, idOrName string) (*inventory.Machine, error)
	Networks(ctx context.Context) ([]inventory.Network, error)
	Image(ctx context.Context, idOrName string) (*images.Image, error)
	// Observations are what each source last saw, by machine id.
	Observations(ctx context.Context, machineIDs []string) (map[string][]inventory.Facts, error)
	// Together makes one transaction of calls with the context that fn gets.
	Together(ctx context.Context, keep bool, fn func(ctx context.Context) error) error
	// Witness keeps what a machine was seen by and adds to the evidence where in the plan it was.
	Witness(ctx context.Context, machineID string, e inventory.Evidence) (inventory.Evidence, error)
	// Recognise returns the planned machine that a stranger turned out to be, nil for none.
	Recognise(ctx context.Context, stranger string, e inventory.Evidence) (*inventory.Machine, error)
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
	AddEvidence(ctx context.Context, operation, kind string, detail any) error
	NoteEvidence(ctx context.Context, operation, kind string, detail any) error
	EvidenceOf(ctx context.Context, operation string) (map[string]store.Evidence, error)
	OperationSaved(id string) (<-chan struct{}, func())
	// BurnInOf returns the burn-in of an operation, nil when it has not begun.
	BurnInOf(ctx context.Context, operation string) (*deploy.BurnRecord, error)
}

// Bytes is where image bytes are.
type Bytes interface {
	Manifest(digest string) ([]byte, error)
	Chunk(blob string) (*os.File, error)
	OpenFile(digest string) (*os.File, error) // that is kept whole: a kernel, an ISO image
}

// Server answers agents and deployed systems. All fields are required.
type Server struct {
	Store   Store
	Bytes   Bytes
	Journal journal.Recorder
	Log     *slog.Logger
	Now     func() time.Time
	Key     []byte                     // for phone-home tokens
	Permits ed25519.PrivateKey         // signs permits
	PhoneAt func(*http.Request) string // base URL of the plain HTTP server, as the machine reaches it

	Near Near // other places to fetch chunks from

	streams atomic.Int32 // of burn-ins that flow

	mu    sync.Mutex
	talks map[string]talk // by operation
	paces map[string]pace // of installers and first boots, by operation
	lists lists           // of chunks, by image
}

// Routes adds the agent's routes.
func (s *Server) Routes(r chi.Router) {
	r.Post("/agent/v1/checkin", s.checkIn)
	r.Get("/agent/v1/order", s.held(s.order))
	r.Post("/agent/v1/events", s.held(s.report))
	r.Post("/agent/v1/facts", s.held(s.facts))
	r.Get("/agent/v1/manifest/{digest}", s.held(s.manifest))
	r.Get("/agent/v1/chunk/{blob}", s.held(s.chunk))
	r.Get(streamPath, s.streaming(s.source))
	r.Post(streamPath, s.streaming(s.sink))
}

// holder is who makes a request: the operation whose agent it is.
type holder struct {
	op      *deploy.Operation
	session string // a name of it, no secret
}

// held lets a request through only with a living session, and notes that the agent was
// heard of.
func (s *Server) held(next func(http.ResponseWriter, *http.Request, holder)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			s.refuse(w, r, fault.Deniedf("no session").WithHint("check in first"))
			return
		}
		operation, name, err := s.Store.Session(r.Context(), secret)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		op, err := s.Store.Operation(r.Context(), operation)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.heard(r.Context(), op.ID)
		next(w, r, holder{op: op, session: name})
	}
}

// contactEvery is how often contact is written down; steps that watch for silence wait
// many times as long.
const contactEvery = 10 * time.Second

func (s *Server) heard(ctx context.Context, operation string) {
	if !s.late(operation) {
		return
	}
	if err := s.Store.NoteEvidence(ctx, operation, store.SawContact, struct{}{}); err != nil {
		s.Log.Warn("agent contact not kept", "operation", operation, "error", err)
	}
}

// talk is what is remembered of a conversation with an agent. Nothing depends on it but
// how often is written down what is known already.
type talk struct {
	kept time.Time // when its contact was last kept
	said string    // its last report that was journaled
}

// late reports whether an agent's contact should be written down again.
func (s *Server) late(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if s.talks == nil {
		s.talks = map[string]talk{}
	}
	t := s.talks[operation]
	if now.Sub(t.kept) < contactEvery {
		return false
	}
	for id, old := range s.talks { // what was not heard of for long is no agent any more
		if now.Sub(old.kept) > time.Hour {
			delete(s.talks, id)
		}
	}
	t.kept = now
	s.talks[operation] = t
	return true
}

// news reports whether an agent says something new: it repeats an outcome until the
// worker has seen it.
func (s *Server) news(operation, report string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.talks[operation]
	if t.said == report {
		return false
	}
	t.said = report
	s.talks[operation] = t
	return true
}

// refuse answers with a problem document and journals nothing secret.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := map[fault.Kind]int{fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
		fault.Denied: http.StatusUnauthorized, fault.Unreachable: http.StatusServiceUnavailable}[fault.KindOf(err)]
	detail := err.Error()
	if status == 0 {
		status, detail = http.StatusInternalServerError, "the server failed"
	}
	if !errors.Is(err, context.Canceled) {
		s.Log.Warn("agent request refused", "path", routeOf(r), "peer", r.RemoteAddr, "status", status, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail, "hint": fault.HintOf(err)})
}

// routeOf is the route's pattern: the path itself may hold a token.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		return c.RoutePattern()
	}
	return ""
}

// decode reads a message of at most so many bytes.
func decode(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(into); err != nil {
		return fault.Invalidf("the message is not understood: %w", err)
	}
	return nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// Package agenttest is a server that speaks the agent's protocol from memory, for tests
// of the agent and rehearsals without a control plane. It decides nothing: its orders are
// queued by the test.
package agenttest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"rackwright/agent/wire"
	"rackwright/images/imagetest"
)

// Session and Nonce are what the server accepts.
const (
	Session = "session-of-the-test"
	Nonce   = "nonce-of-the-test"
)

// Server is the fake. Its fields may be set before Start and under Change after.
type Server struct {
	Poll     time.Duration // how long GET order waits; 0: not at all
	URL      string        // after Start
	Manifest []byte        // JSON
	Digest   string
	Frames   map[string][]byte // of the chunks, by name
	Cut      int               // chunks after which an answer ends in the middle, once; 0: never
	Status   int               // answered to everything while not 0: 503, 401
	Permit   Permit            // of orders that bring none; nil: every disk of the machine, whatever it holds

	mu      sync.Mutex
	http    *httptest.Server
	orders  []wire.Order
	checkIn *wire.CheckIn
	events  []wire.Event
	chunks  []string
	changed chan struct{}
}

// New returns a server that has an image: chunks of zeros are left out.
func New(image []byte) (*Server, error) {
	m, frames, err := imagetest.Pack(image)
	if err != nil {
		return nil, err
	}
	s := &Server{changed: make(chan struct{}), Frames: frames}
	s.Manifest, s.Digest, err = m.Encode()
	return s, err
}

// Another returns a server that has the same image.
func (s *Server) Another() *Server {
	return &Server{changed: make(chan struct{}), Frames: maps.Clone(s.Frames), Manifest: slices.Clone(s.Manifest), Digest: s.Digest}
}

// Start listens on an address ("127.0.0.1:0") with a certificate.
func (s *Server) Start(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.http = httptest.NewUnstartedServer(s.handler())
	s.http.Listener.Close()
	s.http.Listener = l
	s.http.Config.ErrorLog = nil
	s.http.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	s.http.StartTLS()
	s.URL = "https://" + l.Addr().String()
	return nil
}

// Pin is the fingerprint of the server's certificate, as the kernel command line has it.
func (s *Server) Pin() string {
	sum := sha256.Sum256(s.http.Certificate().Raw)
	return hex.EncodeToString(sum[:])
}

// Close stops listening and cuts what is open.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// Order queues an order; it is given out again and again until the next takes its place.
func (s *Server) Order(o wire.Order) { s.Change(func() { s.orders = append(s.orders, o) }) }

// Change does something under the server's lock and wakes who waits.
func (s *Server) Change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

// CheckIn returns the agent's first word, nil before it came.
func (s *Server) CheckIn() *wire.CheckIn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkIn
}

// Events returns what the agent reported.
func (s *Server) Events() []wire.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]wire.Event(nil), s.events...)
}

// Chunks returns the names of the chunks that were asked for.
func (s *Server) Chunks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.chunks...)
}

// Await returns the first event that fits, or an error after a deadline.
func (s *Server) Await(deadline time.Duration, fits func(wire.Event) bool) (wire.Event, error) {
	late := time.After(deadline)
	for {
		s.mu.Lock()
		changed := s.changed
		for _, e := range s.events {
			if fits(e) {
				s.mu.Unlock()
				return e, nil
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-late:
			return wire.Event{}, os.ErrDeadlineExceeded
		}
	}
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /agent/v1/checkin", s.serveCheckIn)
	mux.HandleFunc("GET /agent/v1/order", s.known(s.serveOrder))
	mux.HandleFunc("POST /agent/v1/events", s.known(s.serveEvent))
	mux.HandleFunc("GET /agent/v1/manifest/{digest}", s.known(s.serveManifest))
	mux.HandleFunc("GET /agent/v1/chunk/{blob}", s.known(s.serveChunk))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		status := s.Status
		s.mu.Unlock()
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Session {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func decode(w http.ResponseWriter, r *http.Request, most int64, into any) bool {
	if err := json.NewDecoder(io.LimitReader(r.Body, most)).Decode(into); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	return true
}

func (s *Server) serveCheckIn(w http.ResponseWriter, r *http.Request) {
	var in wire.CheckIn
	if !decode(w, r, wire.MaxCheckIn, &in) {
		return
	}
	if in.Nonce != Nonce {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	s.Change(func() { s.checkIn = &in })
	_ = json.NewEncoder(w).Encode(wire.Welcome{Session: Session, Machine: "test-machine", Operation: "op-1", PermitKey: PermitKey()})
}

func (s *Server) serveOrder(w http.ResponseWriter, r *http.Request) {
	late := time.After(s.Poll)
	for {
		s.mu.Lock()
		changed, orders := s.changed, s.orders
		if len(orders) > 1 && s.concluded(orders[0].ID) {
			s.orders = orders[1:]
		}
		orders = s.orders
		s.mu.Unlock()
		if len(orders) > 0 {
			_ = json.NewEncoder(w).Encode(s.permitted(orders[0]))
			return
		}
		select {
		case <-changed:
		case <-late:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Server) concluded(order string) bool {
	for _, e := range s.events {
		if e.Order == order && e.Stage.Ends() {
			return true
		}
	}
	return false
}

func (s *Server) serveEvent(w http.ResponseWriter, r *http.Request) {
	var e wire.Event
	if decode(w, r, wire.MaxEvent, &e) {
		s.Change(func() { s.events = append(s.events, e) })
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) serveManifest(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("digest") != s.Digest {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write(s.Manifest)
}

func (s *Server) serveChunk(w http.ResponseWriter, r *http.Request) {
	blob, cut := r.PathValue("blob"), false
	s.Change(func() {
		s.chunks = append(s.chunks, blob)
		if s.Cut > 0 {
			s.Cut--
			cut = s.Cut == 0
		}
	})
	frame, ok := s.Frames[blob]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(frame)))
	if cut {
		_, _ = w.Write(frame[:len(frame)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(frame)
}

// Package redfish is a simulated machine's BMC: the Redfish service (DMTF DSP0266)
// over a racksim.Hardware. It is a server only; the client is bmc/redfish.
package redfish

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"rackwright/racksim"
)

// Config is one BMC and the machine behind it.
type Config struct {
	Rack         string
	Machine      racksim.Machine // BMC.Password filled in
	Hardware     racksim.Hardware
	Setup        *racksim.BootSetup // shared with Hardware
	MediaDir     string             // downloaded ISO images go here
	SavePassword func(string) error // keeps a changed password of the first account
	Logger       *slog.Logger
	Now          func() time.Time
}

// Service is one BMC's Redfish service.
type Service struct {
	Config
	mux      *http.ServeMux
	accounts *accounts
	sessions *sessions
	media    media
	power    powerQueue

	mu       sync.Mutex
	led      string // IndicatorLED; not Off is LocationIndicatorActive
	assetTag string // set by whoever racked it
}

// Limits of the service.
const (
	maxBody     = 64 << 10 // bytes of a request body
	readTimeout = 30 * time.Second
	idleTimeout = 60 * time.Second
	drainTime   = 2 * time.Second // for requests under way when the BMC ends
)

// New builds the service; Run or Handler serves it.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, led: ledOff, assetTag: cfg.Machine.AssetTag, mux: http.NewServeMux()}
	s.accounts = newAccounts(cfg.Machine.BMC.Username, cfg.Machine.BMC.Password)
	s.sessions = newSessions(cfg.Now)
	s.mux.HandleFunc("/", s.noSuchResource)
	s.routeRoot()
	s.routeSessions()
	s.routeAccounts()
	s.routeSystem()
	s.routeParts()
	s.routeStorage()
	s.routeChassis()
	s.routeManager()
	s.routeMedia()
	s.routeServices()
	return s
}

// String names the BMC in logs.
func (s *Service) String() string { return "bmc of " + s.Machine.Name }

// Run answers on listener with the certificate until ctx ends.
func (s *Service) Run(ctx context.Context, listener net.Listener, certificate tls.Certificate) error {
	server := &http.Server{
		Handler:           s.Handler(),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
		BaseContext:    func(net.Listener) context.Context { return ctx },
	}
	working := make(chan struct{})
	go func() {
		defer close(working)
		s.power.run(ctx)
	}()
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.ServeTLS(listener, "", "")
	stop()
	<-working
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Handler answers requests without TLS..
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("OData-Version", "4.0")
		w.Header().Set("Cache-Control", "no-cache")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if path := strings.TrimRight(r.URL.Path, "/"); path != "" {
			r.URL.Path = path // a trailing slash names the same resource (DSP0266 6.4)
		}
		if p := s.admit(r); p != nil {
			p.write(w)
			return
		}
		s.mux.ServeHTTP(w, r)
	})
}

// admit refuses what no resource needs to look at.
func (s *Service) admit(r *http.Request) *problem {
	if v := r.Header.Get("OData-Version"); v != "" && v != "4.0" {
		return refuse(http.StatusPreconditionFailed, msgHeaderInvalid, "OData-Version")
	}
	for name := range r.URL.Query() {
		if strings.HasPrefix(name, "$") {
			return refuse(http.StatusNotImplemented, msgQueryNotSupported)
		}
	}
	if open(r) {
		return nil
	}
	who, p := s.authenticate(r)
	if p != nil {
		return p
	}
	*r = *r.WithContext(context.WithValue(r.Context(), callerKey{}, who))
	return nil
}

// open lists what may be read without an account (DSP0266 13.3.2) and the log-in.
func open(r *http.Request) bool {
	switch r.URL.Path {
	case "/redfish", "/redfish/v1", "/redfish/v1/odata", "/redfish/v1/$metadata":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	case sessionsPath, sessionsPath + "/Members":
		return r.Method == http.MethodPost
	}
	return false
}

// noSuchResource answers 405 where another method would work, else 404.
func (s *Service) noSuchResource(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if allowed != nil {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(http.StatusMethodNotAllowed, msgOperationNotAllowed).write(w)
		return
	}
	refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
}

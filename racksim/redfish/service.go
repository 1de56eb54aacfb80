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
	"rackwright/racksim/faults"
)

// Config is one BMC and the machine behind it.
type Config struct {
	Rack            string
	Machine         racksim.Machine // BMC.Password filled in
	Hardware        racksim.Hardware
	Setup           *racksim.BootSetup // shared with Hardware
	Console         string             // file of the serial console; "": none
	MediaDir        string             // downloaded ISO images and firmware go here, and what the BMC remembers
	SavePassword    func(string) error // keeps a changed password of the first account
	SaveCertificate func(chain, key []byte) error
	Logger          *slog.Logger
	Now             func() time.Time
}

// Service is one BMC's Redfish service.
type Service struct {
	Config
	Faults   *faults.Set // what goes wrong, from the rack file at first
	mux      *router
	accounts *accounts
	sessions *sessions
	media    media
	power    powerQueue
	memory   *memory
	sel      *logbook // the machine's
	bmcLog   *logbook
	events   *events
	tasks    *tasks
	updates  updates
	keys     keyring
	restarts chan struct{}
	working  sync.WaitGroup // background

	mu        sync.Mutex
	life      context.Context
	dies      context.CancelFunc
	led       string // IndicatorLED; not Off is LocationIndicatorActive
	assetTag  string // set by whoever racked it
	ahead     time.Duration
	ntp       ntp
	protocols map[string]bool
	order     []string  // boot order of the next reset; nil: as it is
	applied   time.Time // when BIOS settings took effect last
	begun     time.Time // when the machine was last started or reset through this BMC; zero: never
	born      time.Time // when this life began
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
	s := &Service{Config: cfg, led: ledOff, assetTag: cfg.Machine.AssetTag, mux: &router{handlers: map[route]http.HandlerFunc{}}, restarts: make(chan struct{}, 1),
		ahead: cfg.Machine.BMC.Clock, protocols: map[string]bool{"SSH": true}, events: newEvents(), tasks: &tasks{now: cfg.Now}}
	s.sel, s.bmcLog = &logbook{path: selPath}, &logbook{path: bmcLogPath}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.Faults = faults.New(cfg.Machine.BMC.Faults...)
	if d := cfg.Machine.BMC.Latency; d > 0 {
		s.Faults.Add(faults.Fault{Kind: faults.Slow, Wait: d})
	}
	s.updates.apply = applyNow
	s.life, s.dies = context.WithCancel(context.Background())
	s.memory = openMemory(cfg.MediaDir, s.Logger)
	s.accounts = s.newAccounts()
	s.sessions = newSessions(cfg.Now)
	for _, route := range []func(){s.routeRoot, s.routeSessions, s.routeAccounts, s.routeSystem, s.routeParts, s.routeStorage, s.routeBIOS,
		s.routeChassis, s.routePower, s.routeThermal, s.routeSensors, s.routeManager, s.routeProtocols, s.routeMedia,
		s.routeLogs, s.routeUpdates, s.routeTasks, s.routeEvents, s.routeCertificates, s.routeRegistries} {
		route()
	}
	if cfg.Machine.Firmware == racksim.UEFI {
		s.routeSecureBoot()
		s.routeTrust()
	}
	s.Setup.SetBIOS(s.biosVersion())
	s.Setup.OnStart(s.machineStarts)
	s.noteFaults()
	return s
}

// machineStarts is what firmware does first: what waits for the reset takes effect.
func (s *Service) machineStarts() {
	s.started(false)
	if s.waits(bmcKey) {
		s.restart()
	}
	s.Setup.SetBIOS(s.biosVersion())
	s.Setup.SetTrust(s.trusted())
	s.applySettings()
	s.applyOrder()
	s.applySecureBoot()
}

// now is the BMC's clock.
func (s *Service) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ntp.on && len(s.ntp.servers) > 0 {
		return s.Now()
	}
	return s.Now().Add(s.ahead)
}

// String names the BMC in logs.
func (s *Service) String() string { return "bmc of " + s.Machine.Name }

// Run answers on listener with the certificate, or with one that replaced it, until ctx
// ends.
func (s *Service) Run(ctx context.Context, listener net.Listener, certificate tls.Certificate) error {
	s.keys.use(certificate)
	port := newPort(s.Faults.Listener(listener))
	defer port.shut()
	defer s.Faults.Close()
	ctx, cancel := context.WithCancel(ctx)
	var lasting sync.WaitGroup
	defer lasting.Wait()
	defer cancel()
	lasting.Go(func() { s.power.run(ctx) })
	lasting.Go(func() { s.watch(ctx) })
	lasting.Go(func() { s.runConsole(ctx, listener.Addr()) })
	for {
		s.begins(ctx)
		again, err := s.serve(ctx, port)
		s.dead()
		if !again || err != nil || !s.away(ctx, port) {
			return err
		}
	}
}

// serve is one life of the BMC; again: it restarts.
func (s *Service) serve(ctx context.Context, port *port) (again bool, err error) {
	server := &http.Server{
		Handler:           s.Handler(),
		TLSConfig:         &tls.Config{GetCertificate: s.keys.certificate, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
		BaseContext:    func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.ServeTLS(port.during(ctx), "", "") }()
	select {
	case err := <-stopped:
		if ctx.Err() == nil {
			return false, err
		}
		stopped <- http.ErrServerClosed
	case <-ctx.Done():
	case <-s.restarts:
		again = true
	}
	s.mu.Lock()
	s.dies()
	s.mu.Unlock()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	if err := <-stopped; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return false, err
	}
	return again, nil
}

// Handler answers requests without TLS.
func (s *Service) Handler() http.Handler { return s.Faults.Wrap(s.handler()) }

func (s *Service) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("OData-Version", "4.0")
		w.Header().Set("Cache-Control", "no-cache")
		if path := strings.TrimRight(r.URL.Path, "/"); path != "" {
			r.URL.Path = path // a trailing slash names the same resource (DSP0266 6.4)
		}
		limit := int64(maxBody)
		if pushed(r) {
			limit = maxFirmware + maxBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
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
		if strings.HasPrefix(name, "$") && !(strings.HasSuffix(r.URL.Path, "/Entries") && (name == "$skip" || name == "$top")) {
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
	if who.expired && !s.renews(r, who) {
		return refuse(http.StatusForbidden, msgPasswordChange, accountsPath+"/"+who.id)
	}
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

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"rackwright/access/guard"
	agentserve "rackwright/agent/serve"
	"rackwright/api"
	"rackwright/bmc/broker"
	consoles "rackwright/bmc/console/watch"
	"rackwright/bmc/watch"
	"rackwright/boot"
	"rackwright/boot/current"
	bootserve "rackwright/boot/serve"
	"rackwright/boot/trace"
	"rackwright/config"
	worker "rackwright/deploy/run"
	"rackwright/dhcp"
	"rackwright/dhcp/listen"
	"rackwright/fault"
	firmwareserve "rackwright/firmware/serve"
	fleets "rackwright/fleet/run"
	"rackwright/images/blob"
	catalogue "rackwright/images/run"
	"rackwright/inventory/intake"
	verification "rackwright/inventory/verify/run"
	"rackwright/journal/record"
	"rackwright/seal"
	"rackwright/store"
	"rackwright/tftp"
	tftplisten "rackwright/tftp/listen"
	"rackwright/webhook"
	webhooks "rackwright/webhook/run"
)

// task is something that runs until its context ends.
type task interface {
	Run(ctx context.Context) error
	String() string
}

// server is everything one process runs.
type server struct {
	cfg      config.Config
	log      *slog.Logger
	db       *store.DB
	key      *seal.Key
	blobs    *blob.Store
	view     *current.Follower
	words    *record.Writer
	hands    *broker.Broker    // at all BMCs
	consoles *consoles.Watcher // of machines, through their BMCs
	shelf    shelf
	door     *catalogue.Door   // that images come in by
	bootCA   *x509.Certificate // of loaders over HTTPS; nil: there are none
	explain  *api.Explain      // what machines are answered
	packets  *trace.Ring       // the last of DHCP; nil: none are kept
	tasks    []task

	known chan struct{} // closed once the database has answered
}

// assemble opens what the tasks share, then makes those the configuration switches on.
func assemble(ctx context.Context, cfg config.Config, log *slog.Logger) (*server, error) {
	s := &server{cfg: cfg, log: log, known: make(chan struct{})}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	s.hands = broker.New(broker.Options{Store: s.db, Dialer: drivers(log), Log: log, Now: time.Now, Owner: owner()})
	s.add(true, s.hands)
	s.consoles = consoles.New(consoles.Options{BMC: s.hands, Store: s.db, Log: log, Now: time.Now})
	s.add(true, s.consoles)
	desk := intake.New(s.db, s.view.View, log)
	s.add(true, s.view)
	s.add(true, s.whenKnown(s.words, desk, &pruner{db: s.db, log: log})...)
	if err := s.addBoot(desk); err != nil {
		s.close()
		return nil, err
	}
	s.addWork()
	if err := s.addCatalogue(); err != nil {
		s.close()
		return nil, err
	}
	if cfg.API.Enabled {
		t, err := s.api()
		if err != nil {
			s.close()
			return nil, err
		}
		s.add(true, t)
	}
	return s, nil
}

func (s *server) add(on bool, tasks ...task) {
	if on {
		s.tasks = append(s.tasks, tasks...)
	}
}

func (s *server) open(ctx context.Context) (err error) {
	if err := stateDir(s.cfg.StateDir); err != nil {
		return err
	}
	if s.key, err = seal.Load(s.cfg.SealKeyFile); err != nil {
		return err
	}
	dsn, err := s.cfg.DSN()
	if err != nil {
		return err
	}
	saved, err := s.openStore(ctx, store.Options{DSN: dsn, Sealer: s.key, Log: s.log})
	if err != nil {
		return err
	}
	if s.blobs, err = blob.Open(s.cfg.Images.Dir); err != nil {
		return err
	}
	s.words = record.New(s.db, s.log, time.Now)
	s.view, err = current.New(ctx, s.db, current.Options{File: s.savedView(), Saved: saved, Away: s.db.Pending(), Log: s.log})
	return err
}

// prepare makes of an open database the one that this server works with.
func (s *server) prepare(ctx context.Context) error {
	if s.db.Single() {
		if err := s.db.ReleaseLeases(ctx); err != nil {
			return err
		}
	}
	file, name := filepath.Join(s.cfg.StateDir, "admin.token"), adminName(s.db.Single(), s.cfg.StateDir)
	_, missing := os.Stat(file)
	if err := admin(ctx, file, name, s.db, s.log); err != nil {
		return err
	}
	if missing != nil {
		if err := s.enter(ctx, "make-admin-token", map[string]any{"token": name}); err != nil {
			return err
		}
	}
	return s.enterStart(ctx)
}

func (s *server) close() {
	if s.db != nil {
		if err := s.db.Close(); err != nil {
			s.log.Warn("database not closed", "error", err)
		}
	}
}

// addBoot makes the services that machines see.
func (s *server) addBoot(desk *intake.Desk) error {
	cert, pin, err := agentCertificate(s.cfg.StateDir)
	if err != nil {
		return err
	}
	httpPort, err := portOf(s.cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	agentPort, err := portOf(s.cfg.Agent.Listen)
	if err != nil {
		return err
	}
	tftpHost, _, _ := net.SplitHostPort(s.cfg.TFTP.Listen) // checked with the configuration
	tftpPort, err := portOf(s.cfg.TFTP.Listen)
	if err != nil {
		return err
	}
	public, err := publicAddr(s.cfg.PublicHost)
	if err != nil {
		return err
	}
	loaders, err := s.loaders()
	if err != nil {
		return err
	}
	agents := &agentserve.Server{Store: s.db, Bytes: s.blobs, Journal: s.words, Log: s.log, Now: time.Now, Key: s.key.Derive("phone-home"), Permits: s.key.Signer("permit"),
		PhoneAt: func(r *http.Request) string { return boot.BaseURL(reachedAt(r, public), httpPort) }}
	climber := current.NewClimber(current.Climber{View: s.view.View, Loaders: loaders, Rungs: s.db, Journal: s.words, Log: s.log, Now: time.Now})
	s.add(true, climber)
	files := &bootserve.Server{View: s.view.View, Newest: s.view.Newest, Loaders: loaders, Boots: s.db, Strangers: desk, Leases: s.db, Systems: agents, Journal: climber, Log: s.log, Now: time.Now,
		Ramdisks: s.cfg.Boot.RamdiskDir, AgentPort: agentPort, AgentPin: pin, Advertise: public, Args: s.cfg.Boot.KernelArgs}
	open := chi.NewRouter()
	if err := s.addChunks(open, agents, public, httpPort); err != nil {
		return err
	}
	files.Routes(open)
	agents.PhoneRoutes(open)
	agents.AnswerRoutes(open)
	closed := chi.NewRouter()
	agents.Routes(closed)
	closed.Handle(firmwareserve.Prefix+"*", &firmwareserve.Server{Store: s.db, Bytes: s.blobs, Journal: s.words, Log: s.log, Now: time.Now})
	settings := dhcp.Settings{HTTPPort: httpPort, BootServer: public, Loaders: loaders}
	if settings.HTTPSPort, err = s.addHTTPS(files); err != nil {
		return err
	}
	s.explain = s.explained(files, settings)
	s.shelf = shelf{db: s.db, blobs: s.blobs, public: public}
	if s.cfg.Agent.Enabled {
		s.shelf.port = agentPort
	}
	s.addEvents(closed, public, agentPort)
	listener := &listen.Server{View: s.view.View, Lender: s.db, Journal: climber, Sighter: desk, Tracer: s.traced(),
		Settings: settings, Only: s.cfg.DHCP.Interfaces, Alone: s.db.Single(), Probe: s.probeWait(), Log: s.log, Now: time.Now}
	s.explain.Held = listener.Held
	s.add(s.cfg.DHCP.Enabled, s.whenDeclared(listener))
	s.add(s.cfg.TFTP.Enabled, s.whenDeclared(&tftplisten.Server{View: s.view.View, Files: tftp.Shelf{Loaders: loaders}, Rendered: bootserve.OverTFTP{Server: files, Port: httpPort}, Journal: climber, Log: s.log, Now: time.Now,
		Port: tftpPort, Host: tftpHost, SinglePort: s.cfg.TFTP.SinglePort}))
	s.add(s.cfg.HTTP.Enabled, s.whenDeclared(&web{name: "http boot", log: s.log, most: mostMachines, each: mostOfOne, srv: bootserve.NewHTTP(s.cfg.HTTP.Listen, open, s.log)}))
	secure := bootserve.NewHTTP(s.cfg.Agent.Listen, closed, s.log)
	doubt := &agentserve.Doubt{View: s.view.View, Leases: s.db, Journal: s.words, Now: time.Now}
	secure.ConnState = doubt.ConnState
	s.add(s.cfg.Agent.Enabled, s.whenReached(&web{name: "agents' server", log: s.log, most: mostMachines, each: mostOfOne, srv: secure, cert: cert, wire: doubt.Listener}))
	return nil
}

// addWork makes the tasks that act on machines.
func (s *server) addWork() {
	s.add(s.cfg.Worker.Enabled, s.whenKnown(
		&worker.Worker{Store: s.db, BMC: s.hands, Depot: s.shelf, Certificates: s.key.Signer("certificate"), BootAuthority: s.bootCA, Consoles: s.consoles, Log: s.log, Now: time.Now, Owner: owner(), Concurrency: s.cfg.Worker.Concurrency},
		&watch.Task{Store: s.db, BMC: s.hands, Log: s.log, Now: time.Now, Every: 30 * time.Second},
		&fleets.Task{Store: s.db, Log: s.log, Now: time.Now, Owner: owner()},
		&verification.Task{Store: s.db, Log: s.log, Now: time.Now})...)
	s.add(s.cfg.Worker.Enabled, s.whenKnown(&webhooks.Task{Store: s.db, Log: s.log, Now: time.Now, Owner: owner(),
		Allow: s.receivers()})...)
	s.add(s.cfg.Worker.Enabled && s.cfg.BMC.Claim == "auto", s.whenKnown(&worker.Claimer{Store: s.db, Log: s.log})...)
}

// receivers are the addresses that webhooks may lead to.
func (s *server) receivers() webhook.Allow {
	return webhook.Allow{Private: s.cfg.Webhooks.AllowPrivate, Loopback: s.cfg.Webhooks.AllowLoopback}
}

func (s *server) api() (task, error) {
	o := api.Options{Store: s.db, BMC: s.hands, Lines: s.hands, Consoles: s.consoles, Importer: s.door, Forget: s.door.Forget, Depot: s.door, Uploads: s.blobs, FirmwareBytes: s.shelf, CertificateKey: s.key.Signer("certificate").Public().(ed25519.PublicKey), BootURL: s.bootURL(),
		Guard: guard.New(limits(s.cfg.API.Limits), time.Now), Log: s.log, Version: version()}
	if !s.cfg.Images.Encrypted {
		o.Tickets = s.signer()
	}
	receivers := s.receivers()
	o.Receivers = &receivers
	o.AuditKey, o.TwoPersonsOver, o.Streams, o.Explain = s.key.Signer("audit head"), s.cfg.Access.TwoPersonsOver, s.cfg.API.Limits.Streams, s.explain
	if o.Name = owner(); s.packets != nil {
		o.Traces = s.packets
	}
	var err error
	if o.Logins, err = logins(s.cfg.OIDC); err != nil {
		return nil, err
	}
	certs, err := newCertificates(s.cfg, s.log)
	if err != nil {
		return nil, err
	}
	if certs != nil {
		o.Vouch = certs.clients.vouch
	}
	t := &web{name: "api", log: s.log, most: s.cfg.API.Limits.Connections, each: s.cfg.API.Limits.OfOneAddress, srv: &http.Server{Addr: s.cfg.API.Listen, Handler: api.New(o), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}}
	if certs != nil {
		s.add(true, certs)
		t.tls = certs.config()
	}
	return t, nil
}

// run runs every task; the first that fails ends all.
func (s *server) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, t := range s.tasks {
		g.Go(func() error {
			if err := t.Run(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			s.log.Debug("stopped", "task", t.String())
			return nil
		})
	}
	s.log.Info("rackwright serves", "version", version(), "api", s.cfg.API.Listen, "state", s.cfg.StateDir, "database", databaseName(s.cfg))
	return g.Wait()
}

func databaseName(c config.Config) string {
	if c.Database == "" {
		return "embedded"
	}
	return c.Database.String()
}

func portOf(listen string) (uint16, error) {
	ap, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return 0, fault.Invalidf("listen address %q: %w", listen, err)
	}
	return uint16(ap.Port), nil
}

// publicAddr resolves public_host once, at start.
func publicAddr(host string) (netip.Addr, error) {
	if host == "" {
		return netip.Addr{}, nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a, nil
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return netip.Addr{}, fault.Invalidf("public_host %q: %w", host, err).WithHint("use an address, or a name this host can resolve")
	}
	for _, ip := range ips {
		if v4, ok := netip.AddrFromSlice(ip.To4()); ok {
			return v4, nil
		}
	}
	return netip.Addr{}, fault.Invalidf("public_host %q has no IPv4 address", host)
}

// reachedAt is the address a machine reached us by, or the public one of its family.
func reachedAt(r *http.Request, public netip.Addr) netip.Addr {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if ap, err := netip.ParseAddrPort(local.String()); err == nil {
			if a := ap.Addr().Unmap().WithZone(""); !public.IsValid() || public.Is4() != a.Is4() {
				return a
			}
		}
	}
	if public.IsValid() {
		return public
	}
	host, _, _ := strings.Cut(r.Host, ":")
	a, _ := netip.ParseAddr(host)
	return a
}

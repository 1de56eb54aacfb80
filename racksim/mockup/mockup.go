// Package mockup is a BMC that answers from a tree of recorded resources (DMTF DSP0266
// mockup layout: PATH/index.json), with a state machine on top and the habits of the vendor
// that the tree names. There is no machine behind it: racksim/redfish is the BMC of one.
package mockup

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/racksim/faults"
)

// Config is one BMC.
type Config struct {
	Name     string // in logs
	Tree     *Tree
	Username string // of the first account
	Password string
	Expired  bool          // the password must be changed before anything else
	Own      Own           // what is this machine's and not the recorded one's
	Power    string        // On or Off at first; empty: as recorded
	Faults   *faults.Set   // nil: none
	Clock    time.Duration // how far it is ahead, until it is set
	Turn     time.Duration // from one power state to the next; 0: at once
	Work     time.Duration // of an update
	Restart  time.Duration // how long the BMC is away when it restarts

	SavePassword func(string) error // keeps a changed password of the first account; nil: nobody
	OnStart      func(Boot)         // called at each start of the host, without the BMC's lock held
	Logger       *slog.Logger       // nil: silent
	Now          func() time.Time   // nil: time.Now
}

// Own is what tells a machine from others of the same tree; what is empty is as recorded.
type Own struct {
	Serial, UUID, AssetTag string
	MACs                   []string // of the host's ports, in the order of their collection
}

// BMC is a Redfish service over a tree. The tree stays as it is; what changes lies over it.
// Safe for concurrent use.
type BMC struct {
	cfg    Config
	habits habits

	mu          sync.Mutex
	certificate *tls.Certificate  // of the web server
	key         *ecdsa.PrivateKey // of the last signing request
	changed     map[string]body   // over the tree; nil: gone
	actions     map[string]action
	host        string // the machine
	manager     string
	services    services

	sessions  []session
	users     map[string]secret // by the account's URI
	serials   map[string]int    // last number given, by collection
	agenda    agenda
	goneTill  time.Time
	skew      time.Duration // of the manager's clock
	pairs     []pair
	staged    map[string]body   // for the next start, by the resource
	scheduled map[string]string // tasks that wait for it, by the resource
	starts    int
	booted    Boot           // what the host started from, the last time
	untold    []Boot         // starts that OnStart was not told yet
	fresh     map[string]int // reads of a new task that answer 404
	waiting   []func()       // for the host's next start
	uploaded  int64          // bytes that were pushed
	fetching  int            // updates
	restarts  int            // of the manager
	waking    int            // reads that are not ready yet
	events    int
	posting   bool // deliver runs
	streams   map[chan body]bool
	pushes    chan push
	work      sync.WaitGroup
	over      context.Context
	end       context.CancelFunc
}

// Limits of the service.
const (
	maxBody      = 1 << 20
	maxUpload    = 1 << 30
	readTimeout  = 10 * time.Minute // a firmware image over a slow line
	headTimeout  = 30 * time.Second
	idleTimeout  = 60 * time.Second
	drainTime    = 2 * time.Second
	maxListeners = 16
)

// New is a BMC that is up, its machine as recorded. Close it. Invalid when the tree has
// no system to switch.
func New(cfg Config) (*BMC, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Faults == nil {
		cfg.Faults = &faults.Set{}
	}
	b := &BMC{cfg: cfg, changed: map[string]body{}, users: map[string]secret{}, serials: map[string]int{}, staged: map[string]body{}, scheduled: map[string]string{},
		fresh: map[string]int{}, streams: map[chan body]bool{}, pushes: make(chan push, maxPushes),
		agenda: agenda{soon: make(chan struct{}, 1)}}
	b.over, b.end = context.WithCancel(context.Background())
	b.habits = habitsOf(cfg.Tree)
	b.findServices()
	if b.host == "" {
		return nil, fault.Invalidf("the mockup has no system with a power state and a Reset action").
			WithHint("record it with an account that may control power, or write Systems/ID/index.json")
	}
	b.findActions()
	b.skew = cfg.Clock
	b.take(cfg.Own)
	if cfg.Power != "" {
		b.setPower(b.host, cfg.Power)
	}
	b.seedAccounts()
	return b, nil
}

// Close ends what the BMC does by itself.
func (b *BMC) Close() {
	b.end()
	b.cfg.Faults.Close()
	b.work.Wait()
}

// String names the BMC in logs.
func (b *BMC) String() string { return "bmc of " + b.cfg.Name }

// Handler answers requests without TLS, with the BMC's faults in front.
func (b *BMC) Handler() http.Handler { return b.cfg.Faults.Wrap(http.HandlerFunc(b.serve)) }

// Run answers on listener with the certificate until ctx ends, and closes the BMC.
func (b *BMC) Run(ctx context.Context, listener net.Listener, certificate tls.Certificate) error {
	defer b.Close()
	b.certificate = &certificate
	server := &http.Server{
		Handler:           b.Handler(),
		TLSConfig:         &tls.Config{GetCertificate: b.show, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: headTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(b.cfg.Logger.Handler(), slog.LevelDebug),
		BaseContext:    func(net.Listener) context.Context { return ctx },
	}
	ticking, stopTicking := context.WithCancel(ctx)
	var ticks sync.WaitGroup
	ticks.Go(func() { b.tickAlong(ticking) })
	defer ticks.Wait()
	defer stopTicking()
	stop := context.AfterFunc(ctx, func() {
		b.end() // streams end, too
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	defer stop()
	err := server.ServeTLS(b.cfg.Faults.Listener(listener), "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

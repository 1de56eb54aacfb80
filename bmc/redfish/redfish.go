// Package redfish is the bmc.Controller for BMCs that speak Redfish (DMTF DSP0266),
// through gofish. It keeps no state of its own between calls but the session, and it
// decides nothing: when to power or boot a machine is the caller's.
package redfish

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/stmcginnis/gofish"

	"rackwright/bmc"
	"rackwright/fault"
)

// Timing bounds everything that waits. The caller's context always wins.
type Timing struct {
	Request  time.Duration // one exchange with the BMC
	Settle   time.Duration // until a power change reads back
	Boot     time.Duration // until a boot override reads back
	Proof    time.Duration // until a restart shows, or an unclear write has an effect
	Media    time.Duration // until an image is in the virtual drive; 0: as by default
	Restart  time.Duration // until a BMC that restarts answers again; 0: as by default
	Patience time.Duration // longest pause a BMC may ask for (Retry-After)
	PollMin  time.Duration // first pause between reads; the pauses grow
	PollMax  time.Duration // longest pause between reads
	Push     time.Duration // longest time in which a firmware push makes no progress; 0: as by default
}

// DefaultTiming suits real BMCs: slow to answer, minutes to settle.
func DefaultTiming() Timing {
	return Timing{
		Request:  30 * time.Second,
		Settle:   3 * time.Minute,
		Boot:     30 * time.Second,
		Proof:    45 * time.Second,
		Media:    5 * time.Minute,
		Restart:  10 * time.Minute,
		Patience: 30 * time.Second,
		PollMin:  250 * time.Millisecond,
		PollMax:  2 * time.Second,
		Push:     5 * time.Minute, // an iLO verifies for minutes before it answers
	}
}

// Dialer opens Redfish Controllers. The zero value works.
type Dialer struct {
	Log    *slog.Logger // nil: silent
	Timing Timing       // zero: DefaultTiming

	pause pause // nil: a timer; tests count the pauses instead
}

// Controller is one BMC and the one system of it that we drive. Safe for concurrent
// use: requests go one at a time, and so do changes; reads pass between a change's polls.
type Controller struct {
	bmc.Unable // what is not written yet

	wire   *wire
	client *gofish.APIClient
	access bmc.Access
	timing Timing
	log    *slog.Logger
	pause  pause

	system   string // URI of the chosen ComputerSystem
	manager  string // URI of the Manager that is this BMC; empty: not told
	root     serviceRoot
	queries  queries
	ports    link // to the manager's own EthernetInterfaces; empty: none
	identity identity
	traits   traits
	remember remembered
	changing chan struct{} // holds one token: one change at a time
}

var _ bmc.Dialer = (*Dialer)(nil)

// Dial logs in and chooses the system. Address is https://host[:port], with the path of
// a ComputerSystem behind it when one Redfish service serves several. Plain http is
// Invalid unless the host is this one (loopback). A failed Dial leaves no session behind.
func (d *Dialer) Dial(ctx context.Context, a bmc.Access) (bmc.Controller, error) {
	where, err := parseAddress(a.Address)
	if err != nil {
		return nil, err
	}
	pinned, err := bmc.ParseFingerprint(a.CertificateSHA256)
	if err != nil {
		return nil, err
	}
	c := d.controller(where, a, pinned)
	if err := c.open(ctx, where); err != nil {
		_ = c.wire.logout(ctx) // the first error is the one to tell
		return nil, c.explain("open", err)
	}
	c.log.Debug("bmc opened", "system", c.system, "vendor", c.identity.Vendor, "model", c.identity.Model,
		"firmware", c.identity.Firmware, "quirks", c.traits.names)
	return c, nil
}

func (d *Dialer) controller(where address, a bmc.Access, pinned string) *Controller {
	timing := d.Timing
	if timing == (Timing{}) {
		timing = DefaultTiming()
	}
	timing.Push = cmp.Or(timing.Push, DefaultTiming().Push)
	timing.Media = cmp.Or(timing.Media, DefaultTiming().Media)
	timing.Restart = cmp.Or(timing.Restart, DefaultTiming().Restart)
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("bmc", where.base.Host)
	wait := d.pause
	if wait == nil {
		wait = sleep
	}
	return &Controller{
		Unable:   bmc.Unable{Address: a.Address, Protocol: "Redfish"},
		wire:     newWire(where, a, pinned, timing, log, wait),
		access:   a,
		timing:   timing,
		log:      log,
		pause:    wait,
		changing: make(chan struct{}, 1),
	}
}

// open goes the way of DSP0266 13.3: read the root without credentials, log in where it
// says, then look for the system.
func (c *Controller) open(ctx context.Context, where address) error {
	root, err := c.wire.root(ctx)
	if err != nil {
		return err
	}
	if err := c.wire.login(ctx, root); err != nil {
		return err
	}
	if root == (serviceRoot{}) { // it hides the root from strangers
		if root, err = c.wire.root(ctx); err != nil {
			return err
		}
	}
	c.root, c.queries = root, root.queries()
	if c.client, err = c.wire.client(ctx); err != nil {
		return err
	}
	if _, expired := c.wire.expiry(); expired { // it may read its own account only
		c.system = strings.TrimSuffix(systemsPath, "/")
		return nil
	}
	sys, err := c.choose(ctx, root, where.system)
	if err != nil {
		return err
	}
	c.system = sys.ODataID
	c.identity = c.identify(ctx, root, sys)
	c.traits = traitsOf(c.identity)
	return nil
}

// Certificate is the SHA-256 of the certificate the BMC showed, in lower-case
// hexadecimal; empty over plain http.
func (c *Controller) Certificate() string { return c.wire.pin.shown() }

// Close ends the session at the BMC, also when ctx is already over: BMCs have few.
func (c *Controller) Close(ctx context.Context) error {
	if err := c.wire.logout(ctx); err != nil {
		return c.explain("end the session", err)
	}
	return nil
}

// serviceRoot is what we need of the ServiceRoot schema.
type serviceRoot struct {
	RedfishVersion, Vendor, Product string

	Oem brand

	Systems, Managers, Chassis, Registries link

	Accounts     link `json:"AccountService"`
	Certificates link `json:"CertificateService"`
	Events       link `json:"EventService"`
	Updates      link `json:"UpdateService"`
	Links        struct{ Sessions link }

	SessionService link

	ProtocolFeaturesSupported struct {
		ExpandQuery struct{ ExpandAll, NoLinks bool }

		TopSkipQuery bool
	}
}

// begin waits for the right to change something; the returned func gives it back.
func (c *Controller) begin(ctx context.Context) (func(), error) {
	select {
	case c.changing <- struct{}{}:
		return func() { <-c.changing }, nil
	case <-ctx.Done():
		return nil, fault.Conflictf("BMC %s is busy with another change: %w", c.access.Address, ctx.Err()).
			WithHint("try again when the change is done")
	}
}

// Package ipmi is the bmc.Controller for BMCs without Redfish: power, boot device, locator
// LED, identity and users over IPMI 2.0 (RMCP+), through a library. Everything else is Invalid.
package ipmi

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	library "github.com/bougou/go-ipmi"

	"rackwright/bmc"
	"rackwright/fault"
)

// Timing bounds everything that waits. The caller's context always wins.
type Timing struct {
	Answer  time.Duration // one datagram's answer
	Session time.Duration // one session: less than the library's half a minute between its own keep-alives
	Settle  time.Duration // until a power change reads back
	Restart time.Duration // until a BMC that restarts answers again
	Poll    time.Duration // between reads
}

// DefaultTiming suits real BMCs.
func DefaultTiming() Timing {
	return Timing{Answer: 2 * time.Second, Session: 20 * time.Second, Settle: 3 * time.Minute, Restart: 5 * time.Minute, Poll: time.Second}
}

// Dialer opens Controllers. The zero value works.
type Dialer struct {
	Log    *slog.Logger // nil: silent
	Timing Timing       // zero: DefaultTiming
}

var _ bmc.Dialer = (*Dialer)(nil)

// Controller is one BMC. It opens a session for each call and closes it at once: a session
// held open would be kept alive by the library beside our requests. Safe for concurrent
// use; calls go one at a time.
type Controller struct {
	bmc.Unable
	access bmc.Access
	host   string
	port   int
	suite  library.CipherSuiteID
	timing Timing
	log    *slog.Logger
	turn   chan struct{} // holds one token
	vague  bool          // its boot flags tell no more than the device
	once   sync.Once
	closed chan struct{}
}

// Limits of IPMI 2.0, section 22.30 (Set User Password) and 22.28 (Set User Name).
const (
	maxUser     = 16
	maxPassword = 20
	rmcpPort    = 623
)

// Dial proves that the BMC takes the user and password. Address is ipmi://host[:port].
// IPMI has no certificates: a pinned one is Invalid, and so is an expired password.
func (d *Dialer) Dial(ctx context.Context, a bmc.Access) (bmc.Controller, error) {
	c, err := d.controller(a)
	if err != nil {
		return nil, err
	}
	c.suite = library.CipherSuiteID17 // RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128
	err = c.read(ctx, "log in", func(context.Context, *library.Client) error { return nil })
	if noSuite(err) {
		c.suite = library.CipherSuiteID3 // with SHA1: all that BMCs before 2013 have
		err = c.read(ctx, "log in", func(context.Context, *library.Client) error { return nil })
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (d *Dialer) controller(a bmc.Access) (*Controller, error) {
	host, port, err := parseAddress(a.Address)
	switch {
	case err != nil:
		return nil, err
	case a.CertificateSHA256 != "":
		return nil, fault.Invalidf("BMC %s: IPMI has no certificate that could be pinned", a.Address).WithHint("leave certificate_sha256 out of its plan")
	case len(a.Username) > maxUser || len(a.Password) > maxPassword:
		return nil, fault.Invalidf("BMC %s: IPMI takes a user name of %d and a password of %d bytes at most", a.Address, maxUser, maxPassword)
	}
	c := &Controller{Unable: bmc.Unable{Address: a.Address, Protocol: "IPMI"}, access: a, host: host, port: port, timing: d.Timing, log: d.Log,
		turn: make(chan struct{}, 1), closed: make(chan struct{})}
	if c.timing == (Timing{}) {
		c.timing = DefaultTiming()
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func parseAddress(s string) (host string, port int, err error) {
	invalid := fault.Invalidf("BMC address is no IPMI address").WithHint("write bmc.address as ipmi://host or ipmi://host:port")
	u, parseErr := url.Parse(s)
	if parseErr != nil || u.Scheme != "ipmi" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return "", 0, invalid
	}
	port = rmcpPort
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return "", 0, invalid
		}
	}
	if net.ParseIP(u.Hostname()) != nil || len(u.Hostname()) < 254 {
		return u.Hostname(), port, nil
	}
	return "", 0, invalid
}

// Close ends the Controller; there is no session to end.
func (c *Controller) Close(context.Context) error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

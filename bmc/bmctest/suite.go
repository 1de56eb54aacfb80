package bmctest

import (
	"context"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// Hooks let the suite see past the BMC. Each may be missing; then only what the BMC says
// of itself is checked.
type Hooks struct {
	Power       func() inventory.Power  // what the machine really does
	Starts      func() int              // how often it really started
	Sessions    func() int              // sessions open at the BMC
	Lit         func() bool             // whether the locator LED is on
	NoLED       bool                    // it has no locator LED
	NoPin       bool                    // its protocol has no certificates
	Open        bool                    // it lets anybody in
	Stranger    bool                    // nobody says what it has: what it calls Invalid it lacks
	Source      string                  // of its facts; empty: redfish, with parts
	Custody     []string                // parts of the Custodian that it must have, see HasAccounts
	Expire      func() (restore func()) // lets our password expire; restore makes it ours again
	Unreachable string                  // an address at which nothing answers
	Targets     []bmc.Target            // what it can boot next; none: PXE and disk
	Mode        inventory.Firmware      // a mode to ask for; empty: leave it alone
	BootURI     string                  // a file to boot over HTTP; empty: it takes none
	Images      []string                // ISO images that the BMC can fetch; none: nothing is inserted
	Medium      func() string           // URL of what is in the virtual CD drive
	Setting     Setting                 // a BIOS setting to change; none: none is
	Without     []Group                 // what it cannot do
	Authorities func() [][]byte         // certificates (DER) that HTTPS boot trusts
	With        []Group                 // of Updates to Authorities: what it must do; the others it may lack
	Upgrade     Upgrade                 // firmware that it takes; none: none is sent
	Destination string                  // https address to subscribe; empty: one that nobody serves
	Happen      func()                  // makes something happen that the BMC logs and announces
	Grace       time.Duration           // for a graceful shutdown; zero: force
	Timeout     time.Duration           // for one call; zero: a minute
}

// Run is the contract of bmc.Controller. The machine behind access is switched, restarted
// and left off.
func Run(t *testing.T, dialer bmc.Dialer, access bmc.Access, hooks Hooks) {
	if len(hooks.Targets) == 0 {
		hooks.Targets = []bmc.Target{bmc.BootPXE, bmc.BootDisk}
	}
	if hooks.Source == "" {
		hooks.Source = "redfish"
	}
	if hooks.Timeout == 0 {
		hooks.Timeout = time.Minute
	}
	s := suite{dialer, access, hooks}
	t.Run("power changes are read back and may be asked twice", s.power)
	t.Run("a cycle restarts and powers on what is off", s.cycle)
	t.Run("a reset restarts a machine that is on", s.reset)
	t.Run("the BMC restarts and the machine does not", s.restartBMC)
	t.Run("the next boot is set, read back and cleared", s.nextBoot)
	t.Run("a start uses an override up, unless it is lasting", s.overrideEnds)
	t.Run("a boot URI goes with http", s.bootURI)
	t.Run("an unknown boot target is invalid", s.unknownTarget)
	t.Run("the boot order is turned round and back", s.order)
	t.Run("secure boot goes on and off with a start", s.secureBoot)
	t.Run("keys of secure boot go back to the vendor's", s.keys)
	t.Run("an authority of HTTPS boot is trusted once, in place of the one before", s.authorities)
	t.Run("virtual media is inserted, replaced and ejected", s.media)
	t.Run("settings are pending until a start", s.settings)
	t.Run("facts are sane", s.facts)
	t.Run("the identity agrees with the facts", s.identity)
	t.Run("the locator LED goes on and off and may be asked twice", s.locate)
	t.Run("the certificate shown on first contact can be pinned", s.pin)
	t.Run("another certificate is denied, naming both", s.wrongPin)
	t.Run("a malformed pin is invalid", s.malformedPin)
	t.Run("a wrong password is denied with a hint", s.wrongPassword)
	t.Run("a silent address is unreachable with a hint", s.unreachable)
	t.Run("an ended context ends the call", s.endedContext)
	t.Run("closing ends the session and may be asked twice", s.close)
	s.custodian(t)
	s.caretaker(t)
}

type suite struct {
	dialer bmc.Dialer
	access bmc.Access
	hooks  Hooks
}

func (s suite) context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), s.hooks.Timeout)
	t.Cleanup(cancel)
	return ctx
}

func (s suite) dial(t *testing.T) bmc.Controller {
	t.Helper()
	c, err := s.dialer.Dial(s.context(t), s.access)
	if err != nil {
		t.Fatalf("Dial: %v (%s)", err, fault.HintOf(err))
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

func (s suite) is(t *testing.T, c bmc.Controller, want inventory.Power) {
	t.Helper()
	if got, err := c.Power(s.context(t)); err != nil || got != want {
		t.Fatalf("the BMC reads %s (%v), want %s", got, err, want)
	}
	if s.hooks.Power != nil {
		if got := s.hooks.Power(); got != want {
			t.Fatalf("the machine is %s, want %s", got, want)
		}
	}
}

func (s suite) starts() int {
	if s.hooks.Starts == nil {
		return 0
	}
	return s.hooks.Starts()
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v (%s)", what, err, fault.HintOf(err))
	}
}

func (s suite) power(t *testing.T) {
	c := s.dial(t)
	ok(t, "Off", c.Off(s.context(t), 0))
	s.is(t, c, inventory.PowerOff)
	ok(t, "Off again", c.Off(s.context(t), s.hooks.Grace))
	ok(t, "On", c.On(s.context(t)))
	s.is(t, c, inventory.PowerOn)
	before := s.starts()
	ok(t, "On again", c.On(s.context(t)))
	if s.starts() != before {
		t.Error("On restarted a machine that was on")
	}
	ok(t, "Off with grace", c.Off(s.context(t), s.hooks.Grace))
	s.is(t, c, inventory.PowerOff)
}

func (s suite) cycle(t *testing.T) {
	c := s.dial(t)
	ok(t, "Off", c.Off(s.context(t), 0))
	for _, from := range []inventory.Power{inventory.PowerOff, inventory.PowerOn} {
		before := s.starts()
		ok(t, "Cycle from "+string(from), c.Cycle(s.context(t)))
		s.is(t, c, inventory.PowerOn)
		if s.hooks.Starts != nil && s.starts() != before+1 {
			t.Errorf("Cycle from %s started the machine %d times", from, s.starts()-before)
		}
	}
	ok(t, "Off", c.Off(s.context(t), 0))
}

func (s suite) nextBoot(t *testing.T) {
	c := s.dial(t)
	ok(t, "Off", c.Off(s.context(t), 0))
	for _, target := range s.hooks.Targets {
		want := bmc.Boot{Target: target, Mode: s.hooks.Mode}
		ok(t, "SetNextBoot "+string(target), c.SetNextBoot(s.context(t), want))
		got, err := c.NextBoot(s.context(t))
		if err != nil || got.Target != want.Target || (want.Mode != "" && got.Mode != "" && got.Mode != want.Mode) {
			t.Fatalf("NextBoot = %v, %v; want %v", got, err, want)
		}
	}
	for range 2 {
		ok(t, "clear", c.SetNextBoot(s.context(t), bmc.Boot{Target: bmc.BootNone}))
		if got, err := c.NextBoot(s.context(t)); err != nil || got.Target != bmc.BootNone {
			t.Fatalf("NextBoot = %v, %v; want none", got, err)
		}
	}
}

func (s suite) unknownTarget(t *testing.T) {
	c := s.dial(t)
	for _, target := range []bmc.Target{"", "floppy-of-1987"} {
		if err := c.SetNextBoot(s.context(t), bmc.Boot{Target: target}); !fault.Is(err, fault.Invalid) {
			t.Errorf("SetNextBoot(%q) = %v, want Invalid", target, err)
		}
	}
}

func (s suite) pin(t *testing.T) {
	s.certified(t)
	shown := s.dial(t).Certificate()
	if shown == "" && strings.HasPrefix(s.access.Address, "http://") {
		t.Skip("plain http has no certificate")
	}
	if plain, err := bmc.ParseFingerprint(shown); err != nil || plain != shown || shown == "" {
		t.Fatalf("Certificate() = %q, not 64 digits in lower case", shown)
	}
	pinned := s
	pinned.access.CertificateSHA256 = strings.ToUpper(shown)
	if again := pinned.dial(t).Certificate(); again != shown {
		t.Errorf("Certificate() = %q, pinned %q", again, shown)
	}
}

// certified skips what a protocol without certificates cannot show.
func (s suite) certified(t *testing.T) {
	if s.hooks.NoPin {
		t.Skip("the protocol has no certificates")
	}
}

func (s suite) denied(t *testing.T, a bmc.Access) error {
	t.Helper()
	c, err := s.dialer.Dial(s.context(t), a)
	if c != nil {
		t.Error("a controller came with the error")
	}
	if !fault.Is(err, fault.Denied) || fault.HintOf(err) == "" {
		t.Fatalf("Dial: %v (%s), want Denied with a hint", err, fault.HintOf(err))
	}
	if a.Password != "" && strings.Contains(err.Error()+fault.HintOf(err), a.Password) {
		t.Error("the error contains the password")
	}
	return err
}

func (s suite) wrongPin(t *testing.T) {
	s.certified(t)
	shown := s.dial(t).Certificate()
	if shown == "" {
		t.Skip("plain http has no certificate")
	}
	a := s.access
	a.CertificateSHA256 = strings.Repeat("0f", 32)
	err := s.denied(t, a)
	for _, fingerprint := range []string{shown, a.CertificateSHA256} {
		if !strings.Contains(err.Error(), fingerprint) {
			t.Errorf("%v does not name %s", err, fingerprint)
		}
	}
}

func (s suite) malformedPin(t *testing.T) {
	s.certified(t)
	a := s.access
	a.CertificateSHA256 = "not hexadecimal"
	if _, err := s.dialer.Dial(s.context(t), a); !fault.Is(err, fault.Invalid) {
		t.Errorf("Dial: %v, want Invalid", err)
	}
}

func (s suite) wrongPassword(t *testing.T) {
	if s.hooks.Open {
		t.Skip("it lets anybody in")
	}
	a := s.access
	a.Password = "surely-not-this-one"
	s.denied(t, a)
}

func (s suite) unreachable(t *testing.T) {
	if s.hooks.Unreachable == "" {
		t.Skip("no address given at which nothing answers")
	}
	a := s.access
	a.Address = s.hooks.Unreachable
	if _, err := s.dialer.Dial(s.context(t), a); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" {
		t.Errorf("Dial: %v (%s), want Unreachable with a hint", err, fault.HintOf(err))
	}
}

func (s suite) endedContext(t *testing.T) {
	c := s.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.On(ctx); err == nil {
		t.Error("On succeeded in a context that is over")
	}
	if _, err := c.Power(ctx); err == nil {
		t.Error("Power succeeded in a context that is over")
	}
}

func (s suite) close(t *testing.T) {
	var before int
	if s.hooks.Sessions != nil {
		before = s.hooks.Sessions()
	}
	c := s.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ok(t, "Close in a context that is over", c.Close(ctx))
	ok(t, "Close again", c.Close(t.Context()))
	if s.hooks.Sessions != nil && s.hooks.Sessions() != before {
		t.Errorf("%d sessions are open, %d were before", s.hooks.Sessions(), before)
	}
	if _, err := c.Power(t.Context()); err == nil {
		t.Error("a closed controller still answers")
	}
}

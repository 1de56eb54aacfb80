// Package bmctest is for tests: a rack of BMCs in memory with faults on demand, and the
// suite that every bmc.Dialer passes. It speaks no protocol.
package bmctest

import (
	"context"
	"sync"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// Op names a call, to script its failure.
type Op string

// The calls.
const (
	Dial        Op = "dial"
	Power       Op = "power"
	On          Op = "on"
	Off         Op = "off"
	Cycle       Op = "cycle"
	SetNextBoot Op = "set-next-boot"
	NextBoot    Op = "next-boot"
	Identity    Op = "identity"
	Facts       Op = "facts"
	Locate      Op = "locate"
	Close       Op = "close"
)

// Rack is a bmc.Dialer for BMCs in memory, found by Access.Address.
type Rack struct {
	mu   sync.Mutex
	bmcs map[string]*BMC
}

// NewRack is an empty rack.
func NewRack() *Rack { return &Rack{bmcs: map[string]*BMC{}} }

var _ bmc.Dialer = (*Rack)(nil)

// Add puts in a machine that is off. Its BMC takes the user and password of a and shows
// the certificate of a, or one of its own when a names none.
func (r *Rack) Add(a bmc.Access, f inventory.Facts) *BMC {
	b := &BMC{access: a, power: inventory.PowerOff, next: bmc.Boot{Target: bmc.BootNone}, facts: f, setup: newSetup(), custody: newCustody(a.Password), faults: map[Op][]error{}}
	if a.CertificateSHA256 == "" {
		b.access.CertificateSHA256 = fingerprint(a.Address)
	}
	b.facts.Source = "redfish"
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bmcs[a.Address] = b
	return b
}

// Dial opens a machine's BMC as a driver does: unknown address Unreachable, wrong
// certificate or password Denied.
func (r *Rack) Dial(ctx context.Context, a bmc.Access) (bmc.Controller, error) {
	r.mu.Lock()
	b := r.bmcs[a.Address]
	r.mu.Unlock()
	if b == nil {
		return nil, bmc.NoAnswer(a, fault.Unreachablef("connection refused"))
	}
	if err := b.called(ctx, Dial); err != nil {
		return nil, err
	}
	b.mu.Lock()
	shown := b.access.CertificateSHA256
	b.mu.Unlock()
	pinned, err := bmc.ParseFingerprint(a.CertificateSHA256)
	switch {
	case err != nil:
		return nil, err
	case pinned != "" && pinned != shown:
		return nil, bmc.WrongCertificate(a, pinned, shown)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	expired, err := b.admits(a)
	if err != nil {
		return nil, err
	}
	b.sessions++
	return &controller{b: b, as: a.Username, expired: expired, shown: shown}, nil
}

// BMC is one machine of a Rack, as the test sees it.
type BMC struct {
	access bmc.Access

	mu       sync.Mutex
	power    inventory.Power
	next     bmc.Boot
	facts    inventory.Facts
	setup    setup
	lit      bool
	dark     bool
	starts   int
	sessions int
	calls    []Op
	faults   map[Op][]error
	onStart  func(bmc.Boot)
	custody  custody
	bench    bench
	feeling
}

// Fail makes the next calls of op return these errors, one each; nil lets one pass.
func (b *BMC) Fail(op Op, errs ...error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[op] = append(b.faults[op], errs...)
}

// OnStart calls f whenever the machine starts, with the override it starts from. It runs
// in the caller's goroutine and may call the BMC again.
func (b *BMC) OnStart(f func(bmc.Boot)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.onStart = f
}

// Restart starts the machine as a system does that runs on it: no BMC is asked.
func (b *BMC) Restart() { b.set(inventory.PowerOn, true) }

// Power is the machine's own state.
func (b *BMC) Power() inventory.Power { b.mu.Lock(); defer b.mu.Unlock(); return b.power }

// NextBoot is the override that stands.
func (b *BMC) NextBoot() bmc.Boot { b.mu.Lock(); defer b.mu.Unlock(); return b.next }

// Lit reports whether the locator LED is on.
func (b *BMC) Lit() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.lit }

// NoLED makes the BMC one without a locator LED.
func (b *BMC) NoLED() { b.mu.Lock(); defer b.mu.Unlock(); b.dark = true }

// Starts counts how often the machine started.
func (b *BMC) Starts() int { b.mu.Lock(); defer b.mu.Unlock(); return b.starts }

// Sessions counts the controllers that are open.
func (b *BMC) Sessions() int { b.mu.Lock(); defer b.mu.Unlock(); return b.sessions }

// Calls lists what was asked of the BMC, failed calls too.
func (b *BMC) Calls() []Op { b.mu.Lock(); defer b.mu.Unlock(); return append([]Op(nil), b.calls...) }

// called records a call and returns the failure scripted for it.
func (b *BMC) called(ctx context.Context, op Op) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return bmc.NoAnswer(b.access, err)
	}
	b.calls = append(b.calls, op)
	if len(b.faults[op]) == 0 {
		return nil
	}
	err := b.faults[op][0]
	b.faults[op] = b.faults[op][1:]
	return err
}

// set changes the power; a start uses the override up.
func (b *BMC) set(p inventory.Power, restart bool) {
	b.mu.Lock()
	started := p == inventory.PowerOn && (restart || b.power != p)
	from, tell := b.next, b.onStart
	b.power = p
	if started {
		b.starts++
		b.setup.start()
		b.flashStaged()
		if !b.next.Lasting {
			b.next = bmc.Boot{Target: bmc.BootNone}
		}
	}
	b.mu.Unlock()
	if started && tell != nil {
		tell(from)
	}
}

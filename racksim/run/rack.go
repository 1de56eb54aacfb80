// Package run is a simulated rack in motion: it starts every machine and its BMC, and
// takes everything down again. It decides nothing about machines or BMCs.
package run

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/racksim"
	"rackwright/racksim/link"
	"rackwright/racksim/mockup"
	"rackwright/racksim/qemu"
	"rackwright/racksim/redfish"
	"rackwright/racksim/scripted"
)

// Config is a checked rack and where it keeps its files.
type Config struct {
	Rack     *racksim.Rack
	StateDir string
	Logger   *slog.Logger
	Now      func() time.Time
}

// Rack is a task: Run starts all machines and ends them with its context.
type Rack struct {
	cfg   Config
	bays  []*bay
	ready chan struct{}
}

// bay is one machine with its BMC.
type bay struct {
	spec        racksim.Machine
	state       state
	certificate tls.Certificate
	fingerprint string

	tree     *mockup.Tree     // of a mockup, which has no hardware
	hardware racksim.Hardware // nil of a mockup
	taps     *link.Taps       // nil without NICs of its own
	service  service
	listener net.Listener
}

// service is a BMC: it answers on a listener until its context ends.
type service interface {
	Run(ctx context.Context, listener net.Listener, certificate tls.Certificate) error
}

// Bay is what a user needs to reach one machine.
type Bay struct {
	Name, Firmware string
	URL            string // of the BMC
	Username       string
	PasswordFile   string
	Fingerprint    string // SHA-256 of the BMC's certificate, 64 hexadecimal digits
	Console        string // log of the serial console
}

// New makes the machines' folders, passwords and certificates, and starts nothing.
func New(cfg Config) (*Rack, error) {
	r := &Rack{cfg: cfg, ready: make(chan struct{})}
	trees := shelf{}
	for _, spec := range cfg.Rack.Machines {
		b, err := newBay(cfg, spec, trees)
		if err != nil {
			return nil, err
		}
		r.bays = append(r.bays, b)
	}
	return r, nil
}

func newBay(cfg Config, spec racksim.Machine, trees shelf) (*bay, error) {
	b := &bay{spec: spec}
	var err error
	if b.tree, err = trees.open(spec); err != nil {
		return nil, err
	}
	if b.state, err = makeState(cfg.StateDir, spec); err != nil {
		return nil, err
	}
	if b.spec.BMC.Password, err = b.state.password(spec.BMC.Password); err != nil {
		return nil, err
	}
	b.certificate, b.fingerprint, err = b.state.certificate(b.address().Addr(), spec.Name, cfg.Now())
	return b, err
}

func (b *bay) address() netip.AddrPort {
	a, _ := netip.ParseAddrPort(b.spec.BMC.Address) // checked in the rack file
	return a
}

// Bays lists the machines in the order of the rack file.
func (r *Rack) Bays() []Bay {
	var all []Bay
	for _, b := range r.bays {
		all = append(all, Bay{
			Name: b.spec.Name, Firmware: b.spec.Firmware, URL: url(b.address()), Username: b.spec.BMC.Username,
			PasswordFile: b.state.passwordFile(), Fingerprint: b.fingerprint, Console: b.console(),
		})
	}
	return all
}

func url(a netip.AddrPort) string {
	host := a.Addr().String()
	if a.Addr().Is6() {
		host = "[" + host + "]"
	}
	if a.Port() == 443 {
		return "https://" + host
	}
	return "https://" + host + ":" + strconv.Itoa(int(a.Port()))
}

// String names the rack in logs.
func (r *Rack) String() string { return "rack " + r.cfg.Rack.Name }

// Ready is closed when every BMC listens and the machines that start on are on.
func (r *Rack) Ready() <-chan struct{} { return r.ready }

// Run starts everything and returns when ctx ends or a part fails; nothing is left
// running then, and taps and addresses are gone.
func (r *Rack) Run(ctx context.Context) error {
	held, err := lock(r.cfg.StateDir)
	if err != nil {
		return err
	}
	defer held.Close()
	s, err := r.connect()
	if err != nil {
		return err
	}
	if s.relay != nil {
		defer s.relay.Close()
	}
	if err := r.build(s); err != nil {
		return err
	}
	remove, err := r.addAddresses()
	defer remove()
	if err != nil {
		return err
	}
	if err := r.listen(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if s.relay != nil {
		group.Go(func() error { return s.relay.Run(ctx) })
	}
	for _, b := range r.bays {
		if b.hardware != nil {
			group.Go(func() error { return b.hardware.Run(ctx) })
		}
		group.Go(func() error { return b.service.Run(ctx, b.listener, b.certificate) })
		for i, nic := range b.spec.NICs {
			if nic.Switch != "" && b.taps != nil {
				group.Go(func() error { return link.Announce(ctx, b.taps.Names()[i], nic, r.cfg.Logger) })
			}
		}
	}
	group.Go(func() error { return r.powerOn(ctx) })
	return group.Wait()
}

// shared is what the machines of a rack have in common.
type shared struct {
	bridge  *link.Bridge
	relay   *scripted.Relay // nil without one
	benches *scripted.Benches
}

// connect finds the bridge and opens the relay, as far as the rack has them.
func (r *Rack) connect() (s shared, err error) {
	s.benches = scripted.NewBenches()
	if name := r.cfg.Rack.Bridge.Name; name != "" {
		if s.bridge, err = link.FindBridge(name); err != nil {
			return s, err
		}
	}
	if at := r.cfg.Rack.Relay; at.Listen != "" {
		listen, _ := netip.ParseAddr(at.Listen) // checked in the rack file
		server, _ := netip.ParseAddr(at.Server)
		var addresses scripted.Addresses
		if at.Interface != "" {
			if addresses, err = link.FindInterface(at.Interface, 32); err != nil {
				return s, err
			}
		}
		s.relay, err = scripted.OpenRelay(listen, server, addresses, r.cfg.Logger)
	}
	return s, err
}

// build makes hardware and BMC of every machine.
func (r *Rack) build(s shared) error {
	for _, b := range r.bays {
		if b.tree != nil {
			if err := b.replay(r.cfg); err != nil {
				return err
			}
			continue
		}
		setup := racksim.NewBootSetup(b.spec)
		if err := b.build(setup, s, r.cfg.Logger); err != nil {
			return err
		}
		b.service = redfish.New(redfish.Config{
			Rack: b.spec.Rack, Machine: b.spec, Hardware: b.hardware, Setup: setup, MediaDir: b.state.dir, Console: b.console(),
			SavePassword: b.state.savePassword, SaveCertificate: b.state.saveCertificate, Logger: r.cfg.Logger, Now: r.cfg.Now,
		})
	}
	return nil
}

// build makes the machine of its kind.
func (b *bay) build(setup *racksim.BootSetup, s shared, log *slog.Logger) error {
	if b.spec.Kind == racksim.KindScripted {
		b.hardware = scripted.New(scripted.Config{Machine: b.spec, Setup: setup, Dir: b.state.dir, Relay: s.relay, Benches: s.benches, Logger: log})
		return nil
	}
	b.taps = s.bridge.Taps(b.spec.Name, len(b.spec.NICs))
	machine, err := qemu.New(qemu.Config{Machine: b.spec, Setup: setup, Dir: b.state.dir, Taps: b.taps, Logger: log})
	if err != nil {
		return err
	}
	b.hardware = machine
	return nil
}

// addAddresses puts every BMC's address on the out-of-band interface. The function
// returned takes off those that were added, also after an error.
func (r *Rack) addAddresses() (func(), error) {
	var undo []func() error
	remove := func() {
		for i := len(undo) - 1; i >= 0; i-- {
			if err := undo[i](); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
				r.cfg.Logger.Warn("BMC address not removed", "error", err)
			}
		}
	}
	if r.cfg.Rack.OOB.Interface == "" {
		return remove, nil
	}
	oob, err := link.FindInterface(r.cfg.Rack.OOB.Interface, r.cfg.Rack.OOB.Prefix)
	if err != nil {
		return remove, err
	}
	added := map[netip.Addr]bool{} // BMCs may share an address on different ports
	for _, b := range r.bays {
		ip := b.address().Addr()
		if added[ip] {
			continue
		}
		added[ip] = true
		f, err := oob.Add(ip)
		if err != nil {
			return remove, err
		}
		undo = append(undo, f)
	}
	return remove, nil
}

// listen opens every BMC's port, or none.
func (r *Rack) listen() error {
	for _, b := range r.bays {
		var err error
		if b.listener, err = net.Listen("tcp", b.spec.BMC.Address); err != nil {
			r.closeListeners()
			return listenFault(b, err)
		}
	}
	return nil
}

func (r *Rack) closeListeners() {
	for _, b := range r.bays {
		if b.listener != nil {
			b.listener.Close()
		}
	}
}

func listenFault(b *bay, err error) error {
	f := fault.Unreachablef("BMC of %s cannot listen on %s: %w", b.spec.Name, b.spec.BMC.Address, err)
	switch {
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return f.WithHint("the address is not on this host: name an interface in oob, or use loopback addresses")
	case errors.Is(err, unix.EADDRINUSE):
		return f.WithHint("another program has the port: is this rack running already?")
	case errors.Is(err, os.ErrPermission):
		return f.WithHint("ports below 1024 need root or CAP_NET_BIND_SERVICE: write a port after the address, like %s:8443", b.address().Addr())
	}
	return f
}

// powerOn waits for all machines and switches on those that start on.
func (r *Rack) powerOn(ctx context.Context) error {
	for _, b := range r.bays {
		if b.hardware == nil {
			continue
		}
		select {
		case <-b.hardware.Ready():
		case <-ctx.Done():
			return nil
		}
	}
	for _, b := range r.bays {
		if b.spec.Power != "on" || b.hardware == nil {
			continue
		}
		if err := b.hardware.PowerOn(ctx); err != nil {
			return err
		}
	}
	close(r.ready)
	return nil
}

// Package qemu is a machine with real firmware: racksim.Hardware over the QEMU
// emulator. It is not a BMC and makes no network devices: taps come as open files.
package qemu

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/racksim"
)

// Config is one machine and where its files are.
type Config struct {
	Machine racksim.Machine
	Setup   *racksim.BootSetup // asked at every start of the firmware
	Dir     string             // console.log, disks, firmware variables
	Taps    Taps
	Logger  *slog.Logger
}

// Taps are the machine's NICs on the host.
type Taps interface {
	// Open makes one tap for each NIC of the machine, in order, without carrier.
	Open() ([]*os.File, error)
	// Carrier switches all links on or off.
	Carrier(up bool) error
	// Close removes the taps.
	Close() error
}

// resetPause is the least time between two starts when a guest resets itself in a loop.
const resetPause = time.Second

// Machine is one QEMU machine. It implements racksim.Hardware.
type Machine struct {
	Config
	binary string
	fw     firmware
	files  paths
	ready  chan struct{}

	verbs   sync.Mutex // one power verb at a time; guards what follows
	running bool       // between Ready and the end of Run
	proc    *process
	started time.Time
	image   string // ISO in the virtual drive
	taps    []*os.File
	console *console
	stderr  *console

	mu      sync.Mutex
	power   racksim.PowerState
	fault   error
	changed chan struct{}
}

// New checks that emulator and firmware are there. fault.NotFound says which package
// is missing.
func New(cfg Config) (*Machine, error) {
	on := platformOf(cfg.Machine.Arch)
	binary, err := on.findBinary()
	if err != nil {
		return nil, err
	}
	fw, err := findFirmware(cfg.Machine, on.uefi)
	if err != nil {
		return nil, err
	}
	return &Machine{
		Config: cfg, binary: binary, fw: fw, files: pathsIn(cfg.Dir),
		ready: make(chan struct{}), power: racksim.Off, changed: make(chan struct{}),
	}, nil
}

// String names the machine in logs.
func (m *Machine) String() string { return "machine " + m.Machine.Name }

// Console is the path of the serial console's log.
func (m *Machine) Console() string { return m.files.console }

// Ready is closed when power verbs work.
func (m *Machine) Ready() <-chan struct{} { return m.ready }

// Run holds the machine's files and taps until ctx ends, then switches it off.
func (m *Machine) Run(ctx context.Context) error {
	if err := m.open(); err != nil {
		m.close()
		return err
	}
	close(m.ready)
	<-ctx.Done()
	m.close()
	return nil
}

func (m *Machine) open() error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	for _, d := range m.Machine.Disks {
		if err := makeDisk(m.files.disk(d.Name), d.Size); err != nil {
			return err
		}
	}
	if err := makeVars(m.fw, m.files.vars); err != nil {
		return err
	}
	var err error
	if m.console, err = openConsole(m.files.console, consoleLimit); err != nil {
		return err
	}
	if m.stderr, err = openConsole(m.files.stderr, 1<<20); err != nil {
		return err
	}
	if m.taps, err = m.Taps.Open(); err != nil {
		return err
	}
	m.running = true
	return nil
}

func (m *Machine) close() {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	m.running = false
	m.stop()
	if m.taps != nil {
		if err := m.Taps.Close(); err != nil {
			m.Logger.Warn("tap not removed", "machine", m.Machine.Name, "error", err)
		}
	}
	for _, c := range []*console{m.console, m.stderr} {
		if c != nil {
			c.Close()
		}
	}
}

// begin starts the firmware with the boot that is due now. The caller holds verbs.
func (m *Machine) begin(ctx context.Context) error {
	boot := m.Setup.Next()
	if m.fw.code != "" {
		err := setHTTPBoot(m.files.vars, m.Machine, boot.HTTP)
		if err == nil && boot.Setup {
			err = enterSetup(m.files.vars)
		}
		if err == nil {
			err = m.trust(boot)
		}
		if err != nil {
			return fault.Internalf("firmware variables of %s: %w", m.Machine.Name, err).
				WithHint("remove %s to give the machine fresh ones", m.files.vars)
		}
	}
	for _, tap := range m.taps {
		drain(tap)
	}
	if err := m.Taps.Carrier(true); err != nil {
		return fault.Internalf("link of %s: %w", m.Machine.Name, err)
	}
	complaints := &tail{next: m.stderr}
	args := arguments(m.Machine, m.fw, m.files, boot, m.image)
	proc, err := launch(ctx, m.binary, args, m.taps, m.console, complaints)
	if err != nil {
		_ = m.Taps.Carrier(false)
		return m.launchFault(err, complaints.String())
	}
	m.proc, m.started = proc, time.Now()
	m.set(racksim.On, nil)
	m.Logger.Info("machine starts", "machine", m.Machine.Name, "boot", boot.Order, "http", boot.HTTP != nil)
	go m.watch(proc)
	return nil
}

// trust hands the firmware the authorities that its HTTPS trusts, where there are any.
func (m *Machine) trust(boot racksim.Boot) error {
	if !trusts(m.Machine, boot) {
		return nil
	}
	text, err := authorities(m.Machine.HTTPSCA, boot.Trust)
	if err != nil {
		return err
	}
	return setAuthorities(text, m.files.authorities)
}

func (m *Machine) launchFault(err error, complaint string) error {
	if complaint != "" {
		err = fmt.Errorf("%s", complaint)
	}
	return fault.Internalf("machine %s does not start: %w", m.Machine.Name, err).
		WithHint("see %s; option ROMs come with: apt-get install ipxe-qemu", m.files.stderr)
}

// stop ends the emulator if it runs. The caller holds verbs.
func (m *Machine) stop() {
	proc := m.proc
	m.proc = nil
	if proc != nil {
		proc.kill()
	}
	if m.taps != nil {
		_ = m.Taps.Carrier(false)
	}
	m.set(racksim.Off, nil)
}

// watch waits for the emulator's end and does what a server would: a guest that reset
// itself starts again, one that shut down stays off.
func (m *Machine) watch(proc *process) {
	<-proc.done
	m.verbs.Lock()
	defer m.verbs.Unlock()
	if m.proc != proc {
		return // ended on purpose, by a power verb
	}
	reason := proc.ended()
	m.Logger.Info("guest ended", "machine", m.Machine.Name, "reason", reason)
	m.proc = nil
	switch reason {
	case "guest-reset":
		m.pause()
		if err := m.begin(context.Background()); err != nil {
			m.fail(err)
		}
	case "guest-shutdown":
		m.stop()
	default:
		m.fail(fault.Internalf("emulator of %s ended unasked (%s)", m.Machine.Name, reason).WithHint("see %s", m.files.stderr))
	}
}

// pause keeps a guest that resets itself at once from using up the host.
func (m *Machine) pause() {
	if rest := resetPause - time.Since(m.started); rest > 0 {
		timer := time.NewTimer(rest)
		<-timer.C
	}
}

func (m *Machine) fail(err error) {
	_ = m.Taps.Carrier(false)
	m.set(racksim.Off, err)
	m.Logger.Error("machine failed", "machine", m.Machine.Name, "error", err)
}

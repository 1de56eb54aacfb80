// Package scripted is a machine that is a script: racksim.Hardware without firmware or
// processor that speaks the protocols of a booting server (DHCP, TFTP, HTTP, the agent's)
// over real sockets. It is not an emulator: nothing it loads is run.
package scripted

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"rackwright/racksim"
)

// Config is one machine and what it shares with the others of its rack.
type Config struct {
	Machine racksim.Machine
	Setup   *racksim.BootSetup // asked at every start of the firmware
	Dir     string             // console.log, and disk files where they are kept
	Relay   *Relay             // nil: no NIC is connected
	Benches *Benches
	Logger  *slog.Logger
}

// Machine is one scripted machine. It implements racksim.Hardware.
type Machine struct {
	Config
	ready chan struct{}
	tftp  uint16 // the servers' port

	verbs   sync.Mutex // one power verb at a time; guards what follows
	running bool       // between Ready and the end of Run
	life    *life

	mu      sync.Mutex
	power   racksim.PowerState
	changed chan struct{}
	listens bool               // an operating system is up and heeds the power button
	bios    string             // version of the firmware that started
	disks   map[string]*system // by device name; nil: nothing that boots
	emptied map[int]bool       // disks that lost what they held at first
}

// life is the machine from one power-on to the end of power.
type life struct {
	cancel  context.CancelFunc
	done    chan struct{}
	pressed chan struct{} // the power button
}

// New makes a machine that is off and whose disks are empty.
func New(cfg Config) *Machine {
	return &Machine{Config: cfg, tftp: tftpPort, ready: make(chan struct{}), power: racksim.Off, changed: make(chan struct{}), disks: map[string]*system{}, emptied: map[int]bool{}}
}

// String names the machine in logs.
func (m *Machine) String() string { return "machine " + m.Machine.Name }

// Ready is closed when power verbs work.
func (m *Machine) Ready() <-chan struct{} { return m.ready }

// Run holds the machine until ctx ends, then switches it off.
func (m *Machine) Run(ctx context.Context) error {
	m.verbs.Lock()
	m.running = true
	m.verbs.Unlock()
	close(m.ready)
	<-ctx.Done()
	m.verbs.Lock()
	defer m.verbs.Unlock()
	m.running = false
	m.stop()
	return nil
}

// Bounds of a life: restarts until the machine halts, the wait of firmware that found
// nothing to boot, and how long an agent that gave up lets a person read why.
const (
	maxStarts    = 200
	nothingBoots = 10 * time.Second
	beforeReboot = 20 * time.Second
)

// after is what a machine does when something that ran on it has ended.
type after uint8

const (
	nextDevice after = iota // firmware tries the next boot device
	restart                 // the firmware starts anew
	powerOff
)

// live starts the firmware again and again until something switches the machine off. A
// machine that restarts without end halts at last, powered on.
func (m *Machine) live(ctx context.Context, l *life) {
	for range maxStarts {
		boot := m.Setup.Next()
		m.say("firmware: power-on self test, boot order %v", boot.Order)
		m.mu.Lock()
		m.bios = boot.BIOS
		m.mu.Unlock()
		end := m.start(ctx, l, boot)
		if ctx.Err() != nil {
			return
		}
		if end == powerOff {
			m.say("powered off")
			m.set(racksim.Off)
			return
		}
	}
	m.say("firmware: restarted %d times in a row, halted", maxStarts)
	<-ctx.Done()
}

// start tries the boot devices of one start in their order.
func (m *Machine) start(ctx context.Context, l *life, boot racksim.Boot) after {
	m.stage(ctx)
	if boot.Setup {
		m.say("firmware: set-up")
		<-ctx.Done()
		return restart
	}
	if boot.HTTP != nil {
		for _, n := range m.Machine.NICs {
			if n.Boots() {
				if end := m.netboot(ctx, n, http, boot.HTTP.URI); end != nextDevice {
					return end
				}
				break
			}
		}
	}
	for _, name := range boot.Order {
		if ctx.Err() != nil {
			return restart
		}
		end := nextDevice
		if n, ok := m.nic(name); ok {
			end = m.netboot(ctx, n, pxe, "")
		} else if s := m.onDisk(name); s != nil {
			end = m.runSystem(ctx, l, s)
		}
		if end != nextDevice {
			return end
		}
	}
	m.say("firmware: nothing boots, starting over in %s", nothingBoots)
	pause(ctx, nothingBoots)
	return restart
}

func (m *Machine) nic(name string) (racksim.NIC, bool) {
	for _, n := range m.Machine.NICs {
		if n.Name == name {
			return n, true
		}
	}
	return racksim.NIC{}, false
}

// stage waits as long as the rack file wants each stage to take.
func (m *Machine) stage(ctx context.Context) { pause(ctx, m.Machine.Delay) }

// pause returns after d, or earlier when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// backoff waits before try n+1 (n from 1): doubling from a quarter second to 5 s, with
// jitter, for a thousand machines that fail in step must not return in step.
func backoff(ctx context.Context, n int) {
	d := min(250*time.Millisecond<<min(n-1, 10), 5*time.Second)
	pause(ctx, d/2+rand.N(d/2))
}

// port is a NIC that was given an address. Its connections come from that address when it
// is one of this host's, else from the host's own.
type port struct {
	local netip.Addr // invalid: the host chooses
}

// Package simtest is a machine that does at once what it is told, behind racksim's own BMC:
// for tests that need a Redfish service with something behind it. The service's own tests
// have a machine of theirs, which they can see into.
package simtest

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/racksim"
	"rackwright/racksim/redfish"
)

// Machine is racksim.Hardware of no substance.
type Machine struct {
	mu      sync.Mutex
	setup   *racksim.BootSetup
	power   racksim.PowerState
	changed chan struct{}
	starts  int
}

var _ racksim.Hardware = (*Machine)(nil)

// Start runs the BMC of a machine over TLS until the test ends, and returns its address.
// The machine is written as in a rack file, and is off.
func Start(t testing.TB, machine string) (*Machine, *redfish.Service, string) {
	t.Helper()
	rack, err := racksim.Parse([]byte("{rack: r1, bridge: {name: br0}, machines: [" + machine + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	spec := rack.Machines[0]
	m := &Machine{setup: racksim.NewBootSetup(spec), power: racksim.Off, changed: make(chan struct{})}
	dir := t.TempDir()
	service := redfish.New(redfish.Config{Rack: "r1", Machine: spec, Hardware: m, Setup: m.setup, MediaDir: dir, Console: filepath.Join(dir, "console.log"), Now: time.Now,
		SavePassword: func(string) error { return nil }, Logger: slog.New(slog.DiscardHandler)})
	return m, service, "https://" + serve(t, service)
}

func serve(t testing.TB, service *redfish.Service) string {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // of its certificate
	certificate := lender.TLS.Certificates[0]
	lender.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx, l, certificate) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("racksim's BMC: %v", err)
		}
	})
	return l.Addr().String()
}

// Starts is how often it started.
func (m *Machine) Starts() int { m.mu.Lock(); defer m.mu.Unlock(); return m.starts }

// Run does nothing until ctx ends.
func (m *Machine) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Ready is at once.
func (m *Machine) Ready() <-chan struct{} { c := make(chan struct{}); close(c); return c }

// Fault is none.
func (m *Machine) Fault() error { return nil }

// Interrupt does nothing.
func (m *Machine) Interrupt(context.Context) error { return nil }

// Insert takes any image.
func (m *Machine) Insert(context.Context, string) error { return nil }

// Power is the state now.
func (m *Machine) Power() racksim.PowerState { m.mu.Lock(); defer m.mu.Unlock(); return m.power }

// Changed is closed when the power changes.
func (m *Machine) Changed() <-chan struct{} { m.mu.Lock(); defer m.mu.Unlock(); return m.changed }

// PowerOn starts it, if it is off.
func (m *Machine) PowerOn(context.Context) error { return m.turn(racksim.On, false) }

// ForceOff takes the power away.
func (m *Machine) ForceOff(context.Context) error { return m.turn(racksim.Off, false) }

// Restart starts it again; Conflict when it is off.
func (m *Machine) Restart(context.Context) error { return m.turn(racksim.On, true) }

// PressPower shuts it down; Conflict when it is off.
func (m *Machine) PressPower(context.Context) error { return m.turn(racksim.Off, true) }

func (m *Machine) turn(to racksim.PowerState, needsOn bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if needsOn && m.power == racksim.Off {
		return fault.Conflictf("the machine is off")
	}
	if to == racksim.On && (needsOn || m.power == racksim.Off) {
		m.starts++
		m.setup.Next()
	}
	m.power = to
	close(m.changed)
	m.changed = make(chan struct{})
	return nil
}

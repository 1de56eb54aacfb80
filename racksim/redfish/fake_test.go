package redfish

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/racksim"
)

const testPassword = "racked-and-stacked"

// fake is a machine that does at once what it is told. It shuts down by its power
// button unless deaf.
type fake struct {
	mu      sync.Mutex
	setup   *racksim.BootSetup
	power   racksim.PowerState
	changed chan struct{}
	deaf    bool
	broken  error
	boots   []racksim.Boot
	verbs   []string
	image   string
}

func newFake(setup *racksim.BootSetup) *fake {
	return &fake{setup: setup, power: racksim.Off, changed: make(chan struct{})}
}

func (f *fake) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (f *fake) Ready() <-chan struct{}        { c := make(chan struct{}); close(c); return c }

func (f *fake) Power() racksim.PowerState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.power
}

func (f *fake) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fake) Fault() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

// do records a verb and the power state after it.
func (f *fake) do(verb string, needsOn bool, next racksim.PowerState, boots bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if needsOn && f.power == racksim.Off {
		return fault.Conflictf("machine is off")
	}
	f.verbs = append(f.verbs, verb)
	if boots {
		f.boots = append(f.boots, f.setup.Next())
	}
	f.power = next
	close(f.changed)
	f.changed = make(chan struct{})
	return nil
}

func (f *fake) PowerOn(context.Context) error   { return f.do("on", false, racksim.On, true) }
func (f *fake) ForceOff(context.Context) error  { return f.do("off", false, racksim.Off, false) }
func (f *fake) Restart(context.Context) error   { return f.do("restart", true, racksim.On, true) }
func (f *fake) Interrupt(context.Context) error { return f.do("nmi", true, racksim.On, false) }

func (f *fake) PressPower(context.Context) error {
	if f.deaf {
		return f.do("button", true, racksim.On, false)
	}
	return f.do("button", true, racksim.Off, false)
}

func (f *fake) Insert(_ context.Context, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.image = path
	return nil
}

// await waits for the machine's record to satisfy ok.
func (f *fake) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		f.mu.Lock()
		changed, good := f.changed, ok()
		f.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("never: %s (verbs %v)", what, f.verbs)
		}
	}
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a BMC under test, listening with TLS on loopback.
type bench struct {
	url     string
	client  *http.Client
	service *Service
	machine *fake
	clock   *clock
	saved   []string // passwords handed to SavePassword
	anchor  []byte   // its certificate, PEM
	chain   []byte   // certificates handed to SaveCertificate
}

func newBench(t *testing.T, firmware string) *bench {
	t.Helper()
	return newBenchIn(t, firmware, t.TempDir(), nil)
}

// newBenchIn keeps its state in dir; change has the last word about the machine.
func newBenchIn(t *testing.T, firmware, dir string, change func(*racksim.Machine)) *bench {
	t.Helper()
	rack, err := racksim.Parse(fmt.Appendf(nil, `{rack: r1, bridge: {name: br0}, machines: [{name: node1, u: 10, firmware: %s, memory: 2048, cpus: 2,
		serial: RS0001, nics: [{mac: "52:54:00:77:00:01"}, {mac: "52:54:00:77:00:02"}],
		disks: [{size: 2GiB, serial: DISK0001}, {size: 4GiB, serial: DISK0002, bus: nvme}],
		bmc: {address: 127.0.0.1, mac: "52:54:00:77:ff:01"}}]}`, firmware))
	if err != nil {
		t.Fatal(err)
	}
	spec := rack.Machines[0]
	spec.BMC.Password, spec.BMC.Restart = testPassword, time.Millisecond
	if change != nil {
		change(&spec)
	}
	b := &bench{clock: &clock{now: time.Now()}}
	setup := racksim.NewBootSetup(spec)
	b.machine = newFake(setup)
	b.service = New(Config{
		Rack: "r1", Machine: spec, Hardware: b.machine, Setup: setup, MediaDir: dir, Now: b.clock.Now,
		SavePassword:    func(p string) error { b.saved = append(b.saved, p); return nil },
		SaveCertificate: func(chain, _ []byte) error { b.chain = chain; return nil },
		Logger:          slog.New(slog.DiscardHandler),
	})
	b.serve(t)
	return b
}

func (b *bench) serve(t *testing.T) {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil) // for its certificate
	certificate := borrowed.TLS.Certificates[0]
	borrowed.Close()
	b.anchor = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.service.Run(ctx, listener, certificate) }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	b.url = "https://" + listener.Addr().String()
	b.client = &http.Client{Transport: transport}
}

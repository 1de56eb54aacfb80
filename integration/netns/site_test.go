package netns

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/boot"
	"rackwright/boot/serve"
	"rackwright/boot/trace"
	"rackwright/dhcp"
	"rackwright/dhcp/listen"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/tftp"
	tftplisten "rackwright/tftp/listen"
)

const (
	knownMAC    = "52:54:00:77:00:01" // reserved 10.77.0.11, boots its own disk
	deployMAC   = "52:54:00:77:00:02" // reserved 10.77.0.12, an operation wants it
	strangerMAC = "52:54:00:99:00:09"
	secondMAC   = "52:54:00:78:00:01" // reserved 10.78.0.11 on the second network
	farMAC      = "52:54:00:79:00:01" // reserved 10.79.0.11 behind a relay
	nonce       = "n0nce0123456789"
)

// site is the servers over a small inventory: network prov on br0, network lend on br1.
type site struct {
	t         *testing.T
	events    chan journal.Event
	sightings chan boot.Sighting
	view      *boot.View
	leases    *dhcp.MemoryLender
	packets   *trace.Ring
	gate      sync.RWMutex // who holds it holds up all answers
}

func (s *site) Record(e journal.Event)  { s.events <- e }
func (s *site) Sighted(g boot.Sighting) { s.sightings <- g }
func (s *site) current() *boot.View {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.view
}
func (s *site) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
func (s *site) reserved(a netip.Addr) bool { return s.view.HostAt(a) != nil }

// Begin, Check and Script make the site boot's lobby: one nonce, no strangers.
func (s *site) Begin(context.Context, *boot.Host) (string, error) { return nonce, nil }

func (s *site) Check(_ context.Context, n string) (*boot.Host, error) {
	if n != nonce {
		return nil, fault.Deniedf("this boot is unknown or over")
	}
	return s.view.Host(parse(deployMAC)), nil
}

func (s *site) Script(context.Context, boot.Sighting) (*boot.Host, error) { return nil, nil }

func parse(mac string) inventory.MAC {
	m, err := inventory.ParseMAC(mac)
	if err != nil {
		panic(err)
	}
	return m
}

func inventoryView() *boot.View {
	addr := netip.MustParseAddr
	prov := &inventory.Network{ID: "1", Name: "prov", Prefix: netip.MustParsePrefix("10.77.0.0/24"), Gateway: addr("10.77.0.1"), DNS: []netip.Addr{addr("10.77.0.53")},
		Domain: "lab.example", DHCP: inventory.DHCPAuthoritative, Strangers: inventory.StrangerIgnore, LeaseSeconds: 3600, RouterAdverts: true}
	lend := &inventory.Network{ID: "2", Name: "lend", Prefix: netip.MustParsePrefix("10.78.0.0/24"), DHCP: inventory.DHCPReservations,
		Strangers: inventory.StrangerDiscover, LeaseSeconds: 600, Pool: inventory.Pool{First: addr("10.78.0.100"), Last: addr("10.78.0.110")}}
	far := &inventory.Network{ID: "3", Name: "far", Prefix: netip.MustParsePrefix("10.79.0.0/24"), Gateway: addr("10.79.0.1"), DHCP: inventory.DHCPReservations, LeaseSeconds: 600}
	beside := &inventory.Network{ID: "4", Name: "beside", Prefix: netip.MustParsePrefix("10.80.0.0/24"), DHCP: inventory.DHCPProxy, Strangers: inventory.StrangerDiscover}
	return boot.NewView(1, []*inventory.Network{prov, lend, far, beside}, []*boot.Host{
		{Machine: "m1", Name: "r1-u1", MAC: parse(knownMAC), Network: prov.Name, Address: addr("10.77.0.11"), Firmware: inventory.BIOS},
		{Machine: "m2", Name: "r1-u2", MAC: parse(deployMAC), Network: prov.Name, Address: addr("10.77.0.12"), Firmware: inventory.UEFI, Intent: boot.RunAgent},
		{Machine: "m3", Name: "r1-u3", MAC: parse(secondMAC), Network: lend.Name, Address: addr("10.78.0.11")},
		{Machine: "m4", Name: "r9-u1", MAC: parse(farMAC), Network: far.Name, Address: addr("10.79.0.11")},
	})
}

// newSite makes both bridges and runs the three servers until the test ends.
func newSite(t *testing.T, change ...func(*tftplisten.Server)) *site {
	return newSiteOf(t, inventoryView(), change...)
}

func newSiteOf(t *testing.T, v *boot.View, change ...func(*tftplisten.Server)) *site {
	needRoot(t)
	need(t, "nsenter", "util-linux")
	s := &site{t: t, events: make(chan journal.Event, 1000), sightings: make(chan boot.Sighting, 1000), view: v}
	bridge(t, "br0", "10.77.0.1/24")
	bridge(t, "br1", "10.78.0.1/24")
	addAddress(t, "br0", "fd77::1/64")
	s.serve(change...)
	return s
}

// serve runs the three servers until the test ends.
func (s *site) serve(change ...func(*tftplisten.Server)) {
	s.t.Helper()
	files := s.files()
	sender := &tftplisten.Server{View: s.current, Files: tftp.Shelf{Loaders: boot.NewLoaders()}, Rendered: serve.OverTFTP{Server: files, Port: 8080}, Journal: s, Log: s.log(), Now: time.Now}
	for _, f := range change {
		f(sender)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(func() { cancel(); wg.Wait() })
	for _, task := range []task{s.dhcp(), sender} {
		failed := make(chan error, 1)
		wg.Go(func() { failed <- task.Run(ctx) })
		select {
		case <-task.Ready():
		case err := <-failed:
			s.t.Fatal(err)
		}
	}
	s.http(ctx, &wg, files)
}

type task interface {
	Run(context.Context) error
	Ready() <-chan struct{}
}

// lender is one for DHCP and HTTP.
func (s *site) lender() *dhcp.MemoryLender {
	if s.leases == nil {
		s.leases = dhcp.NewMemoryLender(time.Now, time.Hour, s.reserved)
	}
	return s.leases
}

func (s *site) dhcp() *listen.Server {
	s.packets = trace.New(1, nil)
	return &listen.Server{View: s.current, Lender: s.lender(), Journal: s, Sighter: s, Tracer: s.packets,
		Settings: dhcp.Settings{HTTPPort: 8080}, Log: s.log(), Now: time.Now}
}

// files has the scripts and a ramdisk of known bytes.
func (s *site) files() *serve.Server {
	dir := s.t.TempDir()
	must(s.t, os.Mkdir(filepath.Join(dir, "amd64"), 0o755))
	must(s.t, os.WriteFile(filepath.Join(dir, "amd64", "vmlinuz"), []byte("the kernel's bytes"), 0o644))
	must(s.t, os.WriteFile(filepath.Join(dir, "amd64", "initrd"), []byte(strings.Repeat("ramdisk ", 1<<20)), 0o644))
	return &serve.Server{View: s.current, Loaders: boot.NewLoaders(), Boots: s, Strangers: s, Leases: s.lender(), Journal: s, Log: s.log(), Now: time.Now,
		Ramdisks: dir, AgentPort: 8443, AgentPin: "ab12"}
}

// http serves them and the loaders on port 8080.
func (s *site) http(ctx context.Context, wg *sync.WaitGroup, files *serve.Server) {
	r := chi.NewRouter()
	files.Routes(r)
	l, err := net.Listen("tcp", ":8080")
	must(s.t, err)
	srv := serve.NewHTTP("", r, s.log())
	wg.Go(func() { _ = srv.Serve(l) })
	context.AfterFunc(ctx, func() { _ = srv.Close() })
}

// await returns the next event that fits.
func (s *site) await(what string, fits func(journal.Event) bool) journal.Event {
	s.t.Helper()
	e, ok := s.within(15*time.Second, fits)
	if !ok {
		s.t.Fatalf("%s did not happen within 15 s", what)
	}
	return e
}

// within returns the next event that fits if one comes in time.
func (s *site) within(d time.Duration, fits func(journal.Event) bool) (journal.Event, bool) {
	deadline := time.After(d)
	for {
		select {
		case e := <-s.events:
			if fits(e) {
				return e, true
			}
		case <-deadline:
			return journal.Event{}, false
		}
	}
}

func rule(r dhcp.Rule, mac string) func(journal.Event) bool {
	return func(e journal.Event) bool { return e.Detail["rule"] == string(r) && e.MAC == parse(mac) }
}

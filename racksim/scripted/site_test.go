package scripted

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/pin/tftp/v3"
	"go.uber.org/goleak"

	"rackwright/agent/wire"
	"rackwright/images/imagetest"
	"rackwright/inventory"
	"rackwright/racksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is all the servers a machine meets, from memory.
type site struct {
	t     testing.TB
	relay *Relay
	boot  *httptest.Server // scripts, kernels, phone home
	agent *httptest.Server
	tftp  uint16

	manifest []byte
	digest   string
	frames   map[string][]byte

	mu     sync.Mutex
	damage bool // the bytes of chunks are wrong
	deploy map[string]bool
	turn   map[string]int // of the orders, by MAC
	ended  map[string]wire.Event
	phoned map[string]int // by host name
	seen   map[string]int // requests by kind
	facts  map[string]inventory.Facts
}

const pxeFile = "loader.pxe"

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, deploy: map[string]bool{}, turn: map[string]int{}, ended: map[string]wire.Event{}, phoned: map[string]int{}, seen: map[string]int{}, facts: map[string]inventory.Facts{}}
	s.image(bytes.Repeat([]byte("an image of an operating system "), (6<<20)/32))
	s.boot = httptest.NewServer(nethttp.HandlerFunc(s.serveBoot))
	s.agent = httptest.NewTLSServer(nethttp.HandlerFunc(s.serveAgent))
	s.serveTFTP()
	s.serveDHCP()
	t.Cleanup(func() { s.boot.Close(); s.agent.Close() })
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) image(b []byte) {
	m, frames, err := imagetest.Pack(b)
	ok(s.t, err)
	s.frames = frames
	s.manifest, s.digest, err = m.Encode()
	ok(s.t, err)
}

func (s *site) serveTFTP() {
	srv := tftp.NewServer(func(name string, rf io.ReaderFrom) error {
		s.note("tftp " + name)
		if name != pxeFile {
			return fmt.Errorf("no such file")
		}
		_, err := rf.ReadFrom(strings.NewReader(strings.Repeat("loader", 5000)))
		return err
	}, nil)
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	ok(s.t, err)
	s.tftp = uint16(conn.LocalAddr().(*net.UDPAddr).Port)
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(conn) }()
	s.t.Cleanup(func() { srv.Shutdown(); conn.Close(); <-done })
}

// serveDHCP answers relayed messages and runs the relay.
func (s *site) serveDHCP() {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	ok(s.t, err)
	_ = server.SetReadBuffer(4 << 20)
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	ok(s.t, err)
	s.relay = newRelay(conn, netip.MustParseAddr("127.0.0.1"), server.LocalAddr().(*net.UDPAddr).AddrPort(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { _ = s.relay.Run(ctx) })
	tasks.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if m, err := dhcpv4.FromBytes(buf[:n]); err == nil {
				server.WriteToUDPAddrPort(s.answerDHCP(m).ToBytes(), from)
			}
		}
	})
	s.t.Cleanup(func() { cancel(); server.Close(); tasks.Wait() })
}

func (s *site) answerDHCP(m *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	kind := map[dhcpv4.MessageType]dhcpv4.MessageType{dhcpv4.MessageTypeDiscover: dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeRequest: dhcpv4.MessageTypeAck}[m.MessageType()]
	file, class := "", m.ClassIdentifier()
	switch {
	case len(m.UserClass()) > 0:
		file = s.boot.URL + "/script?mac=" + m.ClientHWAddr.String()
	case strings.HasPrefix(class, "PXEClient"):
		file = pxeFile
	case strings.HasPrefix(class, "HTTPClient"):
		file = s.boot.URL + "/loader"
	}
	s.note("dhcp " + m.MessageType().String())
	if m.GatewayIPAddr.String() != "127.0.0.1" || m.HopCount != 1 {
		s.note("dhcp without relay")
	}
	r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(net.IPv4(198, 51, 100, m.ClientHWAddr[5])),
		dhcpv4.WithServerIP(net.IPv4(127, 0, 0, 1)), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(127, 0, 0, 1))))
	ok(s.t, err)
	if len(file) > 0 {
		r.UpdateOption(dhcpv4.OptBootFileName(file))
	}
	return r
}

func (s *site) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[what]++
}

func (s *site) serveBoot(w nethttp.ResponseWriter, r *nethttp.Request) {
	s.note("http " + r.URL.Path)
	switch r.URL.Path {
	case "/script":
		mac := r.URL.Query().Get("mac")
		s.mu.Lock()
		deploy := s.deploy[mac] && s.turn[mac] < 2
		s.mu.Unlock()
		if !deploy {
			io.WriteString(w, "#!ipxe\necho own disk\niseq ${platform} efi && exit 1 ||\nsanboot --no-describe --drive 0x80 || exit 1\n")
			return
		}
		sum := sha256.Sum256(s.agent.Certificate().Raw)
		fmt.Fprintf(w, "#!ipxe\nset tries:int32 0\n:load\nimgfree\nkernel --name vmlinuz %s/vmlinuz initrd=initrd %s=%s %s=%x %s=%s || goto again\ninitrd --name initrd %s/initrd || goto again\nboot || goto again\n:again\nreboot\n",
			s.boot.URL, wire.KeyServer, s.agent.URL, wire.KeyPin, sum, wire.KeyNonce, mac, s.boot.URL)
	case "/vmlinuz", "/initrd", "/loader":
		io.WriteString(w, strings.Repeat("kernel", 10000))
	case "/phone":
		s.mu.Lock()
		s.phoned[r.PostFormValue("hostname")]++
		s.mu.Unlock()
	default:
		nethttp.NotFound(w, r)
	}
}

// serveAgent gives each machine a write order, then one to reboot. The nonce and the
// session are the MAC.
func (s *site) serveAgent(w nethttp.ResponseWriter, r *nethttp.Request) {
	mac := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	_, last, _ := strings.Cut(r.URL.Path, "/agent/v1/")
	switch {
	case last == "checkin":
		var in wire.CheckIn
		_ = json.NewDecoder(r.Body).Decode(&in)
		s.mu.Lock()
		s.facts[in.Nonce] = in.Facts
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(wire.Welcome{Session: in.Nonce, Machine: "m"})
	case last == "order":
		s.order(w, mac)
	case last == "events":
		var e wire.Event
		_ = json.NewDecoder(r.Body).Decode(&e)
		s.mu.Lock()
		if e.Stage == wire.Completed || e.Stage == wire.Restarting {
			s.turn[mac]++
		}
		s.ended[mac] = e
		s.mu.Unlock()
		w.WriteHeader(nethttp.StatusNoContent)
	case strings.HasPrefix(last, "manifest/"):
		_, _ = w.Write(s.manifest)
	default:
		frame := bytes.Clone(s.frames[strings.TrimPrefix(last, "chunk/")])
		if s.damage {
			frame[len(frame)-1] ^= 1
		}
		nethttp.ServeContent(w, r, "", time.Time{}, bytes.NewReader(frame))
	}
}

func (s *site) order(w nethttp.ResponseWriter, mac string) {
	s.mu.Lock()
	turn, e := s.turn[mac], s.ended[mac]
	s.mu.Unlock()
	o := wire.Order{ID: fmt.Sprint(mac, turn), Verb: wire.Reboot}
	if turn == 0 {
		if e.Stage == wire.Refused || e.Stage == wire.Failed {
			o.Verb = wire.Stay
		} else {
			o.Verb = wire.Write
		}
		o.Write = &wire.WriteOrder{Image: "small", Digest: s.digest, Disk: inventory.DiskHint{Serial: "D-" + mac[12:]}, Seed: wire.Seed{Files: []wire.SeedFile{
			{Name: "meta-data", Content: fmt.Sprintf(`{"instance-id": "i", "local-hostname": "host-%s"}`, strings.ReplaceAll(mac, ":", "-"))},
			{Name: "vendor-data", Content: "#cloud-config\n" + fmt.Sprintf(`{"phone_home": {"url": "%s/phone", "post": ["instance_id", "hostname"], "tries": 3}}`, s.boot.URL)}}}}
	}
	_ = json.NewEncoder(w).Encode(o)
}

// machine racks a machine at the site and runs it until the test ends.
func (s *site) machine(i int, edit func(*racksim.Machine)) (*Machine, string) {
	s.t.Helper()
	mac := fmt.Sprintf("52:54:00:%02x:%02x:%02x", i>>16&255, i>>8&255, i&255)
	yes := true
	spec := racksim.Machine{Name: fmt.Sprintf("m%d", i), Kind: racksim.KindScripted, Firmware: racksim.BIOS, Serial: fmt.Sprint("S", i), UUID: fmt.Sprintf("00000000-0000-4000-8000-%012x", i),
		Memory: 1024, CPUs: 1, Boot: []string{racksim.ClassNetwork, racksim.ClassDisk},
		NICs: []racksim.NIC{{Name: "nic1", MAC: mac, Boot: &yes}}, Disks: []racksim.Disk{{Name: "disk1", Size: 64 << 20, Serial: "D-" + mac[12:], Bus: "virtio"}}}
	if edit != nil {
		edit(&spec)
	}
	m := New(Config{Machine: spec, Setup: racksim.NewBootSetup(spec), Dir: s.t.TempDir(), Relay: s.relay, Benches: benches(s), Logger: slog.New(slog.DiscardHandler)})
	m.tftp = s.tftp
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	<-m.Ready()
	s.t.Cleanup(func() { cancel(); <-done })
	return m, mac
}

var shared sync.Map

// benches are one set for a site, as a rack has it.
func benches(s *site) *Benches {
	b, _ := shared.LoadOrStore(s, NewBenches())
	return b.(*Benches)
}

// until waits for a condition of the site.
func (s *site) until(what string, is func() bool) {
	s.t.Helper()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		yes := is()
		s.mu.Unlock()
		if yes {
			return
		}
		select {
		case <-deadline.C:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("%s: not within a minute; seen %v, reports %.2000v", what, s.seen, fmt.Sprint(s.ended))
		case <-tick.C:
		}
	}
}

package netns

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/journal"
)

// dhclientOnce runs ISC's client until it has a lease and returns its lease file. The
// client changes nothing in the namespace.
func dhclientOnce(t *testing.T, m *machine) string {
	t.Helper()
	bin, dir := need(t, "dhclient", "isc-dhcp-client"), t.TempDir()
	lease, conf, pid := filepath.Join(dir, "leases"), filepath.Join(dir, "conf"), filepath.Join(dir, "pid")
	must(t, os.WriteFile(conf, []byte("timeout 15;\nrequest subnet-mask, routers, domain-name, domain-name-servers, host-name;\n"), 0o644))
	p := m.start(bin, "-1", "-d", "-4", "-q", "-cf", conf, "-sf", "/bin/true", "-lf", lease, "-pf", pid, "eth0")
	defer p.Kill()
	for range 300 { // it writes whole leases
		if b, _ := os.ReadFile(lease); strings.HasSuffix(strings.TrimSpace(string(b)), "}") {
			return string(b)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("dhclient got no lease in 30 s")
	return ""
}

func TestAnInstalledSystemGetsItsReservedAddressAndNoBootFile(t *testing.T) {
	s := newSite(t)
	lease := dhclientOnce(t, plug(t, "br0", knownMAC))
	contains(t, lease, "fixed-address 10.77.0.11", "option routers 10.77.0.1", "option domain-name-servers 10.77.0.53",
		`option domain-name "lab.example"`, `option host-name "r1-u1"`, "option dhcp-server-identifier 10.77.0.1", "option dhcp-lease-time 3600")
	if strings.Contains(lease, "filename") {
		t.Errorf("a boot file was given to an installed system:\n%s", lease)
	}
	e := s.await("the ACK", rule(dhcp.Acked, knownMAC))
	if e.Machine != "m1" || e.Detail["address"] != "10.77.0.11" || e.Detail["interface"] != "br0" {
		t.Errorf("event is %+v", e)
	}
}

func TestBusyBoxGetsItsReservedAddress(t *testing.T) {
	newSite(t)
	box := need(t, "busybox", "busybox")
	out, err := plug(t, "br0", knownMAC).run(box, "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", "/bin/true", "-t", "5", "-T", "2")
	must(t, err)
	contains(t, out, "lease of 10.77.0.11 obtained")
}

func TestAStrangerIsLeftAloneOnOneNetworkAndLentAnAddressOnTheOther(t *testing.T) {
	s := newSite(t)
	e := s.discover(plug(t, "br0", strangerMAC), strangerMAC, rule(dhcp.Stranger, strangerMAC))
	if e.Kind != journal.DHCPIgnored || !strings.Contains(e.Summary, "no rack plan") {
		t.Errorf("event is %+v", e)
	}
	contains(t, dhclientOnce(t, plug(t, "br1", strangerMAC)), "fixed-address 10.78.0.100")
}

func TestTheAnswerLeavesOnTheInterfaceTheQuestionCameInOn(t *testing.T) {
	s := newSite(t)
	contains(t, dhclientOnce(t, plug(t, "br1", secondMAC)), "fixed-address 10.78.0.11", "option dhcp-server-identifier 10.78.0.1")
	contains(t, dhclientOnce(t, plug(t, "br0", knownMAC)), "fixed-address 10.77.0.11", "option dhcp-server-identifier 10.77.0.1")
	s.discover(plug(t, "br1", knownMAC), knownMAC, rule(dhcp.WrongNetwork, knownMAC))
}

func TestANewInterfaceIsServedWithoutARestart(t *testing.T) {
	s := newSite(t)
	bridge(t, "br2", "")
	m := plug(t, "br2", knownMAC)
	addAddress(t, "br2", "10.77.0.2/24")
	lease := request(t, m, knownMAC)
	if got := lease.ACK.ServerIdentifier().String(); got != "10.77.0.2" {
		t.Errorf("answered by %s", got)
	}
	s.await("the ACK", rule(dhcp.Acked, knownMAC))
}

func TestARenewalIsAnsweredByUnicastAndAReleaseIsNoted(t *testing.T) {
	s := newSite(t)
	m := plug(t, "br0", knownMAC)
	lease := request(t, m, knownMAC)
	m.address("10.77.0.11/24")
	m.within(func() {
		from := &net.UDPAddr{IP: net.IPv4(10, 77, 0, 11), Port: 68}
		c, err := net.ListenUDP("udp4", from)
		must(t, err)
		defer c.Close()
		renew, err := dhcpv4.NewRenewFromAck(lease.ACK)
		must(t, err)
		_, err = c.WriteTo(renew.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 77, 0, 1), Port: 67})
		must(t, err)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, 1500)
		n, src, err := c.ReadFromUDP(buf)
		must(t, err)
		ack, err := dhcpv4.FromBytes(buf[:n])
		must(t, err)
		if ack.MessageType() != dhcpv4.MessageTypeAck || src.IP.String() != "10.77.0.1" || src.Port != 67 {
			t.Errorf("%s from %s", ack.MessageType(), src)
		}
		release, err := dhcpv4.NewReleaseFromACK(lease.ACK)
		must(t, err)
		_, err = c.WriteTo(release.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 77, 0, 1), Port: 67})
		must(t, err)
	})
	s.await("the RELEASE", rule(dhcp.Released, knownMAC))
}

func TestALoaderThatWaitsForARouterIsToldThereIsNone(t *testing.T) {
	newSite(t)
	m := plug(t, "br0", knownMAC)
	m.within(func() {
		c, err := icmp.ListenPacket("ip6:ipv6-icmp", "::")
		must(t, err)
		defer c.Close()
		var only ipv6.ICMPFilter
		only.SetAll(true)
		only.Accept(ipv6.ICMPTypeRouterAdvertisement)
		must(t, c.IPv6PacketConn().SetICMPFilter(&only))
		must(t, c.IPv6PacketConn().SetMulticastHopLimit(255))
		solicit, err := (&icmp.Message{Type: ipv6.ICMPTypeRouterSolicitation, Body: &icmp.RawBody{Data: make([]byte, 4)}}).Marshal(nil)
		must(t, err)
		buf := make([]byte, 1500)
		for range 40 {
			_, err = c.WriteTo(solicit, &net.IPAddr{IP: net.IPv6linklocalallrouters, Zone: "eth0"})
			_ = c.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
			if n, _, rerr := c.ReadFrom(buf); rerr == nil {
				if n != 16 || buf[6] != 0 || buf[7] != 0 {
					t.Errorf("advertisement %x: lifetime is not 0 or options are there", buf[:n])
				}
				return
			}
		}
		t.Errorf("no advertisement within 10 s (last send: %v)", err)
	})
}

func TestASecondServerOnThePortIsToldSo(t *testing.T) {
	s := newSite(t)
	err := s.dhcp().Run(t.Context())
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.HintOf(err), "ss -ulpn 'sport = :67'") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
}

func TestWithoutTheRightToPort67TheHintSaysHowToGiveIt(t *testing.T) {
	needRoot(t)
	s := &site{t: t, view: inventoryView()}
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never back: this thread alone gives its rights up
		keep := ^uintptr(0)
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, keep, 65534, keep); e != 0 {
			failed <- e
			return
		}
		failed <- s.dhcp().Run(t.Context())
	}()
	if err := <-failed; !fault.Is(err, fault.Denied) || !strings.Contains(fault.HintOf(err), "setcap") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
}

// request takes a lease as nclient4 does; it repeats itself until answered.
func request(t *testing.T, m *machine, mac string, mods ...dhcpv4.Modifier) (lease *nclient4.Lease) {
	t.Helper()
	m.within(func() {
		c, err := nclient4.New("eth0", nclient4.WithTimeout(300*time.Millisecond), nclient4.WithRetry(20), nclient4.WithHWAddr(hardware(t, mac)))
		must(t, err)
		defer c.Close()
		lease, err = c.Request(t.Context(), mods...)
		must(t, err)
	})
	return lease
}

// discover sends DHCPDISCOVERs, to which no answer is expected, until one that fits is
// in the journal: the first may be lost while the link comes up.
func (s *site) discover(m *machine, mac string, fits func(journal.Event) bool) (seen journal.Event) {
	s.t.Helper()
	m.within(func() {
		c, err := nclient4.NewRawUDPConn("eth0", 68)
		must(s.t, err)
		defer c.Close()
		for range 50 {
			d, err := dhcpv4.NewDiscovery(hardware(s.t, mac))
			must(s.t, err)
			_, err = c.WriteTo(d.ToBytes(), nclient4.DefaultServers)
			must(s.t, err)
			if e, ok := s.within(300*time.Millisecond, fits); ok {
				seen = e
				return
			}
		}
		s.t.Error("no DISCOVER arrived within 15 s")
	})
	return seen
}

func hardware(t *testing.T, mac string) net.HardwareAddr {
	hw, err := net.ParseMAC(mac)
	must(t, err)
	return hw
}

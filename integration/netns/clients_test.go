package netns

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"rackwright/dhcp"
	"rackwright/inventory"
	"rackwright/journal"
)

// start runs a program in the machine's namespace until the test ends.
func (m *machine) start(name string, args ...string) *os.Process {
	m.t.Helper()
	all := append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", m.pid), name}, args...)
	cmd := exec.Command("nsenter", all...) // becomes the program
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = m.t.TempDir(), m.t.Output(), m.t.Output(), 5*time.Second
	must(m.t, cmd.Start())
	m.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process
}

// cable gives a machine one more NIC.
func (m *machine) cable(br, name, address string) {
	m.t.Helper()
	master, err := netlink.LinkByName(br)
	must(m.t, err)
	host := fmt.Sprintf("w%d", m.pid)
	must(m.t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: host, MasterIndex: master.Attrs().Index}, PeerName: name, PeerNamespace: netlink.NsPid(m.pid)}))
	l, err := netlink.LinkByName(host)
	must(m.t, err)
	must(m.t, netlink.LinkSetUp(l))
	m.within(func() {
		l, err := netlink.LinkByName(name)
		must(m.t, err)
		must(m.t, netlink.LinkSetUp(l))
		addAddress(m.t, name, address)
	})
	up(m.t, host)
}

func state(s string, mac string) func(journal.Event) bool {
	return func(e journal.Event) bool { return e.Detail["state"] == s && e.MAC == parse(mac) }
}

func TestDhcpcdGetsItsReservedAddress(t *testing.T) {
	s := newSite(t)
	conf := filepath.Join(t.TempDir(), "conf")
	must(t, os.WriteFile(conf, []byte("duid\nipv4only\nnoipv4ll\nnoarp\nscript /bin/true\n"), 0o644))
	out, err := dhcpcd(plug(t, "br0", knownMAC), "-4", conf)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	contains(t, out, "leased 10.77.0.11 for 3600 seconds")
	s.await("the ACK", rule(dhcp.Acked, knownMAC))
}

// dhcpcd runs that client until it has what it asked for. It keeps leases in /var/lib and asks
// for those again, so it gets folders of its own.
func dhcpcd(m *machine, family, conf string) (string, error) {
	m.t.Helper()
	bin := need(m.t, "dhcpcd", "dhcpcd-base")
	return m.run("unshare", append(privately(), bin, family, "-1", "-B", "-t", "15", "-f", conf, "eth0")...)
}

// privately runs dhcpcd with folders of its own, and ends its helpers with it: the shell stays,
// for dhcpcd changes its user and with that forgets whose end is its own.
func privately() []string {
	return []string{"--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "sh", "-c",
		`mkdir -p /var/lib/dhcpcd && mount -t tmpfs none /var/lib/dhcpcd && mount -t tmpfs none /run && { "$0" "$@"; exit $?; }`}
}

// networkdWorld has a private /run, and a read-only /sys by which networkd knows that there is
// no udev to wait for.
const networkdWorld = `mount -t tmpfs none /run && mkdir -p /run/systemd/network &&
mount -t sysfs -o ro none /sys &&
printf '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n' > /run/systemd/network/10-eth0.network &&
exec env SYSTEMD_LOG_TARGET=console $0`

func TestSystemdNetworkdGetsItsReservedAddressWhateverItsClientIdentifier(t *testing.T) {
	const networkd = "/lib/systemd/systemd-networkd"
	if _, err := os.Stat(networkd); err != nil {
		t.Skip("needs " + networkd + ": apt-get install systemd")
	}
	s := newSite(t)
	plug(t, "br0", knownMAC).start("unshare", "--mount", "--propagation", "private", "sh", "-c", networkdWorld, networkd)
	if e := s.await("the ACK", rule(dhcp.Acked, knownMAC)); e.Detail["address"] != "10.77.0.11" {
		t.Errorf("event is %+v", e)
	}
}

func TestASystemThatRestartsAsksForTheAddressItHad(t *testing.T) {
	s := newSite(t)
	m := plug(t, "br0", knownMAC)
	bin, dir := need(t, "dhclient", "isc-dhcp-client"), t.TempDir()
	lease, pid := filepath.Join(dir, "leases"), filepath.Join(dir, "pid")
	args := []string{"-4", "-1", "-d", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", lease, "-pf", pid, "eth0"}
	first := m.start(bin, args...)
	s.await("the first lease", func(e journal.Event) bool { return state("SELECTING", knownMAC)(e) && e.Detail["reply"] == "ACK" })
	for range 100 {
		if b, _ := os.ReadFile(lease); len(b) > 0 {
			break
		}
		s.within(20*time.Millisecond, func(journal.Event) bool { return false })
	}
	must(t, first.Kill())
	m.start(bin, args...)
	e := s.await("the restart", state("INIT-REBOOT", knownMAC))
	if e.Detail["reply"] != "ACK" || e.Detail["address"] != "10.77.0.11" {
		t.Errorf("event is %+v", e)
	}
}

func TestASystemThatHadAnotherAddressIsRefusedAndThenGetsItsOwn(t *testing.T) {
	s := newSite(t)
	m := plug(t, "br0", knownMAC)
	bin, dir := need(t, "dhclient", "isc-dhcp-client"), t.TempDir()
	lease := filepath.Join(dir, "leases")
	must(t, os.WriteFile(lease, []byte(`lease {
  interface "eth0"; fixed-address 10.77.0.99; option subnet-mask 255.255.255.0; option dhcp-server-identifier 10.77.0.9;
  renew 5 2037/01/01 00:00:00; rebind 5 2037/01/01 00:00:00; expire 5 2037/01/01 00:00:00; }
`), 0o644))
	m.start(bin, "-4", "-1", "-d", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", lease, "-pf", filepath.Join(dir, "pid"), "eth0")
	if e := s.await("the refusal", state("INIT-REBOOT", knownMAC)); e.Detail["reply"] != "NAK" {
		t.Errorf("event is %+v", e)
	}
	if e := s.await("the lease", state("SELECTING", knownMAC)); e.Detail["address"] != "10.77.0.11" {
		t.Errorf("event is %+v", e)
	}
}

// udhcpcScript gives the interface its address, as a system does.
const udhcpcScript = `#!/bin/sh
[ "$1" = bound ] && ip addr replace $ip/24 dev $interface
exit 0
`

func TestBusyBoxRenewsAtTheServerThatGaveTheLease(t *testing.T) {
	s := newSite(t)
	box, m, script := need(t, "busybox", "busybox"), plug(t, "br0", knownMAC), filepath.Join(t.TempDir(), "script")
	need(t, "ip", "iproute2")
	must(t, os.WriteFile(script, []byte(udhcpcScript), 0o755))
	p := m.start(box, "udhcpc", "-f", "-i", "eth0", "-s", script, "-t", "10", "-T", "1")
	s.await("the lease", state("SELECTING", knownMAC))
	for range 20 { // it may not have its lease yet
		must(t, p.Signal(syscall.SIGUSR1))
		if e, ok := s.within(500*time.Millisecond, state("RENEWING", knownMAC)); ok {
			if e.Detail["reply"] != "ACK" {
				t.Errorf("event is %+v", e)
			}
			return
		}
	}
	t.Error("it never renewed")
}

func TestAReservedAddressInUseIsDeclinedAndTold(t *testing.T) {
	s := newSite(t)
	box := need(t, "busybox", "busybox")
	plug(t, "br0", strangerMAC).address("10.77.0.11/24")
	plug(t, "br0", knownMAC).start(box, "udhcpc", "-f", "-a", "-i", "eth0", "-s", "/bin/true", "-t", "10", "-T", "1")
	e := s.await("the conflict", func(e journal.Event) bool { return e.Kind == journal.DHCPConflict })
	if e.Machine != "m1" || e.Detail["address"] != "10.77.0.11" {
		t.Errorf("event is %+v", e)
	}
}

func TestAnAddressOfThePoolThatIsUsedIsNotOffered(t *testing.T) {
	s := newSite(t)
	plug(t, "br1", secondMAC).address("10.78.0.100/24")
	lease := request(t, plug(t, "br1", strangerMAC), strangerMAC)
	if got := lease.ACK.YourIPAddr.String(); got != "10.78.0.101" {
		t.Errorf("it was given %s", got)
	}
	s.await("the conflict", func(e journal.Event) bool {
		return e.Kind == journal.DHCPConflict && e.Detail["address"] == "10.78.0.100" && e.Detail["used_by"] == secondMAC
	})
}

// Behind a relay nobody answers ARP to us: who uses an address is found out by an echo. The
// relay is the router too.
func TestAnAddressOfThePoolThatIsUsedBehindARelayIsNotOffered(t *testing.T) {
	v := inventoryView()
	far := v.NetworkOf(netip.MustParseAddr("10.79.0.1"))
	far.Strangers, far.Pool = inventory.StrangerDiscover, inventory.Pool{First: netip.MustParseAddr("10.79.0.100"), Last: netip.MustParseAddr("10.79.0.110")}
	s := newSiteOf(t, v)
	relayed(t)
	user := plug(t, "br2", secondMAC)
	user.address("10.79.0.100/24")
	user.within(func() { must(t, netlink.RouteAdd(&netlink.Route{Gw: net.IPv4(10, 79, 0, 1)})) })
	repliesUnasked(t, "10.77.0.6")
	for range 2 { // the second is answered from what was found for the first
		if got := request(t, plug(t, "br2", strangerMAC), strangerMAC).ACK.YourIPAddr.String(); got != "10.79.0.101" {
			t.Errorf("it was given %s", got)
		}
	}
	s.await("the conflict", func(e journal.Event) bool {
		return e.Kind == journal.DHCPConflict && e.Detail["address"] == "10.79.0.100" && e.Detail["used_by"] == "10.79.0.100"
	})
	if e, again := s.within(time.Second, func(e journal.Event) bool { return e.Kind == journal.DHCPConflict }); again {
		t.Errorf("and once more: %+v", e)
	}
}

// repliesUnasked has a machine on br0 send the server echo replies that nobody asked for.
func repliesUnasked(t *testing.T, address string) {
	t.Helper()
	m := plug(t, "br0", "52:54:00:77:00:f2")
	m.address(address + "/24")
	m.within(func() {
		c, err := icmp.ListenPacket("ip4:icmp", address)
		must(t, err)
		t.Cleanup(func() { c.Close() })
		b, err := (&icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &icmp.Echo{ID: 1, Seq: 1}}).Marshal(nil)
		must(t, err)
		go func() {
			for err := error(nil); err == nil; time.Sleep(5 * time.Millisecond) {
				_, err = c.WriteTo(b, &net.IPAddr{IP: net.IPv4(10, 77, 0, 1)})
			}
		}()
	})
}

// relayed has ISC's relay bring what is asked on br2 to the server on br0.
func relayed(t *testing.T) {
	t.Helper()
	bin := need(t, "dhcrelay", "isc-dhcp-relay")
	bridge(t, "br2", "")
	relay := plug(t, "br0", "52:54:00:77:00:f0")
	relay.address("10.77.0.5/24")
	relay.cable("br2", "eth1", "10.79.0.1/24")
	relay.within(func() { must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)) })
	_, far, err := net.ParseCIDR("10.79.0.0/24")
	must(t, err)
	must(t, netlink.RouteAdd(&netlink.Route{Dst: far, Gw: net.IPv4(10, 77, 0, 5)}))
	relay.start(bin, "-4", "-d", "-a", "-id", "eth1", "-iu", "eth0", "10.77.0.1")
}

func TestThroughARealRelay(t *testing.T) {
	s := newSite(t)
	relayed(t)
	client := plug(t, "br2", farMAC)
	contains(t, dhclientOnce(t, client), "fixed-address 10.79.0.11", "option dhcp-server-identifier 10.77.0.1")
	e := s.await("the ACK", rule(dhcp.Acked, farMAC))
	if e.Detail["relay"] != "10.79.0.1" || e.Detail["circuit"] != "eth1" {
		t.Errorf("event is %+v", e)
	}
}

func TestAnotherServerIsNamed(t *testing.T) {
	s := newSite(t)
	other := plug(t, "br0", "52:54:00:77:00:f1")
	other.address("10.77.0.200/24")
	other.within(func() {
		c, err := net.ListenPacket("udp4", ":67")
		must(t, err)
		t.Cleanup(func() { c.Close() })
		raw, err := nclient4.NewRawUDPConn("eth0", 67)
		must(t, err)
		t.Cleanup(func() { raw.Close() })
		go answerAll(raw, net.IPv4(10, 77, 0, 200), net.IPv4(10, 77, 0, 250))
	})
	// It hears the question of the server itself, or of the client.
	s.discover(plug(t, "br0", strangerMAC), strangerMAC, func(e journal.Event) bool {
		return e.Kind == journal.DHCPRogue && e.Detail["server"] == "10.77.0.200" && e.Detail["server_mac"] == "52:54:00:77:00:f1"
	})
}

// answerAll offers one address to everybody, by broadcast.
func answerAll(c net.PacketConn, server, address net.IP) {
	buf := make([]byte, 1500)
	for {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		m, err := dhcpv4.FromBytes(buf[:n])
		if err != nil || m.MessageType() != dhcpv4.MessageTypeDiscover {
			continue
		}
		r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(dhcpv4.MessageTypeOffer), dhcpv4.WithServerIP(server), dhcpv4.WithYourIP(address),
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server)))
		if err == nil {
			_, _ = c.WriteTo(r.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
		}
	}
}

func TestFirmwareAsksAProxyOnItsOwnPort(t *testing.T) {
	newSite(t)
	bridge(t, "br3", "10.80.0.1/24")
	m := plug(t, "br3", strangerMAC)
	m.address("10.80.0.50/24")
	m.within(func() {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 80, 0, 50), Port: 68})
		must(t, err)
		defer c.Close()
		ask, err := dhcpv4.New(dhcpv4.WithHwAddr(hardware(t, strangerMAC)), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithClientIP(net.IPv4(10, 80, 0, 50)),
			dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00000:UNDI:002001")), dhcpv4.WithGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte{0, 0}))
		must(t, err)
		buf := make([]byte, 1500)
		for range 40 {
			_, err = c.WriteTo(ask.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 80, 0, 1), Port: dhcp.ProxyPort})
			_ = c.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
			n, src, rerr := c.ReadFromUDP(buf)
			if rerr != nil {
				continue
			}
			ack, err := dhcpv4.FromBytes(buf[:n])
			must(t, err)
			if ack.MessageType() != dhcpv4.MessageTypeAck || ack.BootFileName != "undionly.kpxe" || src.Port != dhcp.ProxyPort || !ack.YourIPAddr.IsUnspecified() {
				t.Errorf("from %s\n%s", src, ack.Summary())
			}
			return
		}
		t.Errorf("no answer within 10 s (last send: %v)", err)
	})
}

package netns

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/boot/trace"
	"rackwright/inventory"
	"rackwright/journal"
)

// newSix is a site whose network has IPv6 only machines in it.
func newSix(t *testing.T, change func(*inventory.Network)) *site {
	needRoot(t)
	need(t, "nsenter", "util-linux")
	addr := netip.MustParseAddr
	n := &inventory.Network{ID: "6", Name: "six", Prefix: netip.MustParsePrefix("10.86.0.0/24"), DHCP: inventory.DHCPOff, Strangers: inventory.StrangerIgnore, LeaseSeconds: 3600,
		Prefix6: netip.MustParsePrefix("fd86::/64"), DHCP6: inventory.DHCP6Reservations, RouterAdverts: true, DNS: []netip.Addr{addr("fd86::53")}, Domain: "lab.example"}
	far := &inventory.Network{ID: "7", Name: "far", Prefix: netip.MustParsePrefix("10.87.0.0/24"), Prefix6: netip.MustParsePrefix("fd87::/64"), DHCP6: inventory.DHCP6Reservations, LeaseSeconds: 600}
	if change != nil {
		change(n)
	}
	v := boot.NewView(1, []*inventory.Network{n, far}, []*boot.Host{
		{Machine: "m1", Name: "r1-u1", MAC: parse(knownMAC), Network: n.Name, Address6: addr("fd86::11")},
		{Machine: "m2", Name: "r1-u2", MAC: parse(deployMAC), Network: n.Name, Address6: addr("fd86::12"), Firmware: inventory.UEFI, Intent: boot.RunAgent, UUID: deployUUID},
		{Machine: "m4", Name: "r9-u1", MAC: parse(farMAC), Network: far.Name, Address6: addr("fd87::11")},
	}).With(&boot.Delta{Revision: 1, Installation: "7f3c8c52-1d2b-4a10-9c7e-0123456789ab"})
	s := &site{t: t, events: make(chan journal.Event, 1000), sightings: make(chan boot.Sighting, 1000), view: v}
	bridge(t, "br6", "fd86::1/64")
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/br6/forwarding", []byte("0"), 0)
	s.serve()
	return s
}

// given is the event of an address given by DHCPv6.
func given(mac string) func(journal.Event) bool {
	return func(e journal.Event) bool {
		return e.MAC == parse(mac) && e.Detail["protocol"] == "DHCPv6" && e.Detail["rule"] == "given"
	}
}

func TestDhclientGetsItsReservedIPv6Address(t *testing.T) {
	bin := need(t, "dhclient", "isc-dhcp-client")
	s := newSix(t, nil)
	dir := t.TempDir()
	lease := filepath.Join(dir, "leases")
	plug(t, "br6", knownMAC).start(bin, "-6", "-1", "-d", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", lease, "-pf", filepath.Join(dir, "pid"), "eth0")
	if e := s.await("the reply", given(knownMAC)); e.Detail["address"] != "fd86::11" || e.Machine != "m1" {
		t.Errorf("event is %+v", e)
	}
}

func TestDhcpcdGetsItsReservedIPv6AddressBecauseTheAdvertisementSaysSo(t *testing.T) {
	s := newSix(t, nil)
	conf := filepath.Join(t.TempDir(), "conf")
	must(t, os.WriteFile(conf, []byte("duid\nipv6only\nslaac hwaddr\nscript /bin/true\n"), 0o644))
	out, err := dhcpcd(plug(t, "br6", knownMAC), "-6", conf)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e := s.await("the reply", given(knownMAC)); e.Detail["address"] != "fd86::11" {
		t.Errorf("event is %+v", e)
	}
}

func TestSystemdNetworkdGetsItsReservedIPv6Address(t *testing.T) {
	const networkd = "/lib/systemd/systemd-networkd"
	if _, err := os.Stat(networkd); err != nil {
		t.Skip("needs " + networkd + ": apt-get install systemd")
	}
	s := newSix(t, nil)
	world := strings.ReplaceAll(networkdWorld, "DHCP=ipv4\\nLinkLocalAddressing=no", "DHCP=ipv6\\nLinkLocalAddressing=ipv6\\nIPv6AcceptRA=yes")
	plug(t, "br6", knownMAC).start("unshare", "--mount", "--propagation", "private", "sh", "-c", world, networkd)
	if e := s.await("the reply", given(knownMAC)); e.Detail["address"] != "fd86::11" {
		t.Errorf("event is %+v", e)
	}
}

func TestAMachineBehindAnIPv6RelayGetsItsAddress(t *testing.T) {
	bin, relay := need(t, "dhclient", "isc-dhcp-client"), need(t, "dhcrelay", "isc-dhcp-relay")
	s := newSix(t, nil)
	bridge(t, "br7", "")
	r := plug(t, "br6", secondMAC)
	r.within(func() { addAddress(t, "eth0", "fd86::99/64") })
	r.cable("br7", "eth1", "fd87::1/64")
	r.start(relay, "-6", "-d", "-pf", filepath.Join(t.TempDir(), "pid"), "-l", "eth1", "-u", "fd86::1%eth0")
	dir := t.TempDir()
	plug(t, "br7", farMAC).start(bin, "-6", "-1", "-d", "-D", "LL", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", filepath.Join(dir, "leases"), "-pf", filepath.Join(dir, "pid"), "eth0")
	if e := s.await("the reply", given(farMAC)); e.Detail["address"] != "fd87::11" || e.Detail["relay"] != "fd86::99" {
		t.Errorf("event is %+v", e)
	}
}

func TestADissectorFindsNoFaultInWhatIPv6ClientsAreTold(t *testing.T) {
	bin, client := need(t, "tshark", "tshark"), need(t, "dhclient", "isc-dhcp-client")
	s := newSix(t, func(n *inventory.Network) {
		n.MTU, n.Options = 1500, []inventory.Option{{Code: 41, V6: true, Type: inventory.OptionText, Value: "Europe/Berlin", Always: true}, {Code: 42, V6: true, Type: inventory.OptionText, Value: "nobody asks"}}
	})
	file := filepath.Join(t.TempDir(), "six.pcapng")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	capture := exec.CommandContext(ctx, bin, "-q", "-i", "br6", "-f", "icmp6 or udp port 547 or udp port 546", "-w", file)
	must(t, capture.Start())
	for range 200 {
		if i, err := os.Stat(file); err == nil && i.Size() > 0 {
			break
		}
		s.within(50*time.Millisecond, func(journal.Event) bool { return false })
	}
	dir := t.TempDir()
	plug(t, "br6", knownMAC).start(client, "-6", "-1", "-d", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", filepath.Join(dir, "leases"), "-pf", filepath.Join(dir, "pid"), "eth0")
	s.await("the reply", given(knownMAC))
	count := func(filter string) int {
		out, _ := exec.CommandContext(t.Context(), bin, "-r", file, "-Y", filter).Output()
		return strings.Count(string(out), "\n")
	}
	for range 100 {
		if count("dhcpv6.msgtype == 7") > 0 && count("icmpv6.type == 134") > 0 {
			break
		}
		s.within(100*time.Millisecond, func(journal.Event) bool { return false })
	}
	cancel()
	_ = capture.Wait()
	if count("dhcpv6.msgtype == 7") == 0 || count("icmpv6.type == 134 && icmpv6.opt.prefix.flag.l == 1") == 0 {
		t.Errorf("%d replies and %d advertisements were seen", count("dhcpv6.msgtype == 7"), count("icmpv6.type == 134"))
	}
	if count(`dhcpv6.msgtype == 7 && dhcpv6.option.type == 41 && frame contains "Europe/Berlin"`) == 0 || count("dhcpv6.option.type == 42") > 0 {
		t.Error("the planned option that is always sent is not there, or one that nobody asked for is")
	}
	if bad := count("_ws.malformed || _ws.expert.severity >= 6291456"); bad > 0 {
		out, _ := exec.CommandContext(t.Context(), bin, "-r", file, "-V", "-Y", "_ws.malformed || _ws.expert.severity >= 6291456").Output()
		t.Errorf("%d faults:\n%s", bad, fmt.Sprintf("%.4000s", out))
	}
}

func TestTheTraceOfAMachineHasItsDHCPv6Packets(t *testing.T) {
	bin, client := need(t, "tshark", "tshark"), need(t, "dhclient", "isc-dhcp-client")
	s := newSix(t, nil)
	dir := t.TempDir()
	plug(t, "br6", knownMAC).start(client, "-6", "-1", "-d", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", filepath.Join(dir, "leases"), "-pf", filepath.Join(dir, "pid"), "eth0")
	s.await("the reply", given(knownMAC))
	var words []string
	for _, p := range s.packets.Of(parse(knownMAC)) {
		if words = append(words, p.Word()); p.Six() && p.Sent != (p.To.Port() == 546) {
			t.Errorf("%s from %s to %s", p.Word(), p.From, p.To)
		}
	}
	if got := strings.Join(words, " "); !strings.HasSuffix(got, "SOLICIT ADVERTISE REQUEST REPLY") {
		t.Errorf("packets: %s", got)
	}
	file := filepath.Join(dir, "machine.pcap")
	must(t, os.WriteFile(file, trace.PCAP(s.packets.Of(parse(knownMAC))), 0o644))
	bad, err := exec.CommandContext(t.Context(), bin, "-r", file, "-o", "udp.check_checksum:TRUE", "-V", "-Y", "_ws.malformed || udp.checksum.status != 1 || _ws.expert.severity >= 6291456").Output()
	if err != nil || len(bad) > 0 {
		t.Errorf("%v: faults in\n%.4000s", err, bad)
	}
}

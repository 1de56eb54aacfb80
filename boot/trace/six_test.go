package trace_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/boot/trace"
	"rackwright/inventory"
)

var (
	client6 = netip.MustParseAddrPort("[fe80::5054:ff:fe77:1]:546")
	all6    = netip.MustParseAddrPort("[ff02::1:2]:547")
	server6 = netip.MustParseAddrPort("[fe80::1]:547")
	relay6  = netip.MustParseAddrPort("[fd86::99]:547")
	own6    = netip.MustParseAddrPort("[fd86::1]:547")
)

// fromFirmware is a message that real firmware sent.
func fromFirmware(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "dhcp", "v6", "testdata", name+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// relayed is a message as a relay passes it on, from the port that it calls circuit.
func relayed(kind byte, circuit string, inner []byte) []byte {
	link, peer := netip.MustParseAddr("fd87::1").As16(), client6.Addr().As16()
	b := append(append([]byte{kind, 0}, link[:]...), peer[:]...)
	for _, o := range []struct {
		code  uint16
		value []byte
	}{{18, []byte(circuit)}, {9, inner}} {
		b = binary.BigEndian.AppendUint16(b, o.code)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(o.value))), o.value...)
	}
	return b
}

// answered is the same message as a server's, with the type of a reply.
func answered(m []byte) []byte { return append([]byte{7}, m[1:]...) }

func TestADHCPv6MessageIsReadThroughItsRelays(t *testing.T) {
	solicit := fromFirmware(t, "ovmf-pxe-solicit")
	deep := solicit
	for range 12 {
		deep = relayed(12, "deep", deep)
	}
	for _, c := range []struct {
		name           string
		message        []byte
		word, xid      string
		relay, circuit string
	}{
		{"firmware", solicit, "SOLICIT", "", "", ""},
		{"its request", fromFirmware(t, "ipxe-efi-request"), "REQUEST", "", "", ""},
		{"by a relay", relayed(12, "port7", solicit), "SOLICIT", "", "fd86::99", "port7"},
		{"by two", relayed(12, "uplink", relayed(12, "port7", solicit)), "SOLICIT", "", "fd86::99", "port7"},
		{"by more relays than there may be", deep, "RELAY-FORW", "", "fd86::99", "deep"},
		{"a relay's that is cut", relayed(12, "port7", solicit)[:40], "too short", "000000", "fd86::99", ""},
		{"a type of the future", append([]byte{99}, solicit[1:]...), "type 99", "", "", ""},
		{"nothing", nil, "too short", "000000", "", ""},
	} {
		from := client6
		if c.relay != "" {
			from = relay6
		}
		r := trace.New(1, func(inventory.MAC) bool { return false })
		r.Packet(noon, mac(1), false, trace.Datagram{From: from, To: all6, Message: c.message})
		p := r.Of(mac(1))[0]
		if got := p.Word(); got != c.word || c.xid != "" && p.XID() != c.xid || len(p.XID()) != 6 {
			t.Errorf("%s: %s %s", c.name, got, p.XID())
		}
		for _, ask := range []struct {
			relay, circuit string
			want           int
		}{{c.relay, c.circuit, 1}, {"fd86::98", "", 0}, {"", "port8", 0}} {
			relay, _ := netip.ParseAddr(ask.relay)
			if got := len(r.Strangers(relay, ask.circuit, 10)); got != ask.want {
				t.Errorf("%s: %d by relay %q and circuit %q", c.name, got, ask.relay, ask.circuit)
			}
		}
	}
}

func TestADissectorFindsNoFaultInACaptureOfBothFamilies(t *testing.T) {
	bin, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	r := trace.New(1, nil)
	solicit, request := fromFirmware(t, "ovmf-pxe-solicit"), fromFirmware(t, "ipxe-efi-request")
	put(r, 1, 0, message(1, 0))
	for i, p := range []struct {
		sent     bool
		from, to netip.AddrPort
		message  []byte
	}{
		{false, client6, all6, solicit},
		{true, server6, client6, answered(solicit)},
		{false, relay6, own6, relayed(12, "port7", request)},
		{true, own6, relay6, relayed(13, "port7", answered(request))},
		{false, client6, all6, append(solicit[:len(solicit):len(solicit)], bytes.Repeat([]byte{0, 99, 0, 96, 99: 0}, 20)...)},
	} {
		r.Packet(noon.Add(time.Duration(1+i)*time.Second), mac(1), p.sent, trace.Datagram{From: p.from, To: p.to, Message: p.message})
	}
	file := filepath.Join(t.TempDir(), "machine.pcap")
	if err := os.WriteFile(file, trace.PCAP(r.Of(mac(1))), 0o644); err != nil {
		t.Fatal(err)
	}
	read := func(filter string, more ...string) string {
		out, err := exec.CommandContext(t.Context(), bin, append([]string{"-r", file, "-o", "udp.check_checksum:TRUE", "-Y", filter}, more...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	if got := read("dhcpv6", "-T", "fields", "-E", "occurrence=l", "-e", "dhcpv6.msgtype"); got != "1 7 3 7 1" {
		t.Errorf("messages %q", got)
	}
	if got := read("ipv6", "-T", "fields", "-e", "eth.dst"); got != "33:33:00:01:00:02 02:00:00:00:00:01 02:00:00:00:00:00 02:00:00:00:00:01 33:33:00:01:00:02" {
		t.Errorf("frames to %q", got)
	}
	if got := read("ipv6 && udp.checksum.status == 1", "-T", "fields", "-e", "frame.number"); got != "2 3 4 5" {
		t.Errorf("checksums are right in %q", got)
	}
	if bad := read("_ws.malformed || _ws.expert.severity >= 6291456"); bad != "" {
		t.Errorf("faults in\n%s", bad)
	}
}

func FuzzAPacketIsRead(f *testing.F) {
	f.Add(false, message(1, 200))
	f.Add(true, fromFirmware(f, "ovmf-pxe-solicit"))
	f.Add(true, relayed(12, "port7", fromFirmware(f, "ipxe-efi-request")))
	f.Fuzz(func(t *testing.T, six bool, m []byte) {
		from, to := client, all
		if six {
			from, to = client6, all6
		}
		r := trace.New(1, func(inventory.MAC) bool { return false })
		r.Packet(noon, mac(1), false, trace.Datagram{From: from, To: to, Message: m})
		for _, p := range r.Strangers(netip.Addr{}, "", 10) {
			if p.Word() == "" || p.XID() == "" {
				t.Errorf("%x is read as %q %q", m, p.Word(), p.XID())
			}
		}
		if file := trace.PCAP(r.Of(mac(1))); len(file) < 24+16+42 {
			t.Errorf("a file of %d bytes", len(file))
		}
	})
}

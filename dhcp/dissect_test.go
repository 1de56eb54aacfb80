package dhcp

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

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
)

// pcap is a file of IPv4 packets (link type 228) with a UDP datagram each.
func pcap(payloads [][]byte) []byte {
	var out bytes.Buffer
	put := func(v any) { _ = binary.Write(&out, binary.LittleEndian, v) }
	put(uint32(0xa1b2c3d4))
	for _, v := range []uint32{0x00040002, 0, 0, 65535, 228} {
		put(v)
	}
	for i, p := range payloads {
		n := uint32(28 + len(p))
		for _, v := range []uint32{uint32(i), 0, n, n} {
			put(v)
		}
		head := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 11, 0, 67, 0, 68, byte((n - 20) >> 8), byte(n - 20), 0, 0}
		out.Write(append(head, p...))
	}
	return out.Bytes()
}

// answers are replies of every kind and size.
func answers(t *testing.T) (out [][]byte) {
	long := func(prov, _ *inventory.Network) {
		prov.DHCP = inventory.DHCPAuthoritative
		prov.Options = []inventory.Option{{Code: 209, Type: inventory.OptionText, Value: strings.Repeat("x", 260), Always: true}, {Code: 210, Type: inventory.OptionText, Value: strings.Repeat("y", 90), Always: true},
			{Code: 121, Type: inventory.OptionRoutes, Value: "10.17.0.0/16 via 10.0.0.253", Always: true}}
	}
	relayed := dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, []byte("\x01\x04port\x05\x04\x0a\x09\x00\x00"))
	for _, change := range []func(prov, far *inventory.Network){nil, authoritative, proxying, long} {
		w := newWorld(change)
		for _, firmware := range [][]dhcpv4.Modifier{nil, {class("PXEClient:Arch:00000:UNDI:002001"), arch(0)}, {class("HTTPClient:Arch:00016:UNDI:003001"), arch(16)}, {dhcpv4.WithUserClass("iPXE", false), class("PXEClient"), arch(7)}} {
			for _, m := range []*dhcpv4.DHCPv4{
				message(discover, knownMAC, firmware...), message(request, knownMAC, append(firmware, wants("10.0.0.11"))...), message(request, knownMAC, append(firmware, wants("10.0.0.77"), chose("10.0.0.1"))...),
				message(inform, knownMAC, append(firmware, has("10.0.0.11"))...), message(dhcpv4.MessageTypeNone, knownMAC), message(discover, farMAC, append(firmware, via("10.9.0.1"), relayed)...),
				message(discover, knownMAC, append(firmware, dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(1400)))...),
			} {
				if b := w.ask(m).Bytes(); b != nil {
					out = append(out, b)
				}
			}
		}
	}
	out = append(out, toldRelays(t)...)
	if len(out) < 60 {
		t.Fatalf("%d answers", len(out))
	}
	return out
}

// toldRelays are replies to relays that ask about leases.
func toldRelays(t *testing.T) (out [][]byte) {
	w := newWorld(func(_, far *inventory.Network) {
		far.Pool = inventory.Pool{First: netip.MustParseAddr("10.9.0.100"), Last: netip.MustParseAddr("10.9.0.110")}
	})
	w.lentTo(strange, "prov", "10.0.0.201", 5*time.Minute)
	w.lentTo(strange, "far", "10.9.0.100", 9*time.Minute)
	held := map[inventory.MAC]Holding{knownMAC: {Address: knownAddr, At: testTime.Add(-time.Minute), Info: []byte("\x01\x04port\x02\x03sw1")}}
	id := identified(append([]byte{1}, knownMAC[:]...)...)
	for _, m := range []*dhcpv4.DHCPv4{inquiry(has("10.0.0.11")), inquiry(whereIs(knownMAC)), inquiry(id), inquiry(whereIs(strange)), inquiry(has("10.0.0.202")), inquiry(has("192.0.2.1")), inquiry(whereIs(farMAC)), inquiry(identified(255, 0, 0, 0, 1, 0, 3, 0, 1, 2, 2, 2, 2, 2, 2))} {
		ans := w.inquire(t, m, held)
		if ans.Reply == nil {
			t.Fatalf("%s", ans.Event.Summary)
		}
		out = append(out, ans.Bytes())
	}
	return out
}

func TestADissectorFindsNoFaultInAnyAnswer(t *testing.T) {
	bin, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	file := filepath.Join(t.TempDir(), "answers.pcap")
	all := answers(t)
	if err := os.WriteFile(file, pcap(all), 0o644); err != nil {
		t.Fatal(err)
	}
	read := func(filter string) []string {
		out, err := exec.CommandContext(t.Context(), bin, "-r", file, "-Y", filter).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	if got := read("dhcp"); len(got) != len(all) {
		t.Errorf("%d of %d are DHCP", len(got), len(all))
	}
	if bad := read("_ws.malformed || _ws.expert.severity >= 6291456"); bad[0] != "" { // warnings and errors
		t.Errorf("faults in\n%s", strings.Join(bad, "\n"))
	}
}

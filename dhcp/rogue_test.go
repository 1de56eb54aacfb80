package dhcp

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
	"rackwright/journal"
)

func offered(kind dhcpv4.MessageType, mac inventory.MAC, given, server string) []byte {
	return message(kind, mac, dhcpv4.WithYourIP(net.ParseIP(given).To4()), dhcpv4.WithServerIP(nil), chose(server),
		func(m *dhcpv4.DHCPv4) { m.OpCode = dhcpv4.OpcodeBootReply }).ToBytes()
}

func TestAnotherServerIsNamedUnlessItIsOneOfOurs(t *testing.T) {
	offer, ack := dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeAck
	sender := inventory.MAC{2, 0xbb}
	for name, c := range map[string]struct {
		b      []byte
		change func(prov, far *inventory.Network)
		rogue  bool
	}{
		"offers another address":    {offered(offer, knownMAC, "10.0.0.99", "10.0.0.2"), nil, true},
		"confirms another address":  {offered(ack, knownMAC, "192.168.1.9", "192.168.1.1"), nil, true},
		"answers a stranger":        {offered(offer, strange, "10.0.0.99", "10.0.0.2"), nil, true},
		"gives what the plan gives": {offered(offer, knownMAC, "10.0.0.11", "10.0.0.2"), nil, false},
		"lends from our pool":       {offered(offer, strange, "10.0.0.202", "10.0.0.2"), nil, false},
		"is ourselves":              {offered(offer, strange, "10.0.0.99", "10.0.0.1"), nil, false},
		"is whom we stand beside":   {offered(offer, knownMAC, "10.0.0.99", "10.0.0.2"), proxying, false},
		"a client's message":        {message(discover, knownMAC).ToBytes(), nil, false},
		"refuses":                   {offered(dhcpv4.MessageTypeNak, knownMAC, "0.0.0.0", "10.0.0.2"), nil, false},
		"nonsense":                  {[]byte("nonsense"), nil, false},
	} {
		w := newWorld(c.change)
		us := []netip.Addr{ourAddr}
		if _, told := Overheard(w.view, c.b, us, us, sender, testTime, true); told != (c.rogue || name == "gives what the plan gives" || name == "lends from our pool") {
			t.Errorf("%s, and there is no other server of ours: %v", name, told)
		}
		got, rogue := Overheard(w.view, c.b, us, us, sender, testTime, false)
		if rogue != c.rogue {
			t.Errorf("%s: %v %+v", name, rogue, got)
		}
		if rogue && (got.Event.Kind != journal.DHCPRogue || !strings.Contains(got.Event.Summary, sender.String()) || got.Network != "prov") {
			t.Errorf("%s: event is %+v", name, got.Event)
		}
	}
}

func TestOurOwnQuestionIsNoClients(t *testing.T) {
	if m, reason := Parse(Probe(knownMAC[:], dhcpv4.TransactionID{1})); m != nil || reason != Probing {
		t.Errorf("read as %v, %s", m, reason)
	}
}

// FuzzOverheard: whatever is on the wire, nothing panics and what is told is one line.
func FuzzOverheard(f *testing.F) {
	f.Add(offered(dhcpv4.MessageTypeOffer, knownMAC, "10.0.0.99", "10.0.0.2"))
	f.Add(offered(dhcpv4.MessageTypeAck, strange, "192.168.1.9", "192.168.1.1"))
	w := newWorld(nil)
	us := []netip.Addr{ourAddr}
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, rogue := Overheard(w.view, b, us, us, inventory.MAC{2}, testTime, true); rogue && (!o.Server.IsValid() || strings.ContainsAny(o.Event.Summary, "\n\x00")) {
			t.Errorf("%+v", o)
		}
	})
}

package v6

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"rackwright/inventory"
)

func netipPort(a string) netip.AddrPort { return netip.AddrPortFrom(at(a), clientPort) }

func TestARelayedMessageGoesBackTheWayItCame(t *testing.T) {
	w := newWorld(nil)
	w.in.From, w.in.To = netip.AddrPortFrom(at("fd99::9"), ServerPort), at("fd86::1")
	inner := relayed(0, "fd87::1", "fe80::77", message(Solicit, opt(optClientID, 0, 2, 0, 0, 0, 9, 1), iana(1)),
		opt(optInterfaceID, 'e', '1'), opt(optClientLink, append([]byte{0, 1}, farMAC[:]...)...))
	ans := w.ask(relayed(1, "::", "fd98::8", inner, opt(optInterfaceID, 7)))
	if ans.Rule != Advertised || ans.Address != at("fd87::13") || ans.Dest != netip.AddrPortFrom(at("fd99::9"), ServerPort) || ans.Port != "e1" {
		t.Fatalf("%s %s to %s by %q", ans.Event.Summary, ans.Address, ans.Dest, ans.Port)
	}
	outer, err := dhcpv6.RelayMessageFromBytes(ans.Reply)
	if err != nil {
		t.Fatal(err)
	}
	middle, ok := outer.Options.RelayMessage().(*dhcpv6.RelayMessage)
	if !ok || outer.MessageType != dhcpv6.MessageTypeRelayReply || outer.HopCount != 1 || outer.PeerAddr.String() != "fd98::8" || !bytes.Equal(outer.Options.InterfaceID(), []byte{7}) ||
		middle.HopCount != 0 || middle.LinkAddr.String() != "fd87::1" || middle.PeerAddr.String() != "fe80::77" || string(middle.Options.InterfaceID()) != "e1" {
		t.Errorf("%s", outer.Summary())
	}
}

func TestRelaysInALoopAreRefused(t *testing.T) {
	b := message(Solicit, ll(knownMAC), iana(1))
	for i := range maxHops {
		b = relayed(byte(i), "fd86::1", "fe80::77", b)
	}
	if ans := newWorld(nil).ask(b); ans.Rule != Advertised {
		t.Errorf("%d relays: %s", maxHops, ans.Rule)
	}
	if ans := newWorld(nil).ask(relayed(8, "fd86::1", "fe80::77", b)); ans.Rule != Looped {
		t.Errorf("one more: %s", ans.Rule)
	}
}

func TestAnAdvertisementSaysWhatTheNetworkIs(t *testing.T) {
	n := &inventory.Network{Name: "lab", Prefix6: netip.MustParsePrefix("fd86::/64"), Gateway6: at("fd86::1"), DHCP6: inventory.DHCP6Reservations, MTU: 9000, DNS: []netip.Addr{at("fd86::53")}, Domain: "lab.example"}
	b := Advertisement(n, []netip.Addr{at("fd86::1")})
	if b[1] != 0xc0 || b[2] == 0 && b[3] == 0 || b[12] != raPrefix || b[15] != 0x80 || len(b)%4 != 0 || len(b) != 12+32+8+24+24 {
		t.Errorf("%d bytes: %x", len(b), b)
	}
	n.DHCP6, n.SLAAC = inventory.DHCP6Stateless, true
	b = Advertisement(n, []netip.Addr{at("fd86::2")})
	if b[1] != 0x40 || b[2] != 0 || b[3] != 0 || b[15] != 0xc0 {
		t.Errorf("beside a router: %x", b)
	}
	if b = Advertisement(&inventory.Network{MTU: 1500}, nil); !bytes.Equal(b, []byte{64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("without IPv6: %x", b)
	}
}

// FuzzDecide: whatever arrives, nothing panics, another reader that can read the question can
// read the answer (a DUID goes back as it came, RFC 8415 section 11), and nobody is given an address that is another machine's.
func FuzzDecide(f *testing.F) {
	w := newWorld(discovering)
	f.Add(message(Solicit, ll(knownMAC), iana(1), vendor("PXEClient:Arch:00007:UNDI:003016"), arch(7)))
	f.Add(message(Solicit, opt(optClientID, 0, duidUUID, 1, 2), iana(1)))
	f.Add(message(Renew, ll(strange), w.us(), iana(1, known)))
	f.Add(relayed(0, "fd87::1", "fe80::77", message(Solicit, llt(farMAC), iana(1)), opt(optInterfaceID, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		ans := w.ask(b)
		if ans.Rule == "" {
			t.Fatal("no rule")
		}
		if ans.Reply == nil {
			return
		}
		if _, err := dhcpv6.FromBytes(ans.Reply); err != nil && readable(b) {
			t.Fatalf("%x: %v", ans.Reply, err)
		}
		if h := w.view.HostAt(ans.Address); h != nil && h.MAC != ans.Client.MAC {
			t.Fatalf("%s was given the address of %s", ans.Client.MAC, h.Name)
		}
	})
}

func readable(b []byte) bool {
	_, err := dhcpv6.FromBytes(b)
	return err == nil
}

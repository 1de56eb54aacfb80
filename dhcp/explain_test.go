package dhcp

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// TestAnExplanationIsWhatThePacketItselfIsAnswered sends the packet of a question through
// the functions that answer real ones, and compares.
func TestAnExplanationIsWhatThePacketItselfIsAnswered(t *testing.T) {
	relay, elsewhere := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.77.0.1")
	for name, c := range map[string]struct {
		q      Question
		change func(prov, far *inventory.Network)
		rule   Rule
		word   string
		file   string
		lent   bool
	}{
		"BIOS":                   {Question{MAC: knownMAC, Class: boot.PXE, Arch: boot.ArchBIOS}, nil, Offered, "OFFER", "undionly.kpxe", false},
		"UEFI":                   {Question{MAC: knownMAC, Class: boot.PXE, Arch: boot.ArchX64, UUID: "12345678-1234-5678-9abc-def012345678"}, nil, Offered, "OFFER", "ipxe.efi", false},
		"no loader for it":       {Question{MAC: knownMAC, Class: boot.PXE, Arch: 6}, nil, Offered, "OFFER", "", false},
		"HTTP":                   {Question{MAC: knownMAC, Class: boot.HTTP, Arch: boot.ArchARM64HTTP}, nil, Offered, "OFFER", "http://10.0.0.1:8080/boot/snp.efi", false},
		"iPXE":                   {Question{MAC: knownMAC, Class: boot.IPXE, Arch: boot.ArchX64}, nil, Offered, "OFFER", "http://10.0.0.1:8080/boot/script?mac=52:54:00:77:00:01&platform=efi", false},
		"installed":              {Question{MAC: knownMAC, Kind: "request", Wanted: knownAddr, Arch: boot.ArchUnknown}, nil, Acked, "ACK", "", false},
		"wants another":          {Question{MAC: knownMAC, Kind: "request", Wanted: elsewhere}, nil, WrongAddress, "", "", false},
		"wants another, refused": {Question{MAC: knownMAC, Kind: "request", Wanted: elsewhere}, authoritative, Naked, "NAK", "", false},
		"renews":                 {Question{MAC: knownMAC, Kind: "renew", Wanted: knownAddr}, nil, Acked, "ACK", "", false},
		"renews another":         {Question{MAC: knownMAC, Kind: "renew", Wanted: netip.MustParseAddr("10.0.0.77")}, nil, Naked, "NAK", "", false},
		"rebinds":                {Question{MAC: knownMAC, Kind: "rebind", Wanted: knownAddr}, nil, Acked, "ACK", "", false},
		"BOOTP":                  {Question{MAC: knownMAC, Kind: "bootp"}, nil, Booted, "BOOTP", "", false},
		"BOOTP of firmware":      {Question{MAC: knownMAC, Kind: "bootp", Class: boot.PXE, Arch: boot.ArchUnknown}, nil, Booted, "BOOTP", "", false},
		"asks a proxy":           {Question{MAC: knownMAC, Kind: "proxy", Class: boot.PXE, Wanted: knownAddr}, proxying, Proxied, "ACK", "undionly.kpxe", false},
		"asks no proxy":          {Question{MAC: knownMAC, Kind: "proxy", Class: boot.PXE, Wanted: knownAddr}, nil, NotProxy, "", "", false},
		"held":                   {Question{MAC: strange, Class: boot.PXE}, func(prov, _ *inventory.Network) { prov.Strangers = inventory.StrangerHold }, Held, "", "", false},
		"inform":                 {Question{MAC: knownMAC, Kind: "inform", Wanted: knownAddr}, nil, Informed, "ACK", "", false},
		"stranger":               {Question{MAC: strange, Class: boot.PXE}, nil, Stranger, "", "", false},
		"stranger who is lent":   {Question{MAC: strange, Class: boot.PXE, Arch: boot.ArchBIOS}, discovering, Offered, "OFFER", "undionly.kpxe", true},
		"behind a relay":         {Question{MAC: farMAC, Class: boot.PXE, Arch: boot.ArchBIOS, Relay: relay, Circuit: "ge-0/0/1", Remote: "0x00ff"}, nil, Offered, "OFFER", "undionly.kpxe", false},
		"wrong network":          {Question{MAC: farMAC}, nil, WrongNetwork, "", "", false},
		"relay's link":           {Question{MAC: farMAC, Relay: elsewhere, Link: relay}, nil, Offered, "OFFER", "", false},
		"undeclared":             {Question{MAC: knownMAC, Relay: elsewhere}, nil, Undeclared, "", "", false},
		"no MAC":                 {Question{}, nil, Malformed, "", "", false},
	} {
		w := newWorld(c.change)
		to := broadcast()
		if c.q.Relay.IsValid() {
			to = ourAddr
		}
		got, err := Explain(t.Context(), w.view, c.q, []netip.Addr{ourAddr}, to, Settings{HTTPPort: 8080}, w.lender, testTime)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Rule != c.rule || got.Word() != c.word || got.File() != c.file || got.Lent != c.lent || got.Why() == "" || (got.Text() == "") != (c.word == "") {
			t.Errorf("%s: %s %q %q lent %v: %s", name, got.Rule, got.Word(), got.File(), got.Lent, got.Why())
		}
		if got.Rule == Malformed {
			continue
		}
		m, err := c.q.message()
		if err != nil {
			t.Fatal(err)
		}
		if c.q.Kind == "renew" || c.q.Kind == "proxy" {
			to = ourAddr
		}
		m, err = dhcpv4.FromBytes(m.ToBytes())
		if err != nil {
			t.Fatal(err)
		}
		in := Inbound{Message: m, Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: to, At: testTime}
		if c.q.Kind == "proxy" {
			in.Port, in.From = ProxyPort, netip.AddrPortFrom(c.q.Wanted, clientPort)
		}
		if c.q.Relay.IsValid() {
			in.From = netip.AddrPortFrom(c.q.Relay, ServerPort)
		}
		real := newWorld(c.change).askAs(in)
		delete(got.Event.Detail, "interface")
		if (real.Reply == nil) != (got.Reply == nil) || real.Reply != nil && string(real.Bytes()) != string(got.Bytes()) ||
			real.Rule != got.Rule || real.Dest != got.Dest || real.Address != got.Address || !reflect.DeepEqual(real.Event, got.Event) || real.Relay != got.Relay || real.Client != got.Client {
			t.Errorf("%s: the packet itself is answered %+v\nand explained %+v", name, real, got.Answer)
		}
	}
}

// BOOTP has no words for what kind of firmware asks.
func TestABOOTPClientIsNotTakenForOneThatLacksALoader(t *testing.T) {
	w := newWorld(nil)
	e, err := Explain(t.Context(), w.view, Question{MAC: knownMAC, Kind: "bootp", Class: boot.PXE, Arch: boot.ArchUnknown}, []netip.Addr{ourAddr}, broadcast(), Settings{HTTPPort: 8080}, w.lender, testTime)
	if err != nil || e.Why() != "BOOTP answered BOOTP 10.0.0.11" || e.Client.Class != boot.NotNetboot {
		t.Errorf("%v: %q of a client %s", err, e.Why(), e.Client.Class)
	}
}

func TestARelaysQuestionIsExplainedAsItIsAnswered(t *testing.T) {
	w := newWorld(nil)
	for _, c := range []struct {
		q    Question
		rule Rule
		word string
	}{
		{Question{MAC: knownMAC}, NoRelay, ""},
		{Question{MAC: knownMAC, Relay: netip.MustParseAddr("10.77.0.1")}, BadRelay, ""},
		{Question{MAC: knownMAC, Relay: netip.MustParseAddr("10.9.0.1")}, LeaseActive, "LEASEACTIVE"},
		{Question{MAC: strange, Wanted: knownAddr, Relay: netip.MustParseAddr("10.9.0.1")}, LeaseActive, "LEASEACTIVE"},
		{Question{MAC: strange, Relay: netip.MustParseAddr("10.9.0.1")}, LeaseUnknown, "LEASEUNKNOWN"},
	} {
		c.q.Kind, c.q.Held = "leasequery", func(inventory.MAC) Holding { return Holding{Address: knownAddr, At: testTime} }
		e, err := Explain(t.Context(), w.view, c.q, []netip.Addr{ourAddr}, ourAddr, Settings{}, w.lender, testTime)
		if err != nil || e.Rule != c.rule || e.Word() != c.word || e.Why() == "" {
			t.Errorf("%+v: %v %s %q %s", c.q, err, e.Rule, e.Word(), e.Why())
		}
	}
}

func TestAQuestionThatNoPacketCanAskIsRefused(t *testing.T) {
	w := newWorld(nil)
	for _, q := range []Question{{MAC: knownMAC, Kind: "offer"}, {MAC: knownMAC, Circuit: "0xzz"}, {MAC: knownMAC, Remote: string(make([]byte, 300))}} {
		if _, err := Explain(t.Context(), w.view, q, nil, ourAddr, Settings{}, w.lender, testTime); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
}

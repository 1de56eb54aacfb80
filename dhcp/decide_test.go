package dhcp

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

const (
	discover = dhcpv4.MessageTypeDiscover
	request  = dhcpv4.MessageTypeRequest
	inform   = dhcpv4.MessageTypeInform
	release  = dhcpv4.MessageTypeRelease
	decline  = dhcpv4.MessageTypeDecline
)

const all = "255.255.255.255:68"

func TestAKnownMachineIsAnsweredInEveryState(t *testing.T) {
	for _, c := range []struct {
		name  string
		msg   *dhcpv4.DHCPv4
		rule  Rule
		reply string
		given string
		dest  string
	}{
		{"DISCOVER", message(discover, knownMAC), Offered, "OFFER", "10.0.0.11", "10.0.0.11:68"},
		{"DISCOVER wanting another address is offered its own", message(discover, knownMAC, wants("10.0.0.77")), Offered, "OFFER", "10.0.0.11", "10.0.0.11:68"},
		{"SELECTING", message(request, knownMAC, wants("10.0.0.11"), chose("10.0.0.1")), Acked, "ACK", "10.0.0.11", "10.0.0.11:68"},
		{"SELECTING a wrong address", message(request, knownMAC, wants("10.0.0.77"), chose("10.0.0.1")), Naked, "NAK", "", all},
		{"SELECTING another server", message(request, knownMAC, wants("10.0.0.11"), chose("10.0.0.2")), OtherServer, "", "", ""},
		{"INIT-REBOOT", message(request, knownMAC, wants("10.0.0.11")), Acked, "ACK", "10.0.0.11", "10.0.0.11:68"},
		{"INIT-REBOOT with a wrong address", message(request, knownMAC, wants("10.0.0.77")), WrongAddress, "", "", ""},
		{"RENEWING", message(request, knownMAC, has("10.0.0.11")), Acked, "ACK", "10.0.0.11", "10.0.0.11:68"},
		{"RENEWING a wrong address", message(request, knownMAC, has("10.0.0.77")), Naked, "NAK", "", all},
		{"RENEWING with an old wish", message(request, knownMAC, has("10.0.0.11"), wants("10.0.0.77")), Acked, "ACK", "10.0.0.11", "10.0.0.11:68"},
		{"DISCOVER that wants a broadcast", message(discover, knownMAC, shouts), Offered, "OFFER", "10.0.0.11", all},
		{"SELECTING that wants a broadcast", message(request, knownMAC, wants("10.0.0.11"), chose("10.0.0.1"), shouts), Acked, "ACK", "10.0.0.11", all},
		{"BOOTP", message(dhcpv4.MessageTypeNone, knownMAC), Booted, "BOOTP", "10.0.0.11", "10.0.0.11:68"},
		{"BOOTP of nobody known", message(dhcpv4.MessageTypeNone, strange), Stranger, "", "", ""},
		{"BOOTP without an address of its own", message(dhcpv4.MessageTypeNone, bareMAC), BOOTP, "", "", ""},
		{"REQUEST for nothing", message(request, knownMAC), Malformed, "", "", ""},
		{"INFORM", message(inform, knownMAC, has("10.0.0.11")), Informed, "ACK", "", "10.0.0.11:68"},
		{"INFORM without an address", message(inform, knownMAC), Malformed, "", "", ""},
		{"RELEASE", message(release, knownMAC, has("10.0.0.11"), chose("10.0.0.1")), Released, "", "", ""},
		{"DECLINE", message(decline, knownMAC, wants("10.0.0.11"), chose("10.0.0.1")), Declined, "", "", ""},
		{"a server's message type", message(dhcpv4.MessageTypeOffer, knownMAC), Unsupported, "", "", ""},
		{"DISCOVER claiming an address elsewhere", message(discover, knownMAC, has("192.0.2.1")), Undeclared, "", "", ""},
		{"planned on another network", message(discover, farMAC), WrongNetwork, "", "", ""},
		{"planned without an address", message(discover, bareMAC), NoAddress, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, newWorld(nil).ask(c.msg), c.rule, c.reply, c.given, c.dest) })
	}
}

func TestAnAuthoritySaysNo(t *testing.T) {
	w := newWorld(authoritative)
	expect(t, w.ask(message(request, knownMAC, wants("10.0.0.77"))), Naked, "NAK", "", all)
	expect(t, w.ask(message(request, knownMAC, has("10.0.0.77"))), Naked, "NAK", "", all)
	expect(t, w.ask(message(request, strange, wants("192.168.1.5"))), Naked, "NAK", "", all)
	expect(t, w.ask(message(request, strange, wants("10.0.0.77"))), Stranger, "", "", "")
	expect(t, w.ask(message(request, strange, wants("192.168.1.5"), chose("10.0.0.2"))), OtherServer, "", "", "")
	expect(t, w.ask(message(discover, strange)), Stranger, "", "", "")
}

func TestNothingIsSaidOffADeclaredNetwork(t *testing.T) {
	w := newWorld(nil)
	for _, addrs := range [][]netip.Addr{nil, {netip.MustParseAddr("192.168.7.1")}} {
		in := Inbound{Message: message(discover, knownMAC), Addresses: addrs, Own: addrs, To: broadcast(), At: testTime}
		expect(t, w.askAs(in), Undeclared, "", "", "")
	}
	expect(t, w.ask(message(discover, knownMAC, via("172.16.0.1"))), Undeclared, "", "", "")
}

func TestNothingIsSaidWhereDHCPIsOff(t *testing.T) {
	for _, mode := range []inventory.DHCPMode{inventory.DHCPOff, ""} {
		w := newWorld(func(prov, _ *inventory.Network) {
			prov.DHCP, prov.Strangers = mode, inventory.StrangerDiscover
		})
		expect(t, w.ask(message(discover, knownMAC)), SwitchedOff, "", "", "")
		expect(t, w.ask(message(discover, strange)), SwitchedOff, "", "", "")
	}
}

func TestAStrangerIsLeftAloneAndTheEventSaysWhy(t *testing.T) {
	ans := newWorld(nil).ask(message(discover, strange))
	expect(t, ans, Stranger, "", "", "")
	if ans.Event.Kind != journal.DHCPIgnored || ans.Event.MAC != strange || ans.Event.Detail["rule"] != "stranger" {
		t.Errorf("event is %+v", ans.Event)
	}
}

func TestAStrangerIsLentAnAddressWhereThePolicySaysSo(t *testing.T) {
	w := newWorld(discovering)
	// 10.0.0.200 is in the pool but reserved for a planned machine.
	expect(t, w.ask(message(discover, strange, wants("10.0.0.200"))), Offered, "OFFER", "10.0.0.201", "10.0.0.201:68")
	expect(t, w.ask(message(request, strange, wants("10.0.0.201"), chose("10.0.0.1"))), Acked, "ACK", "10.0.0.201", "10.0.0.201:68")
	expect(t, w.ask(message(request, strange, has("10.0.0.201"))), Acked, "ACK", "10.0.0.201", "10.0.0.201:68")
	expect(t, w.ask(message(request, strange, wants("10.0.0.202"), chose("10.0.0.1"))), Naked, "NAK", "", all)
	expect(t, w.ask(message(request, strange, wants("10.0.0.11"))), WrongAddress, "", "", "")
	expect(t, w.ask(message(discover, inventory.MAC{2, 8}, wants("10.0.0.203"))), Offered, "OFFER", "10.0.0.203", "10.0.0.203:68")
	expect(t, w.ask(message(discover, bareMAC)), Offered, "OFFER", "10.0.0.202", "10.0.0.202:68")
	expect(t, w.ask(message(discover, inventory.MAC{2, 9})), NoLease, "", "", "")
	expect(t, w.ask(message(decline, strange, wants("10.0.0.201"), chose("10.0.0.1"))), Declined, "", "", "")
	expect(t, w.ask(message(release, bareMAC, has("10.0.0.202"), chose("10.0.0.1"))), Released, "", "", "")
	expect(t, w.ask(message(discover, strange)), Offered, "OFFER", "10.0.0.202", "10.0.0.202:68")
}

func TestAReservedAddressIsNeverLentWhateverTheLenderSays(t *testing.T) {
	w := newWorld(discovering)
	w.lender = NewMemoryLender(func() time.Time { return testTime }, time.Hour, func(netip.Addr) bool { return false })
	ans := w.ask(message(discover, strange, wants("10.0.0.200")))
	expect(t, ans, LeaseReserved, "", "", "")
	if ans.Ask == nil || ans.Ask.Verb != Decline {
		t.Fatalf("the lease is not declined: %+v", ans.Ask)
	}
	if _, err := ans.Ask.Put(context.Background(), w.lender); err != nil {
		t.Fatal(err)
	}
	expect(t, w.ask(message(discover, strange)), Offered, "OFFER", "10.0.0.201", "10.0.0.201:68")
}

func TestANetworkWithoutAPoolLendsNothing(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) {
		prov.Strangers, prov.Pool = inventory.StrangerDiscover, inventory.Pool{}
	})
	expect(t, w.ask(message(discover, strange)), NoPool, "", "", "")
}

func TestThroughARelay(t *testing.T) {
	w := newWorld(nil)
	circuit := []byte{1, 4, 'p', 'o', 'r', 't'}
	ans := w.ask(message(discover, farMAC, via("10.9.0.1"), dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, circuit)))
	expect(t, ans, Offered, "OFFER", "10.9.0.12", "10.9.0.1:67")
	if !bytes.Equal(ans.Reply.Options.Get(dhcpv4.OptionRelayAgentInformation), circuit) {
		t.Error("option 82 is not returned as it came")
	}
	if got := ans.Reply.GatewayIPAddr.String(); got != "10.9.0.1" {
		t.Errorf("giaddr is %s", got)
	}

	// The relay's own address is on an unnumbered link; it names the client's network.
	link := []byte{5, 4, 10, 9, 0, 0}
	ans = w.ask(message(discover, farMAC, via("172.16.0.1"), dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, link)))
	expect(t, ans, Offered, "OFFER", "10.9.0.12", "172.16.0.1:67")

	override := []byte{11, 4, 10, 9, 0, 1}
	ans = w.ask(message(request, farMAC, via("10.9.0.1"), wants("10.9.0.12"), chose("10.9.0.1"), dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, override)))
	expect(t, ans, Acked, "ACK", "10.9.0.12", "10.9.0.1:67")
	if got := ans.Reply.ServerIdentifier().String(); got != "10.9.0.1" {
		t.Errorf("server identifier is %s, the relay overrode it", got)
	}

	w.far.DHCP = inventory.DHCPAuthoritative
	ans = w.ask(message(request, farMAC, via("10.9.0.1"), wants("10.0.0.5")))
	expect(t, ans, Naked, "NAK", "", "10.9.0.1:67")
	if !ans.Reply.IsBroadcast() {
		t.Error("a NAK through a relay asks it to broadcast")
	}
}

func TestTheClientsWordSelectsTheSubnetWhereTheRelaySaysNothing(t *testing.T) {
	w := newWorld(nil)
	select118 := dhcpv4.WithGeneric(dhcpv4.OptionSubnetSelection, []byte{10, 9, 0, 0})
	ans := w.ask(message(discover, farMAC, via("10.0.0.5"), select118))
	expect(t, ans, Offered, "OFFER", "10.9.0.12", "10.0.0.5:67")
	if !bytes.Equal(ans.Reply.Options.Get(dhcpv4.OptionSubnetSelection), []byte{10, 9, 0, 0}) {
		t.Error("option 118 is not returned (RFC 3011)")
	}
}

func TestARelayThatCannotBeOneIsNotBelieved(t *testing.T) {
	link := dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, []byte{5, 4, 10, 9, 0, 0})
	for _, relay := range []string{"10.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255"} {
		expect(t, newWorld(nil).ask(message(discover, farMAC, via(relay), link)), BadRelay, "", "", "")
	}
	us := []netip.Addr{ourAddr}
	elsewhere := Inbound{Message: message(discover, farMAC, via("172.16.0.1"), link), From: netip.MustParseAddrPort("192.0.2.9:67"), Addresses: us, Own: us, To: ourAddr, At: testTime}
	expect(t, newWorld(nil).askAs(elsewhere), BadRelay, "", "", "")
	for hops, want := range map[uint8]Rule{maxHops: "", maxHops + 1: Looped} {
		m := message(discover, farMAC, via("10.9.0.1"))
		m.HopCount = hops
		if _, reason := Parse(m.ToBytes()); reason != want {
			t.Errorf("%d hops: %q", hops, reason)
		}
	}
}

// A relay that asks about a machine (RFC 4388) shows nobody at that relay.
func TestALeaseQueryIsNoSightOfAMachine(t *testing.T) {
	for _, mac := range []inventory.MAC{knownMAC, strange, {}} {
		if m, reason := Parse(message(dhcpv4.MessageType(10), mac, via("10.9.0.1")).ToBytes()); m != nil || reason != Queried {
			t.Errorf("%s: %v %s", mac, m, reason)
		}
	}
}

func TestAReservedAddressThatIsDeclinedIsAConflictOnTheMachine(t *testing.T) {
	ans := newWorld(nil).ask(message(decline, knownMAC, wants("10.0.0.11"), chose("10.0.0.1")))
	if ans.Event.Kind != journal.DHCPConflict || ans.Event.Machine != "m1" || ans.Event.Detail["address"] != "10.0.0.11" {
		t.Errorf("event is %+v", ans.Event)
	}
	if ans := newWorld(nil).ask(message(decline, knownMAC, wants("10.0.0.99"), chose("10.0.0.1"))); ans.Event.Kind == journal.DHCPConflict {
		t.Error("declining another address is a conflict of the machine's")
	}
}

func TestTheEventNamesTheServerThatTheClientTook(t *testing.T) {
	ans := newWorld(nil).ask(message(request, knownMAC, wants("10.0.0.99"), chose("10.0.0.2")))
	if ans.Event.Detail["server"] != "10.0.0.2" || ans.Event.Detail["state"] != "SELECTING" {
		t.Errorf("event is %+v", ans.Event)
	}
}

func TestAMachineBehindARouterHearsOfARefusal(t *testing.T) {
	ans := newWorld(nil).ask(message(request, farMAC, has("10.9.0.99")))
	expect(t, ans, Naked, "NAK", "", "10.9.0.99:68")
}

func TestAMachineBehindARouterRenewsByUnicast(t *testing.T) {
	ans := newWorld(nil).ask(message(request, farMAC, has("10.9.0.12")))
	expect(t, ans, Acked, "ACK", "10.9.0.12", "10.9.0.12:68")
}

func TestTheAddressFollowsTheMACWhateverTheClientIdentifier(t *testing.T) {
	w := newWorld(nil)
	for _, id := range [][]byte{nil, {1, 0x52, 0x54, 0, 0x77, 0, 1}, {0, 1, 2, 3}, {255, 1, 2, 3, 4, 0, 2, 0, 0, 171, 17}} {
		expect(t, w.ask(message(discover, knownMAC, dhcpv4.WithOption(dhcpv4.OptClientIdentifier(id)))), Offered, "OFFER", "10.0.0.11", "10.0.0.11:68")
	}
}

func TestTwoNetworksOnOneInterface(t *testing.T) {
	w := newWorld(nil)
	both := []netip.Addr{ourAddr, netip.MustParseAddr("10.9.0.1")}
	in := Inbound{Message: message(discover, farMAC), Addresses: both, Own: both, To: broadcast(), At: testTime}
	ans := w.askAs(in)
	expect(t, ans, Offered, "OFFER", "10.9.0.12", "10.9.0.12:68")
	if got := ans.Reply.ServerIdentifier().String(); got != "10.9.0.1" {
		t.Errorf("server identifier is %s, not our address on the client's network", got)
	}
}

func TestAMachineSaysThatItUsesItsReservedAddressOrThatAnotherDoes(t *testing.T) {
	w := newWorld(nil)
	mine := netip.MustParseAddr("10.0.0.11")
	for name, c := range map[string]struct {
		m               *dhcpv4.DHCPv4
		holds, declined netip.Addr
	}{
		"takes an offer":          {message(request, knownMAC, wants("10.0.0.11"), chose("10.0.0.1")), netip.Addr{}, netip.Addr{}},
		"renews":                  {message(request, knownMAC, has("10.0.0.11")), mine, netip.Addr{}},
		"asks for parameters":     {message(dhcpv4.MessageTypeInform, knownMAC, has("10.0.0.11")), mine, netip.Addr{}},
		"so at another address":   {message(dhcpv4.MessageTypeInform, knownMAC, has("10.0.0.77")), netip.Addr{}, netip.Addr{}},
		"declines":                {message(decline, knownMAC, wants("10.0.0.11"), chose("10.0.0.1")), netip.Addr{}, mine},
		"declines another's":      {message(decline, knownMAC, wants("10.0.0.12"), chose("10.0.0.1")), netip.Addr{}, netip.Addr{}},
		"a stranger declines one": {message(decline, strange, wants("10.0.0.11"), chose("10.0.0.1")), netip.Addr{}, netip.Addr{}},
	} {
		if ans := w.ask(c.m); ans.Holds != c.holds || ans.Declined != c.declined {
			t.Errorf("%s: holds %s, declined %s (%s)", name, ans.Holds, ans.Declined, ans.Rule)
		}
	}
}

// Two routing domains may have the same addresses.
func TestAMachineOfAnotherRoutingDomainIsGivenNothingHere(t *testing.T) {
	w := newWorld(nil)
	tenant := &inventory.Network{ID: "n9", Name: "tenant", Prefix: w.prov.Prefix, Domain: "tenant", DHCP: inventory.DHCPOff}
	twin := inventory.MAC{2, 7}
	w.view = boot.NewView(1, []*inventory.Network{w.prov, tenant}, append(slices.Collect(w.view.All()),
		&boot.Host{Machine: "m7", Name: "twin", MAC: twin, Network: tenant.Name, Address: knownAddr}))
	expect(t, w.ask(message(discover, knownMAC)), Offered, "OFFER", knownAddr.String(), "10.0.0.11:68")
	expect(t, w.ask(message(discover, twin)), WrongNetwork, "", "", "")
	expect(t, w.ask(message(request, twin, wants(knownAddr.String()), chose("10.0.0.1"))), Naked, "NAK", "", "255.255.255.255:68")
}

// The plan moved a machine, or took its address: who asks us for the old one is told so.
func TestAMachineIsRefusedTheAddressItHadBeforeThePlanChanged(t *testing.T) {
	for _, mac := range []inventory.MAC{farMAC, bareMAC} {
		w := newWorld(nil)
		expect(t, w.ask(message(request, mac, wants("10.0.0.50"), chose("10.0.0.1"))), Naked, "NAK", "", "255.255.255.255:68")
		expect(t, w.ask(message(request, mac, has("10.0.0.50"))), Naked, "NAK", "", "255.255.255.255:68")
		if ans := w.ask(message(request, mac, wants("10.0.0.50"))); ans.Reply != nil {
			t.Errorf("INIT-REBOOT beside an authority: %s", ans.Rule)
		}
		w = newWorld(authoritative)
		expect(t, w.ask(message(request, mac, wants("10.0.0.50"))), Naked, "NAK", "", "255.255.255.255:68")
	}
}

func TestOurOwnAddressIsNotLent(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) {
		discovering(prov, nil)
		prov.Pool = inventory.Pool{First: ourAddr, Last: ourAddr}
	})
	if ans := w.ask(message(discover, strange)); ans.Rule != LeaseReserved || ans.Reply != nil || ans.Ask == nil || ans.Ask.Verb != Decline {
		t.Errorf("%s, %+v", ans.Rule, ans.Ask)
	}
	if ans := w.ask(message(request, strange, wants(ourAddr.String()), chose(ourAddr.String()))); ans.Rule != Naked {
		t.Errorf("REQUEST: %s", ans.Rule)
	}
}

// A relay sends what has no yiaddr to nobody.
func TestAnINFORMThroughARelayIsAnsweredToItsSender(t *testing.T) {
	expect(t, newWorld(nil).ask(message(dhcpv4.MessageTypeInform, farMAC, has("10.9.0.12"), via("10.9.0.1"))), Informed, "ACK", "", "10.9.0.12:68")
}

// Firmware of one model holds our authority, that of another does not.
func TestATemplateIsOfOneScheme(t *testing.T) {
	prov := newWorld(nil).prov
	var hosts []*boot.Host
	for i, model := range []string{"trusting", "plain", "trusting", "plain"} {
		hosts = append(hosts, &boot.Host{Machine: fmt.Sprint("m", i), MAC: inventory.MAC{2, 8, byte(i)}, Model: model, Network: prov.Name, Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(50 + i)})})
	}
	v := boot.NewView(1, []*inventory.Network{prov}, hosts).With(&boot.Delta{Revision: 2, Models: &boot.Models{HTTPS: map[string]bool{"trusting": true}}})
	q := &Quick{Settings: Settings{HTTPPort: 8080, HTTPSPort: 8443}}
	quick := 0
	for _, h := range hosts {
		b := message(discover, h.MAC, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("HTTPClient:Arch:00016")), dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64_HTTP))).ToBytes()
		if agree(t, q, v, b, Inbound{Interface: "eth0", Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: broadcast(), At: testTime}) {
			quick++
		}
	}
	if quick != 2 {
		t.Errorf("%d quick answers of the 2 that had a template", quick)
	}
}

func TestUBootIsSaidToReadItsConfiguration(t *testing.T) {
	for _, class := range []string{"U-Boot.armv8", "PXEClient"} {
		ans := newWorld(nil).ask(message(discover, knownMAC, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)), dhcpv4.WithOption(dhcpv4.OptClientArch(iana.Arch(boot.ArchARM64UBoot)))))
		if ans.Event.Detail["no_loader"] != nil || !strings.Contains(ans.Event.Summary, "reads its configuration") {
			t.Errorf("%s: %s %v", class, ans.Event.Summary, ans.Event.Detail)
		}
	}
}

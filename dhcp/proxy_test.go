package dhcp

import (
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

func proxying(prov, _ *inventory.Network) { prov.DHCP = inventory.DHCPProxy }

func modelled(model string, o ...inventory.Option) *boot.Delta {
	return &boot.Delta{Models: &boot.Models{Options: map[string][]inventory.Option{model: o}}, Machines: map[string][]*boot.Host{
		"m1": {{Machine: "m1", Name: "r1-u1", MAC: knownMAC, Network: "prov", Address: knownAddr, Firmware: inventory.BIOS, Model: model}}}}
}

func TestBesideAnotherServerOnlyWhatNetbootsIsToldWhatToLoad(t *testing.T) {
	pxe := []dhcpv4.Modifier{class("PXEClient:Arch:00007:UNDI:003016"), arch(7), shouts}
	with := func(more ...dhcpv4.Modifier) []dhcpv4.Modifier { return append(more, pxe...) }
	asked := netip.MustParseAddrPort("10.0.0.77:4011")
	for _, c := range []struct {
		name  string
		msg   *dhcpv4.DHCPv4
		port  uint16
		rule  Rule
		reply string
		dest  string
	}{
		{"DISCOVER", message(discover, knownMAC, with()...), 67, Proxied, "OFFER", all},
		{"REQUEST, which is the other server's", message(request, knownMAC, with(wants("10.0.0.77"), chose("10.0.0.2"))...), 67, GivenByOther, "", ""},
		{"REQUEST on port 4011", message(request, knownMAC, with(has("10.0.0.77"))...), ProxyPort, Proxied, "ACK", asked.String()},
		{"REQUEST on port 4011 naming the other server", message(request, knownMAC, with(has("10.0.0.77"), chose("10.0.0.2"))...), ProxyPort, Proxied, "ACK", asked.String()},
		{"INFORM on port 4011", message(inform, knownMAC, with(has("10.0.0.77"))...), ProxyPort, Proxied, "ACK", asked.String()},
		{"INFORM on port 67", message(inform, knownMAC, with(has("10.0.0.77"))...), 67, Proxied, "ACK", "10.0.0.77:68"},
		{"DISCOVER on port 4011", message(discover, knownMAC, with()...), ProxyPort, Unsupported, "", ""},
		{"an installed system", message(discover, knownMAC), 67, NotNetbooting, "", ""},
		{"a stranger", message(discover, strange, with()...), 67, Stranger, "", ""},
		{"DECLINE", message(decline, knownMAC, with(wants("10.0.0.77"))...), 67, Unsupported, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(proxying)
			in := Inbound{Message: c.msg, Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: ourAddr, Port: c.port, At: testTime}
			if c.port == ProxyPort {
				in.From = asked
			}
			ans := w.askAs(in)
			expect(t, ans, c.rule, c.reply, "", c.dest)
			if ans.Reply == nil {
				return
			}
			if r := ans.Reply; r.ClassIdentifier() != "PXEClient" || r.BootFileName != "ipxe.efi" || r.ServerIPAddr.String() != "10.0.0.1" ||
				string(r.Options[43]) != "\x06\x01\x08\xff" || r.Options[51] != nil || r.Options[1] != nil || r.Options[3] != nil {
				t.Errorf("reply is\n%s", r.Summary())
			}
		})
	}
}

func TestALoaderBesideAnotherServerTakesTheOfferForAProxys(t *testing.T) {
	r := newWorld(proxying).ask(message(discover, knownMAC, class("PXEClient:Arch:00007"), dhcpv4.WithUserClass("iPXE", false), arch(7))).Reply
	if r == nil || r.ClassIdentifier() != "PXEClient" || r.BootFileName == "" || r.Options[ipxeOptions] != nil {
		t.Errorf("reply is %v", r)
	}
}

func TestPort4011IsAProxysOnly(t *testing.T) {
	w := newWorld(nil)
	in := Inbound{Message: message(request, knownMAC, has("10.0.0.11")), Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: ourAddr, Port: ProxyPort, At: testTime}
	expect(t, w.askAs(in), NotProxy, "", "", "")
}

func TestAStrangerThatIsHeldIsNotAnsweredAndTheEventSaysSo(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) { prov.Strangers = inventory.StrangerHold })
	expect(t, w.ask(message(discover, strange)), Held, "", "", "")
	expect(t, w.ask(message(discover, knownMAC)), Offered, "OFFER", "10.0.0.11", "10.0.0.11:68")
}

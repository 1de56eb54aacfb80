package dhcp

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// A small datacenter: network prov (10.0.0.0/24, we are 10.0.0.1) on the interface, and
// network far (10.9.0.0/24) behind a relay.

var (
	ourAddr   = netip.MustParseAddr("10.0.0.1")
	knownAddr = netip.MustParseAddr("10.0.0.11")
	knownMAC  = inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}
	farMAC    = inventory.MAC{0x52, 0x54, 0, 0x77, 0, 2}
	bareMAC   = inventory.MAC{0x52, 0x54, 0, 0x77, 0, 3} // planned without an address
	strange   = inventory.MAC{0x52, 0x54, 0, 0x99, 0, 9}
	testTime  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

type world struct {
	prov, far *inventory.Network
	view      *boot.View
	lender    *MemoryLender
}

func newWorld(change func(prov, far *inventory.Network)) *world {
	w := &world{
		prov: &inventory.Network{ID: "n1", Name: "prov", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.254"),
			DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")}, NTP: []netip.Addr{netip.MustParseAddr("10.0.0.123")}, Domain: "dc.example", MTU: 9000,
			DHCP: inventory.DHCPReservations, Strangers: inventory.StrangerIgnore, LeaseSeconds: 3600,
			Pool: inventory.Pool{First: netip.MustParseAddr("10.0.0.200"), Last: netip.MustParseAddr("10.0.0.203")}},
		far: &inventory.Network{ID: "n2", Name: "far", Prefix: netip.MustParsePrefix("10.9.0.0/24"), DHCP: inventory.DHCPReservations, LeaseSeconds: 600},
	}
	if change != nil {
		change(w.prov, w.far)
	}
	w.view = boot.NewView(1, []*inventory.Network{w.prov, w.far}, []*boot.Host{
		{Machine: "m1", Name: "r1-u1", MAC: knownMAC, Network: w.prov.Name, Address: knownAddr, Firmware: inventory.BIOS},
		{Machine: "m2", Name: "r9-u1", MAC: farMAC, Network: w.far.Name, Address: netip.MustParseAddr("10.9.0.12")},
		{Machine: "m3", Name: "r1-u3", MAC: bareMAC, Network: w.prov.Name},
		{Machine: "m4", Name: "r1-u4", MAC: inventory.MAC{2, 4}, Network: w.prov.Name, Address: netip.MustParseAddr("10.0.0.200")},
	})
	w.lender = NewMemoryLender(func() time.Time { return testTime }, time.Hour, func(a netip.Addr) bool { return w.view.HostAt(a) != nil })
	return w
}

func authoritative(prov, _ *inventory.Network) { prov.DHCP = inventory.DHCPAuthoritative }
func discovering(prov, _ *inventory.Network)   { prov.Strangers = inventory.StrangerDiscover }

// ask sends a message as the listener would, the Lender included.
func (w *world) ask(m *dhcpv4.DHCPv4) Answer {
	in := Inbound{Message: m, Interface: "eth0", Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: broadcast(), At: testTime}
	if a := addr(m.GatewayIPAddr); a.IsValid() {
		in.From = netip.AddrPortFrom(a, ServerPort)
	}
	if !m.GatewayIPAddr.IsUnspecified() || !m.ClientIPAddr.IsUnspecified() {
		in.To = ourAddr
	}
	return w.askAs(in)
}

func (w *world) askAs(in Inbound) Answer {
	set := Settings{HTTPPort: 8080}
	ans := Decide(w.view, in, set)
	if ans.Ask == nil {
		return ans
	}
	lease, err := ans.Ask.Put(context.Background(), w.lender)
	return Finish(w.view, in, set, *ans.Ask, lease, err)
}

// message builds what a client sends.
func message(kind dhcpv4.MessageType, mac inventory.MAC, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	all := append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(net.HardwareAddr(mac[:])), dhcpv4.WithMessageType(kind)}, mods...)
	if kind == dhcpv4.MessageTypeNone {
		all[1] = func(m *dhcpv4.DHCPv4) { m.DeleteOption(dhcpv4.OptionDHCPMessageType) }
	}
	m, err := dhcpv4.New(all...)
	if err != nil {
		panic(err)
	}
	return m
}

func wants(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(a).To4()))
}

func chose(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(a).To4()))
}

func shouts(m *dhcpv4.DHCPv4) { m.SetBroadcast() }

func has(a string) dhcpv4.Modifier { return dhcpv4.WithClientIP(net.ParseIP(a).To4()) }

func via(a string) dhcpv4.Modifier { return dhcpv4.WithGatewayIP(net.ParseIP(a).To4()) }

// expect checks the rule, the reply's type ("" for silence), the address given and the
// destination.
func expect(t *testing.T, ans Answer, rule Rule, reply, given, dest string) {
	t.Helper()
	if ans.Rule != rule {
		t.Errorf("rule is %s, want %s", ans.Rule, rule)
	}
	got, gave, to := "", "", ""
	if ans.Reply != nil {
		got, to = wordOf(ans.Reply), ans.Dest.String()
		if !ans.Reply.YourIPAddr.IsUnspecified() && ans.Reply.YourIPAddr != nil {
			gave = ans.Reply.YourIPAddr.String()
		}
	}
	if got != reply || gave != given || to != dest {
		t.Errorf("reply %q address %q to %q, want %q %q %q", got, gave, to, reply, given, dest)
	}
	if ans.Event.Kind == "" || ans.Event.Summary == "" {
		t.Errorf("no event: %+v", ans.Event)
	}
}

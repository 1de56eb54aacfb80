package netns

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/vishvananda/netlink"

	"rackwright/inventory"
	"rackwright/journal"
)

// Message types of RFC 4388 section 6.1.
const (
	leaseQuery      dhcpv4.MessageType = 10
	leaseUnassigned dhcpv4.MessageType = 11
	leaseUnknown    dhcpv4.MessageType = 12
	leaseActive     dhcpv4.MessageType = 13
)

// concentrator is a relay of our own make on far, behind which farMAC is.
func concentrator(t *testing.T) *machine {
	t.Helper()
	m := plug(t, "br0", "52:54:00:77:00:f0")
	m.address("10.77.0.5/24")
	m.address("10.79.0.1/24")
	_, far, err := net.ParseCIDR("10.79.0.0/24")
	must(t, err)
	must(t, netlink.RouteAdd(&netlink.Route{Dst: far, Gw: net.IPv4(10, 77, 0, 5)}))
	return m
}

// exchange sends a message as a relay does and returns the reply, nil if none comes in time.
func exchange(t *testing.T, c *net.UDPConn, kind dhcpv4.MessageType, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithMessageType(kind), dhcpv4.WithGatewayIP(net.IPv4(10, 79, 0, 1)), func(m *dhcpv4.DHCPv4) { m.HWType, m.ClientHWAddr = 0, nil }}, mods...)...)
	must(t, err)
	buf := make([]byte, 1500)
	for range 3 {
		_, err = c.WriteTo(m.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 77, 0, 1), Port: 67})
		must(t, err)
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		n, from, err := c.ReadFromUDP(buf)
		if err != nil {
			continue
		}
		r, err := dhcpv4.FromBytes(buf[:n])
		must(t, err)
		if r.TransactionID != m.TransactionID || from.String() != "10.77.0.1:67" {
			t.Errorf("from %s: %s", from, r.Summary())
		}
		return r
	}
	return nil
}

func client(t *testing.T, mac string) dhcpv4.Modifier {
	return func(m *dhcpv4.DHCPv4) { dhcpv4.WithHwAddr(hardware(t, mac))(m); m.HWType = 1 }
}

func at(address string) dhcpv4.Modifier { return dhcpv4.WithClientIP(net.ParseIP(address).To4()) }

// A relay that lost its table asks who has which address (RFC 4388), and nobody is seen by that.
func TestARelayIsToldOfLeases(t *testing.T) {
	s := newSite(t)
	relay := concentrator(t)
	request(t, plug(t, "br1", strangerMAC), strangerMAC)
	var began time.Time
	relay.within(func() {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 67})
		must(t, err)
		defer c.Close()
		if r := exchange(t, c, leaseQuery, at("10.79.0.11")); r == nil || r.MessageType() != leaseUnknown {
			t.Errorf("a machine that was not heard yet: %v", r)
		}
		port := dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, []byte("\x01\x06leaf-7"))
		if r := exchange(t, c, dhcpv4.MessageTypeRequest, client(t, farMAC), port, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 79, 0, 11)))); r == nil || r.MessageType() != dhcpv4.MessageTypeAck {
			t.Fatalf("the machine behind the relay got %v", r)
		}
		s.await("its sighting", func(e journal.Event) bool { return e.MAC == parse(farMAC) && e.Detail["reply"] == "ACK" })
		began = time.Now()
		for name, c := range map[string]struct {
			reply *dhcpv4.DHCPv4
			kind  dhcpv4.MessageType
			mac   string
			has   string
		}{
			"its address":           {exchange(t, c, leaseQuery, at("10.79.0.11")), leaseActive, farMAC, "10.79.0.11"},
			"the machine":           {exchange(t, c, leaseQuery, client(t, farMAC)), leaseActive, farMAC, "10.79.0.11"},
			"a lent address":        {exchange(t, c, leaseQuery, at("10.78.0.100")), leaseActive, strangerMAC, "10.78.0.100"},
			"a stranger":            {exchange(t, c, leaseQuery, client(t, strangerMAC)), leaseActive, strangerMAC, "10.78.0.100"},
			"a free address":        {exchange(t, c, leaseQuery, at("10.78.0.105")), leaseUnassigned, "", "10.78.0.105"},
			"an address of no pool": {exchange(t, c, leaseQuery, at("192.0.2.1")), leaseUnknown, "", "192.0.2.1"},
		} {
			if c.reply == nil || c.reply.MessageType() != c.kind || c.reply.ClientHWAddr.String() != c.mac || c.reply.ClientIPAddr.String() != c.has {
				t.Errorf("%s: %v", name, c.reply)
				continue
			}
			if left := c.reply.IPAddressLeaseTime(0); (left > 0) != (c.kind == leaseActive) {
				t.Errorf("%s: lease for %s", name, left)
			}
			if info := c.reply.RelayAgentInfo(); c.mac == farMAC && (info == nil || string(info.Options[1]) != "leaf-7") {
				t.Errorf("%s: at %v", name, info)
			}
		}
		if r := exchange(t, c, leaseQuery, at("10.79.0.11"), dhcpv4.WithGatewayIP(net.IPv4(10, 99, 0, 1))); r != nil {
			t.Errorf("a relay of no network is told %s", r.Summary())
		}
	})
	e := s.await("the question", func(e journal.Event) bool {
		return e.Kind == journal.LeaseQuery && e.MAC == parse(farMAC) && e.Detail["reply"] == "LEASEACTIVE"
	})
	if e.Machine != "m4" || e.Detail["relay"] != "10.79.0.1" || e.Detail["address"] != "10.79.0.11" {
		t.Errorf("event is %+v", e)
	}
	for len(s.sightings) > 0 {
		if seen := <-s.sightings; seen.At.After(began) {
			t.Errorf("a question is a sighting: %+v", seen)
		}
	}
	var kinds []dhcpv4.MessageType
	for _, p := range s.packets.Of(parse(farMAC)) {
		if m, err := dhcpv4.FromBytes(p.Message); err == nil {
			kinds = append(kinds, m.MessageType())
		}
	}
	if !slices.Contains(kinds, leaseQuery) || !slices.Contains(kinds, leaseActive) {
		t.Errorf("in memory are %v", kinds)
	}
	if held := s.packets.Of(inventory.MAC{}); len(held) > 0 {
		t.Errorf("%d packets of nobody", len(held))
	}
}

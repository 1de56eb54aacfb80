package dhcp

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// probeClass is the vendor class of the question by which we look for other servers.
const probeClass = "rackwright-probe"

// Probe is a DISCOVER that nobody wants an answer to: it shows who gives some.
func Probe(mac net.HardwareAddr, xid dhcpv4.TransactionID) []byte {
	m := &dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootRequest, HWType: iana.HWTypeEthernet, ClientHWAddr: mac, TransactionID: xid, Options: dhcpv4.Options{}}
	m.SetBroadcast()
	m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeDiscover))
	m.UpdateOption(dhcpv4.OptClassIdentifier(probeClass))
	return m.ToBytes()
}

// Other is another DHCP server at work on a network where we give the addresses.
type Other struct {
	Server  netip.Addr
	Client  inventory.MAC // whom it answered
	Network string
	Event   journal.Event
}

// Overheard looks at a server's message that came in on an interface and reports one of
// another server. One that gives what the plan gives, or an address of our pool, is taken
// for another of ours, unless we are alone on our database: two servers on one network give
// the same answers. addresses are those of the interface, hardware the sender's.
func Overheard(v *boot.View, b []byte, addresses, own []netip.Addr, hardware inventory.MAC, at time.Time, alone bool) (Other, bool) {
	if len(b) > MaxMessage {
		return Other{}, false
	}
	m, err := read(b)
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply || len(m.ClientHWAddr) != 6 {
		return Other{}, false
	}
	kind, server, given := m.MessageType(), addr(m.ServerIdentifier()), addr(m.YourIPAddr)
	if kind != dhcpv4.MessageTypeOffer && kind != dhcpv4.MessageTypeAck || !server.IsValid() || !given.IsValid() || slices.Contains(own, server) {
		return Other{}, false
	}
	client := inventory.MAC(m.ClientHWAddr)
	host := v.Host(client)
	n, _ := local(v, addresses, host)
	ours := host != nil && host.Address == given || n != nil && n.Pool.Contains(given)
	if n == nil || !n.DHCP.Addresses() || ours && !alone {
		return Other{}, false
	}
	e := journal.Event{At: at, Kind: journal.DHCPRogue, MAC: client, Actor: "dhcp",
		Summary: fmt.Sprintf("another DHCP server, %s (MAC %s), answers on network %s: it gave %s to %s", server, hardware, n.Name, given, client),
		Detail:  map[string]any{"server": server.String(), "server_mac": hardware.String(), "network": n.Name, "address": given.String(), "reply": wordOf(m)}}
	if host != nil {
		e.Machine, e.Name, e.Operation = host.Machine, host.Name, host.Operation
	}
	return Other{Server: server, Client: client, Network: n.Name, Event: e}, true
}

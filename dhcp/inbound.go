// Package dhcp decides the answer to one DHCPv4 message from an immutable view of the
// inventory: message in, answer out. It opens no socket and keeps no state; leases for
// strangers are asked of a Lender.
package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// MaxMessage is the largest datagram that is looked at, bytes. Firmware and relays stay
// within one Ethernet frame.
const MaxMessage = 1500

// Inbound is one message and where it arrived.
type Inbound struct {
	Message   *dhcpv4.DHCPv4
	Interface string       // name of the interface it came in on
	Addresses []netip.Addr // IPv4 addresses of that interface
	Own       []netip.Addr // IPv4 addresses of all our interfaces
	From      netip.AddrPort
	To        netip.Addr // destination of the datagram
	Port      uint16     // likewise; 0 is ServerPort
	At        time.Time
}

// Settings are what an answer needs to know of our other servers.
type Settings struct {
	HTTPPort   uint16        // of the boot server
	HTTPSPort  uint16        // likewise, for firmware that holds its authority; 0: there is none
	Loaders    *boot.Loaders // that can be had there; nil: the built-in ones
	BootServer netip.Addr    // where boot files are, by TFTP and HTTP; invalid: the address the client reaches us at
}

// clientOf reads what a message says of the netboot client that sent it.
func clientOf(m *dhcpv4.DHCPv4) boot.Client {
	mac, _ := inventory.MACFrom(m.ClientHWAddr)
	c := boot.Client{
		MAC:   mac,
		Arch:  boot.ArchUnknown,
		Class: boot.ClassOf(m.ClassIdentifier(), m.UserClass()),
	}
	if a := m.Options.Get(dhcpv4.OptionClientSystemArchitectureType); len(a) >= 2 {
		c.Arch = boot.Arch(binary.BigEndian.Uint16(a)) // RFC 4578 section 2.1: the first is the one it booted as
	}
	c.UUID = guid(m.Options.Get(dhcpv4.OptionClientMachineIdentifier))
	return c
}

// Sender is the client that sent a datagram, as it says itself; false for what Parse refuses.
func Sender(b []byte) (boot.Client, bool) {
	m, _ := Parse(b)
	if m == nil {
		return boot.Client{}, false
	}
	return clientOf(m), true
}

// place is where a message belongs: the network its sender is on and the address of
// ours that answers there.
type place struct {
	network *inventory.Network // nil: on no declared network
	server  netip.Addr         // address the client reaches us at
	ident   netip.Addr         // server identifier to send (RFC 5107 lets a relay override it)
	relay   netip.Addr         // giaddr, invalid without a relay
	spoofed bool               // the relay is not to be believed
}

// locate finds the place: through a relay by its link selection (RFC 3527) or giaddr,
// for a unicast renewal by the client's own address, else by the interface.
func locate(v *boot.View, in Inbound, h *boot.Host) place {
	p := place{server: in.reachedAt()}
	ciaddr := addr(in.Message.ClientIPAddr)
	switch p.relay = addr(in.Message.GatewayIPAddr); {
	case p.relay.IsValid():
		p.network = v.NetworkOf(linkOf(in.Message, p.relay))
		p.spoofed = !believable(v, in, p.relay)
	case ciaddr.IsValid() && slices.Contains(in.Own, in.To):
		p.network = v.NetworkOf(ciaddr)
	default:
		p.network, p.server = local(v, in.Addresses, h)
	}
	p.ident = p.server
	if o := relayOption(in.Message, serverOverride); o.IsValid() && p.relay.IsValid() {
		p.ident = o
	}
	return p
}

// believable reports whether a relay may have that address: the reply goes there. One
// outside every declared network has to be the sender itself.
func believable(v *boot.View, in Inbound, relay netip.Addr) bool {
	if relay.IsLoopback() || relay.IsMulticast() || relay == broadcast() || slices.Contains(in.Own, relay) {
		return false
	}
	return v.NetworkOf(relay) != nil || in.From.Addr() == relay || !linkOf(in.Message, netip.Addr{}).IsValid()
}

// reachedAt is the address the datagram was sent to when that is ours, else the
// interface's first.
func (in Inbound) reachedAt() netip.Addr {
	if slices.Contains(in.Own, in.To) {
		return in.To
	}
	if len(in.Addresses) > 0 {
		return in.Addresses[0]
	}
	return netip.Addr{}
}

// local picks among the networks an interface has addresses in: the one the host is
// planned on, else the first that is served, else the first declared.
func local(v *boot.View, addresses []netip.Addr, h *boot.Host) (network *inventory.Network, server netip.Addr) {
	best := 0
	for _, a := range addresses {
		n := v.NetworkOf(a)
		if n == nil {
			continue
		}
		rank := 1
		if n.DHCP != inventory.DHCPOff {
			rank = 2
		}
		if h != nil && h.Address.IsValid() && n.Prefix.Contains(h.Address) && !elsewhere(h, n) {
			rank = 3
		}
		if rank > best {
			best, network, server = rank, n, a
		}
	}
	return network, server
}

// Suboptions of the relay agent information option (82).
const (
	circuitID      = 1  // RFC 3046 section 3.1
	remoteID       = 2  // RFC 3046 section 3.2
	linkSelection  = 5  // RFC 3527
	serverOverride = 11 // RFC 5107
)

// linkOf is an address on the client's link: the relay's word (RFC 3527) before the
// client's own, option 118 (RFC 3011), before giaddr.
func linkOf(m *dhcpv4.DHCPv4, giaddr netip.Addr) netip.Addr {
	if a := relayOption(m, linkSelection); a.IsValid() {
		return a
	}
	if a := addr(m.Options.Get(dhcpv4.OptionSubnetSelection)); a.IsValid() {
		return a
	}
	return giaddr
}

func relayOption(m *dhcpv4.DHCPv4, code uint8) netip.Addr {
	ro := m.RelayAgentInfo()
	if ro == nil {
		return netip.Addr{}
	}
	return addr(ro.Options[code])
}

// addr converts, with 0.0.0.0 and anything that is no IPv4 address as invalid.
func addr(ip net.IP) netip.Addr {
	a, ok := netip.AddrFromSlice(ip)
	a = a.Unmap()
	if !ok || !a.Is4() || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

package v6

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"rackwright/inventory"
)

// Lifetimes in router advertisements, seconds.
const (
	routerLife   = 1800  // three times the longest pause between two (RFC 4861 section 6.2.1)
	validLife    = 86400 // of a prefix: machines outlast a server that is away for a day
	preferLife   = 14400
	resolverLife = 1800 // RFC 8106 section 5.1
)

// Options of a router advertisement (RFC 4861 section 4.6, RFC 8106).
const (
	raPrefix    = 3
	raMTU       = 5
	raResolvers = 25
	raDomains   = 31
)

// Advertisement is the router advertisement of a network (RFC 4861 section 4.2), behind its
// ICMP header: without an IPv6 subnet an empty one, which says that no router is here. own
// are our addresses on the link: we are a router only where the plan says so.
func Advertisement(n *inventory.Network, own []netip.Addr) []byte {
	b := make([]byte, 12)
	b[0] = 64 // current hop limit
	if !n.Prefix6.IsValid() {
		return b
	}
	switch n.DHCP6 {
	case inventory.DHCP6Reservations:
		b[1] = 0x80 | 0x40 // managed addresses, other configuration
	case inventory.DHCP6Stateless:
		b[1] = 0x40
	}
	if slices.Contains(own, n.Gateway6) {
		binary.BigEndian.PutUint16(b[2:], routerLife)
	}
	b = append(b, prefixOption(n)...)
	if n.MTU >= inventory.MinMTU6 {
		b = binary.BigEndian.AppendUint32(append(b, raMTU, 1, 0, 0), uint32(n.MTU))
	}
	if dns := addresses(n.DNS); len(dns) > 0 {
		b = append(b, lived(raResolvers, dns)...)
	}
	if name := domain(n.Domain); len(name) > 0 {
		b = append(b, lived(raDomains, name)...)
	}
	return b
}

// prefixOption says that the subnet is on the link, and whether machines make themselves
// addresses of it (RFC 4861 section 4.6.2).
func prefixOption(n *inventory.Network) []byte {
	b := []byte{raPrefix, 4, byte(n.Prefix6.Bits()), 0x80}
	if n.SLAAC {
		b[3] |= 0x40
	}
	b = binary.BigEndian.AppendUint32(b, validLife)
	b = binary.BigEndian.AppendUint32(b, preferLife)
	at := n.Prefix6.Addr().As16()
	return append(append(b, 0, 0, 0, 0), at[:]...)
}

// lived is an option of RFC 8106: its lifetime, its value and zeros up to eight bytes.
func lived(kind byte, value []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind, 0, 0, 0}, resolverLife)
	b = append(b, value...)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	b[1] = byte(len(b) / 8)
	return b
}

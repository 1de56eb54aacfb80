package v6

import (
	"encoding/binary"
	"net/netip"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

var (
	knownMAC = inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}
	otherMAC = inventory.MAC{0x52, 0x54, 0, 0x77, 0, 2}
	farMAC   = inventory.MAC{0x52, 0x54, 0, 0x77, 0, 3}
	strange  = inventory.MAC{0x52, 0x54, 0, 0x99, 0, 9}
)

const (
	known = "fd86::11"
	uuid  = "4c4c4544-0031-4a10-8051-b4c04f4d3132"
)

func at(s string) netip.Addr { return netip.MustParseAddr(s) }

// world is two networks and three machines.
type world struct {
	view *boot.View
	in   Inbound
}

func newWorld(change func(n *inventory.Network)) *world {
	prov := &inventory.Network{ID: "1", Name: "prov", Prefix: netip.MustParsePrefix("10.86.0.0/24"), Prefix6: netip.MustParsePrefix("fd86::/64"), DHCP6: inventory.DHCP6Reservations,
		Strangers: inventory.StrangerIgnore, LeaseSeconds: 1000, DNS: []netip.Addr{at("10.0.0.53"), at("fd86::53")}, NTP: []netip.Addr{at("fd86::123")}, Domain: "lab.example", MTU: 9000}
	far := &inventory.Network{ID: "2", Name: "far", Prefix: netip.MustParsePrefix("10.87.0.0/24"), Prefix6: netip.MustParsePrefix("fd87::/64"), DHCP6: inventory.DHCP6Reservations, LeaseSeconds: 600}
	if change != nil {
		change(prov)
	}
	v := boot.NewView(1, []*inventory.Network{prov, far}, []*boot.Host{
		{Machine: "m1", Name: "n1", MAC: knownMAC, UUID: uuid, Network: "prov", Address6: at(known)},
		{Machine: "m1", Name: "n1", MAC: inventory.MAC{0x52, 0x54, 0, 0x77, 1, 1}, UUID: uuid, Network: "far", Address6: at("fd87::11")},
		{Machine: "m2", Name: "n2", MAC: otherMAC, Network: "prov"},
		{Machine: "m3", Name: "n3", MAC: farMAC, Network: "far", Address6: at("fd87::13")},
	}).With(&boot.Delta{Revision: 1, Installation: "7f3c8c52-1d2b-4a10-9c7e-0123456789ab"})
	return &world{view: v, in: Inbound{Interface: "eth0", Addresses: []netip.Addr{at("fe80::1"), at("fd86::1")}, Own: []netip.Addr{at("fe80::1"), at("fd86::1")},
		From: netip.AddrPortFrom(at("fe80::77"), clientPort), To: at("ff02::1:2"), At: time.Unix(1, 0)}}
}

func discovering(n *inventory.Network) { n.Strangers = inventory.StrangerDiscover }

// ask is the answer to a datagram.
func (w *world) ask(b []byte) Answer {
	m, reason := Parse(b)
	if reason != "" {
		return Answer{Rule: reason}
	}
	in := w.in
	in.Message = m
	return Decide(w.view, in, Settings{HTTPPort: 8080})
}

// message writes a datagram of a type.
func message(kind Type, parts ...[]byte) []byte {
	b := []byte{byte(kind), 1, 2, 3}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func opt(code uint16, value ...byte) []byte { return put(nil, code, value) }

func ll(m inventory.MAC) []byte { return opt(optClientID, append([]byte{0, duidLL, 0, 1}, m[:]...)...) }

func llt(m inventory.MAC) []byte {
	return opt(optClientID, append([]byte{0, duidLLT, 0, 1, 1, 2, 3, 4}, m[:]...)...)
}

// iana is an association with addresses; id is its last byte.
func iana(id byte, addresses ...string) []byte {
	v := []byte{0, 0, 0, id, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, a := range addresses {
		v = append(v, lifetimes(at(a), 0)...)
	}
	return put(nil, optIANA, v)
}

func (w *world) us() []byte { return put(nil, optServerID, ServerID(w.view)) }

func vendor(class string) []byte {
	v := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, intel), uint16(len(class)))
	return put(nil, optVendorClass, append(v, class...))
}

func user(class string) []byte {
	return put(nil, optUserClass, append(binary.BigEndian.AppendUint16(nil, uint16(len(class))), class...))
}

func arch(n byte) []byte { return opt(optArch, 0, n) }

// relayed puts a message behind a relay.
func relayed(hops byte, link, peer string, inner []byte, more ...[]byte) []byte {
	l, p := at(link).As16(), at(peer).As16()
	b := append([]byte{byte(relayForward), hops}, l[:]...)
	b = append(b, p[:]...)
	for _, m := range more {
		b = append(b, m...)
	}
	return put(b, optRelay, inner)
}

package v6

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"unicode"
	"unicode/utf8"

	"rackwright/boot"
	"rackwright/inventory"
)

// Kinds of DUIDs (RFC 8415 section 11, RFC 6355).
const (
	duidLLT  = 1
	duidLL   = 3
	duidUUID = 4
)

// who is what a message says of its sender.
type who struct {
	port inventory.MAC // of the port it sent from, by a relay's word or its link-local address
	duid inventory.MAC // of its DUID: of any of its ports, or of the machine its disk was in before
	uuid [2]string     // of its DUID in both byte orders: RFC 6355 does not say which
}

// whoSent reads who sent a message. The relay next to the client has seen its frame.
func whoSent(m *Message, from netip.Addr) (w who) {
	if n := len(m.Hops); n > 0 {
		from, w.port = m.Hops[n-1].Peer, m.Hops[n-1].Client
	}
	if mac, ok := inventory.MACIn(from); ok && w.port.IsZero() && from.IsLinkLocalUnicast() {
		w.port = mac
	}
	id, _ := m.opts.get(optClientID)
	if len(id) < 4 {
		return w
	}
	switch kind := binary.BigEndian.Uint16(id); {
	case kind == duidLLT && len(id) == 14 && binary.BigEndian.Uint16(id[2:]) == 1:
		w.duid = unicast(inventory.MAC(id[8:]))
	case kind == duidLL && len(id) == 10 && binary.BigEndian.Uint16(id[2:]) == 1:
		w.duid = unicast(inventory.MAC(id[4:]))
	case kind == duidUUID && len(id) == 18:
		w.uuid = uuids(id[2:])
	}
	return w
}

func uuids(u []byte) [2]string {
	text := func(o interface {
		Uint32([]byte) uint32
		Uint16([]byte) uint16
	}) string {
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", o.Uint32(u), o.Uint16(u[4:]), o.Uint16(u[6:]), u[8:10], u[10:16])
	}
	return [2]string{text(binary.LittleEndian), text(binary.BigEndian)}
}

// host is the port of a known machine that this is, nil for a stranger's. The port that sent
// it is sure; a DUID's MAC or UUID says the machine, and the network which of its ports.
func (w who) host(v *boot.View, n *inventory.Network) *boot.Host {
	if h := v.Host(w.port); h != nil {
		return h
	}
	if h := v.Host(w.duid); h != nil {
		if on := only(v.HostsOf(h.Machine), n, h.BMC); on != nil && h.Network != n.Name {
			return on
		}
		return h
	}
	for _, u := range w.uuid {
		if id := v.MachineOf(u); id != "" {
			return only(v.HostsOf(id), n, false)
		}
	}
	return nil
}

// only is the one port of a machine on a network, nil when there are none or several.
func only(hosts []*boot.Host, n *inventory.Network, bmc bool) (found *boot.Host) {
	for _, h := range hosts {
		if h.Network != n.Name || h.BMC != bmc {
			continue
		}
		if found != nil {
			return nil
		}
		found = h
	}
	return found
}

// mac is the MAC of a stranger, zero when nothing says it.
func (w who) mac() inventory.MAC {
	if !w.port.IsZero() {
		return w.port
	}
	return w.duid
}

// clientOf reads what a message says of the netboot client that sent it.
func clientOf(m *Message) boot.Client {
	c := boot.Client{Arch: boot.ArchUnknown}
	if a, _ := m.opts.get(optArch); len(a) >= 2 {
		c.Arch = boot.Arch(binary.BigEndian.Uint16(a))
	}
	users, _ := m.opts.get(optUserClass)
	vendor, _ := m.opts.get(optVendorClass)
	var first string
	if len(vendor) > 4 { // the enterprise number, 343 of Intel for UEFI
		if list := texts(vendor[4:]); len(list) > 0 {
			first = list[0]
		}
	}
	c.Class = boot.ClassOf(first, append(texts(users), string(users)))
	return c
}

// Sender is the netboot client that sent a datagram, without MAC and UUID; false for what
// Parse refuses.
func Sender(b []byte) (boot.Client, bool) {
	m, reason := Parse(b)
	if reason != "" {
		return boot.Client{}, false
	}
	return clientOf(m), true
}

// texts are a class's values, each behind its length (RFC 8415 sections 21.15 and 21.16).
func texts(b []byte) (out []string) {
	for len(b) >= 2 && len(out) < 16 {
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			break
		}
		out, b = append(out, string(b[2:2+n])), b[2+n:]
	}
	return out
}

func unicast(m inventory.MAC) inventory.MAC {
	if m[0]&1 == 1 {
		return inventory.MAC{}
	}
	return m
}

// told shows opaque bytes of a relay: as text when they are printable, else as hexadecimal.
func told(b []byte) string {
	b = b[:min(len(b), 120)]
	if utf8.Valid(b) {
		for _, r := range string(b) {
			if !unicode.IsPrint(r) {
				return "0x" + hex.EncodeToString(b)
			}
		}
		return string(b)
	}
	return "0x" + hex.EncodeToString(b)
}

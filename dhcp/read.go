package dhcp

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/inventory"
)

// Where the fields of a message begin, bytes (RFC 2131 section 2).
const (
	snameAt  = 44
	fileAt   = 108
	vendAt   = 236 // the magic cookie, and behind it the options
	optionAt = 240
)

// maxHops is how many relays a message may have passed; one that went round in a loop has
// more (RFC 1542 section 4.1.1).
const maxHops = 16

func cookie() []byte { return []byte{99, 130, 83, 99} }

// Parse reads a datagram; anything that is not a BOOTREQUEST of an Ethernet client
// (RFC 2131 section 2) is reported as not ok, with the reason. A message without a type is
// BOOTP's (RFC 1534).
func Parse(b []byte) (m *dhcpv4.DHCPv4, reason Rule) {
	if m, reason = bootRequest(b); m == nil {
		return nil, reason
	}
	switch {
	case m.MessageType() == leaseQuery: // it has in chaddr whom it asks about, and nobody is there
		return nil, Queried
	case m.MessageType() > dhcpv4.MessageTypeInform:
		return nil, Unsupported
	case m.HWType != iana.HWTypeEthernet || len(m.ClientHWAddr) != 6:
		return nil, Malformed
	case m.ClassIdentifier() == probeClass:
		return nil, Probing
	}
	if mac := inventory.MAC(m.ClientHWAddr); mac.IsZero() || mac[0]&1 == 1 {
		return nil, Malformed
	}
	return m, ""
}

// ParseQuery reads a datagram that Parse says is Queried.
func ParseQuery(b []byte) (m *dhcpv4.DHCPv4, reason Rule) {
	if m, reason = bootRequest(b); m != nil && m.MessageType() != leaseQuery {
		return nil, Unsupported
	}
	return m, reason
}

// bootRequest reads a BOOTREQUEST.
func bootRequest(b []byte) (*dhcpv4.DHCPv4, Rule) {
	if len(b) > MaxMessage {
		return nil, Malformed
	}
	m, err := read(b)
	switch {
	case err != nil:
		return nil, Malformed
	case m.OpCode != dhcpv4.OpcodeBootRequest:
		return nil, NotRequest
	case m.HopCount > maxHops:
		return nil, Looped
	}
	return m, ""
}

// read takes a message apart. The vendor area of plain BOOTP has no cookie (RFC 951), and
// some firmware leaves the end option out.
func read(b []byte) (*dhcpv4.DHCPv4, error) {
	if len(b) >= optionAt && !bytes.Equal(b[vendAt:optionAt], cookie()) {
		b = append(append(slices.Clone(b[:vendAt]), cookie()...), dhcpv4.OptionEnd.Code())
	}
	m, err := dhcpv4.FromBytes(b)
	if errors.Is(err, io.ErrUnexpectedEOF) && len(b) >= optionAt {
		m, err = dhcpv4.FromBytes(append(slices.Clip(b), dhcpv4.OptionEnd.Code()))
	}
	if err != nil {
		return nil, err
	}
	return m, unload(m, b)
}

// unload reads the options that stand in file and sname, in that order, where option 52
// says that some do; parts of one option belong together (RFC 3396 section 5).
func unload(m *dhcpv4.DHCPv4, b []byte) error {
	over := m.Options.Get(dhcpv4.OptionOptionOverload)
	if len(over) != 1 {
		return nil
	}
	if over[0]&1 != 0 {
		m.BootFileName = ""
		if err := m.Options.FromBytes(b[fileAt:vendAt]); err != nil {
			return err
		}
	}
	if over[0]&2 != 0 {
		m.ServerHostName = ""
		if err := m.Options.FromBytes(b[snameAt:fileAt]); err != nil {
			return err
		}
	}
	m.DeleteOption(dhcpv4.OptionOptionOverload)
	return nil
}
